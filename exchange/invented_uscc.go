package exchange

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"healthcode/registry"
)

// ErrInventedUSCC is the reason why no code can be derived.
var ErrInventedUSCC = errors.New("no code can be derived")

// firstLetter is the place of A in registry.USCCAlphabet.
const firstLetter = 10

// InventedUSCC derives a unified social credit code from an id that another system gave to an establishment without one. The code
// is invented: well-formed (registration 9, category 1, the region, nine characters, the check character), always the same for
// the same region and id, and nobody's real code. Numbers of up to nine digits stand in the code as they are, so two of them never
// meet. Any other id is hashed into a letter and eight characters (1.8e13 codes), which never meets a number.
func InventedUSCC(region, id string) (registry.USCC, error) {
	if _, ok := registry.RegionLevelOf(region); !ok || len(region) != 6 {
		return "", fmt.Errorf("%w: region %.20q is not a code of 6 digits", ErrInventedUSCC, region)
	}
	id = strings.TrimSpace(id)
	if id == "" {
		return "", fmt.Errorf("%w: the id is empty", ErrInventedUSCC)
	}
	body := hashedBody(id)
	if len(id) <= 9 && allDigits(id) && (id[0] != '0' || id == "0") {
		body = strings.Repeat("0", 9-len(id)) + id
	}
	first17 := "91" + region + body
	return registry.USCC(first17 + string(registry.USCCCheckCharacter(first17))), nil
}

func hashedBody(id string) string {
	sum := sha256.Sum256([]byte(id))
	n := binary.BigEndian.Uint64(sum[:])
	body := make([]byte, 9)
	letters := uint64(len(registry.USCCAlphabet) - firstLetter)
	body[0], n = registry.USCCAlphabet[firstLetter+n%letters], n/letters
	for i := 1; i < len(body); i++ {
		body[i], n = registry.USCCAlphabet[n%31], n/31
	}
	return string(body)
}
