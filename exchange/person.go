package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"sync"

	"healthcode/registry"
)

// MinPersonKey is the least length, in bytes, of the key that hides persons.
const MinPersonKey = 16

// ErrPersonKey is the reason for refusing to read records without a key of at least MinPersonKey bytes.
var ErrPersonKey = errors.New("the key that hides the names of persons is missing or too short")

// hiddenLength is the length of a hidden name: 16 bytes in hex.
const hiddenLength = 32

// personHider hides names under one key. It may be used by several goroutines at once.
type personHider struct{ macs sync.Pool } // a used one is cheaper than a new one: it has the key worked in

func newPersonHider(key []byte) *personHider {
	return &personHider{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// record replaces the names of inspectors and of the complainant by keyed hashes. It is the only way a name can take into
// the register, so a name is never stored.
func (h *personHider) record(r *registry.Record) {
	if r.People != nil {
		for i, name := range r.People.Inspectors {
			r.People.Inspectors[i] = h.person("inspector", name)
		}
	}
	if complaint, ok := r.Detail.(*registry.Complaint); ok && complaint != nil {
		complaint.Complainant = h.person("complainant", complaint.Complainant)
	}
}

// person returns the first 16 bytes of HMAC-SHA-256 over role and name, in hex. The role keeps an inspector and a complainant
// of one name apart. A text that is already of this form is a hash from an export and stays, so that reading it again changes nothing.
func (h *personHider) person(role, name string) string {
	name = strings.TrimSpace(name)
	if name == "" || isHidden(name) {
		return name
	}
	mac, _ := h.macs.Get().(hash.Hash) // nothing else is in there
	defer h.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(role + "\x00" + name))
	var sum [sha256.Size]byte
	return hex.EncodeToString(mac.Sum(sum[:0])[:hiddenLength/2])
}

func isHidden(name string) bool {
	if len(name) != hiddenLength {
		return false
	}
	for i := range len(name) {
		if (name[i] < '0' || name[i] > '9') && (name[i] < 'a' || name[i] > 'f') {
			return false
		}
	}
	return true
}
