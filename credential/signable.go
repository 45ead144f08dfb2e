package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrNotSignable means that a text is nothing that a key for codes may sign.
var ErrNotSignable = errors.New("this is nothing that a key for health codes signs")

// signableLife is how long a code may live: a leap year.
const signableLife = 366 * 24 * time.Hour

// CheckSignable says whether a key for codes may sign an input (header "." payload) at a moment: a health code, a status or grade list, the
// manifest of a bundle or a checkpoint of the audit log, byte for byte of its template, in the name of the key and its issuer, issued now (KeyClockSkew off at most) and not
// living longer than such a thing does. It is for whoever holds a key and signs for others. Every error wraps ErrNotSignable.
func CheckSignable(input string, key *PublicKey, now time.Time) error {
	read, err := readJWS(input+".", MaxListToken)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSignable, err)
	}
	if read.alg != key.Algorithm || read.kid != key.ID() {
		return fmt.Errorf("%w: it is not in the name of key %s with %s", ErrNotSignable, key.ID(), key.Algorithm)
	}
	issued, life, err := read.span(key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSignable, err)
	}
	if issued.Before(now.Add(-KeyClockSkew)) || issued.After(now.Add(KeyClockSkew)) {
		return fmt.Errorf("%w: it is not issued now but at %s", ErrNotSignable, issued.Format(time.RFC3339))
	}
	longest := ListLifetime
	if read.typ == tokenType {
		longest = signableLife
	}
	if life > longest {
		return fmt.Errorf("%w: it lives %s, longer than %s", ErrNotSignable, life, longest)
	}
	return nil
}

// span checks a payload against the template of its type and returns when it is issued and how long it lives.
func (j *jws) span(key *PublicKey) (issued time.Time, life time.Duration, err error) {
	switch j.typ {
	case tokenType:
		code, exact := readPayload(j.payload, key.Issuer, key.Number)
		if !exact {
			return issued, 0, errors.New("its payload is not that of a code of this issuer")
		}
		return code.Issued(), code.Expires().Sub(code.Issued()), nil
	case bundleType:
		m, err := readManifest(j.payload, key.Issuer)
		if err != nil {
			return issued, 0, err
		}
		return timeOrZero(&m.Issued), timeOrZero(&m.Expires).Sub(timeOrZero(&m.Issued)), nil
	case checkpointType:
		c, err := readCheckpoint(j.payload, key.Issuer)
		if err != nil {
			return issued, 0, err
		}
		return c.IssuedAt, 0, nil
	}
	kind, err := kindOf(j.typ)
	if err != nil {
		return issued, 0, errors.New("its typ is neither that of a code nor of a list, bundle or checkpoint")
	}
	claims, err := parseListPayload(j.payload, kind, key.Issuer)
	if err != nil {
		return issued, 0, err
	}
	list, err := claims.list(kind, &PublicKey{})
	if err != nil {
		return issued, 0, err
	}
	return list.IssuedAt, list.ExpiresAt.Sub(list.IssuedAt), nil
}

// readManifest reads the payload of a manifest, which must be the one that is written of what it says.
func readManifest(payload []byte, issuer string) (*manifest, error) {
	var m manifest
	if json.Unmarshal(payload, &m) != nil {
		return nil, errManifest
	}
	again, err := json.Marshal(m)
	if err != nil || string(again) != string(payload) || m.Lists == nil || m.Issuer != issuer {
		return nil, errManifest
	}
	return &m, nil
}
