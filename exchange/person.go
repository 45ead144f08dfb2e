package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"healthcode/registry"
)

// MinPersonKey is the least length, in bytes, of the key that hides persons.
const MinPersonKey = 16

// ErrPersonKey is the reason for refusing to read records without a key of at least MinPersonKey bytes.
var ErrPersonKey = errors.New("the key that hides the names of persons is missing or too short")

// hiddenLength is the length of a hidden name: 16 bytes in hex.
const hiddenLength = 32

// hidePersons replaces the names of inspectors and of the complainant by keyed hashes. It is the only way a name can take into
// the register, so a name is never stored.
func hidePersons(key []byte, r *registry.Record) {
	if r.People != nil {
		for i, name := range r.People.Inspectors {
			r.People.Inspectors[i] = hidePerson(key, "inspector", name)
		}
	}
	if complaint, ok := r.Detail.(*registry.Complaint); ok && complaint != nil {
		complaint.Complainant = hidePerson(key, "complainant", complaint.Complainant)
	}
}

// hidePerson returns the first 16 bytes of HMAC-SHA-256 over role and name, in hex. The role keeps an inspector and a complainant
// of one name apart. A text that is already of this form is a hash from an export and stays, so that reading it again changes nothing.
func hidePerson(key []byte, role, name string) string {
	name = strings.TrimSpace(name)
	if name == "" || isHidden(name) {
		return name
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(role + "\x00" + name))
	return hex.EncodeToString(mac.Sum(nil)[:hiddenLength/2])
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
