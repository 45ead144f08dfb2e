package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	bundleType = "qc-bundle+jwt"
	// MaxBundle is how large a bundle may be, in bytes: room for the lists of a hundred million codes.
	MaxBundle = 64 << 20
	// maxManifest is room for 8192 hashes, the lists of 2^32 codes, in base64url.
	maxManifest = 1 << 20
)

// ErrBundle means that a text is not a usable bundle.
var ErrBundle = errors.New("not a usable bundle")

// Bundle is all that a verifier needs without a network: the keys for which the root vouches, and the lists signed by those keys.
type Bundle struct {
	KeySet    SignedKeySet
	Lists     []*List
	IssuedAt  time.Time // of the manifest, UTC, whole seconds
	ExpiresAt time.Time // when the first of the lists expires, or has expired
}

// bundleText is a bundle as JSON.
type bundleText struct {
	Manifest string   `json:"manifest"`
	KeySet   string   `json:"key_set"`
	Lists    []string `json:"lists"`
}

// manifest says which key set and which lists belong together. Its members are written in this order.
type manifest struct {
	Issuer  string   `json:"iss"`
	Issued  uint32   `json:"iat"`
	Expires uint32   `json:"exp"`
	KeySet  string   `json:"key_set"`
	Lists   []string `json:"lists"`
}

// SignBundle puts a signed key set and the tokens of lists together under a manifest. The signer is the active key, or the root. The
// tokens are those that SignKeySet and SignList returned; they are not verified again.
func SignBundle(signer Signer, keySet string, lists []string, at time.Time) ([]byte, error) {
	issued, err := UnixSeconds(at)
	if err != nil {
		return nil, err
	}
	expires, err := UnixSeconds(at.Add(ListLifetime))
	if err != nil {
		return nil, err
	}
	m := manifest{signer.PublicKey().Issuer, issued, expires, hashOf(keySet), []string{}}
	for _, token := range lists {
		end, err := expiryOf(token)
		if err != nil {
			return nil, err
		}
		m.Expires, m.Lists = min(m.Expires, end), append(m.Lists, hashOf(token))
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	kid, err := manifestKeyID(signer.PublicKey(), keySet)
	if err != nil {
		return nil, err
	}
	token, err := signJWS(signer, kid, bundleType, payload)
	if err != nil {
		return nil, err
	}
	return json.Marshal(bundleText{token, keySet, append([]string{}, lists...)})
}

// manifestKeyID is the kid of the signer: its thumbprint when it is the root that signed the key set, otherwise its number.
func manifestKeyID(key *PublicKey, keySet string) (string, error) {
	root, err := RootOf(key)
	if err != nil {
		return "", err
	}
	read, err := readJWS(keySet, maxSignedKeySet)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	if read.kid == root.thumbprint {
		return root.thumbprint, nil
	}
	return key.ID(), nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// expiryOf reads the exp of a list without verifying it.
func expiryOf(token string) (uint32, error) {
	read, err := readJWS(token, MaxListToken)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrList, err)
	}
	var claims struct{ Exp *uint32 }
	if json.Unmarshal(read.payload, &claims) != nil || claims.Exp == nil {
		return 0, fmt.Errorf("%w: no exp", ErrList)
	}
	return *claims.Exp, nil
}

// ParseBundle verifies a bundle with the pinned root: the key set by the root, the manifest by one of those keys or the root, every list
// by one of the keys. The key set and the lists must be those of the manifest, in its order, and no list may stand twice. It does not look
// at the clock and remembers nothing: package verify does both. Every error wraps ErrBundle; ErrBadSignature and ErrUnknownKey stand
// within where they fit.
func ParseBundle(data []byte, root *Root) (*Bundle, error) {
	bundle, err := parseBundle(data, root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	return bundle, nil
}

func parseBundle(data []byte, root *Root) (*Bundle, error) {
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), MaxBundle)
	}
	if err := refuseTwice(data); err != nil {
		return nil, err
	}
	var text bundleText
	if json.Unmarshal(data, &text) != nil {
		return nil, errors.New("not an object with manifest, key_set and lists")
	}
	set, err := ParseSignedKeySet(text.KeySet, root)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(text.Manifest, set, root)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if err := m.fits(&text); err != nil {
		return nil, err
	}
	bundle := &Bundle{KeySet: *set, IssuedAt: timeOrZero(&m.Issued), ExpiresAt: timeOrZero(&m.Expires)}
	bundle.Lists, err = parseLists(text.Lists, set.Keys)
	return bundle, err
}

func parseManifest(token string, set *SignedKeySet, root *Root) (*manifest, error) {
	read, err := readJWS(token, maxManifest)
	if err != nil {
		return nil, err
	}
	if read.typ != bundleType {
		return nil, fmt.Errorf("its typ is not %s", bundleType)
	}
	if read.kid == root.thumbprint {
		if err := root.verify(read); err != nil {
			return nil, err
		}
		return parseManifestPayload(read.payload, &PublicKey{Issuer: root.issuer}) // in use at all times
	}
	number, err := ParseKeyNumber(read.kid)
	if err != nil {
		return nil, fmt.Errorf("%w: its kid is not a number", ErrUnknownKey)
	}
	return firstKey(read, set.Keys, number, func(key *PublicKey) (*manifest, error) { return parseManifestPayload(read.payload, key) })
}

// parseManifestPayload reads what a key has signed, at a time when the key was in use.
func parseManifestPayload(payload []byte, key *PublicKey) (*manifest, error) {
	m, err := readManifest(payload, key.Issuer)
	if err != nil {
		return nil, err
	}
	if !key.signedAt(timeOrZero(&m.Issued)) {
		return nil, fmt.Errorf("%w: key %s was not in use at its time", ErrUnknownKey, key.ID())
	}
	return m, nil
}

var errManifest = errors.New("its payload is not that of a manifest")

// fits reports whether the manifest is about these texts.
func (m *manifest) fits(text *bundleText) error {
	if m.KeySet != hashOf(text.KeySet) {
		return errors.New("the key set is not that of the manifest")
	}
	if len(m.Lists) != len(text.Lists) {
		return fmt.Errorf("%d lists, the manifest has %d", len(text.Lists), len(m.Lists))
	}
	for i, token := range text.Lists {
		if m.Lists[i] != hashOf(token) {
			return fmt.Errorf("list %d is not that of the manifest", i+1)
		}
	}
	return nil
}

func parseLists(tokens []string, keys *KeySet) ([]*List, error) {
	lists := make([]*List, 0, len(tokens))
	seen := map[string]bool{}
	for i, token := range tokens {
		list, err := ParseList(token, keys)
		if err != nil {
			return nil, fmt.Errorf("list %d: %w", i+1, err)
		}
		if seen[list.Subject()] {
			return nil, fmt.Errorf("list %s stands twice", list.Subject())
		}
		seen[list.Subject()] = true
		lists = append(lists, list)
	}
	return lists, nil
}
