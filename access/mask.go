package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maskedWords end the names of members that the audit log never shows: secrets, and what points at a person. The value of such a member is replaced,
// so that a reader still sees that something stood there.
var maskedWords = []string{
	"password", "passphrase", "secret", "sealed", "totp", "otp", "hash", "token", "key", "jwk", "pin", "cookie", "authorization", "jwt",
	"people", "person", "inspector", "sampler", "tester", "complainant", "contact", "phone", "mobile", "email", "address", "representative",
}

// maskedValue stands in place of what is not shown.
const maskedValue = "***"

// Mask returns a value as JSON in which the members that hold a secret or point at a person are replaced, at any depth. What such a member is called
// decides: the last word of its name, as in password, api_key, PasswordHash and inspectors. True and false tell nothing and stay.
func Mask(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // every digit of a large number stays
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	var masked bytes.Buffer
	encoder := json.NewEncoder(&masked)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(mask(tree)); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	return bytes.TrimSuffix(masked.Bytes(), []byte("\n")), nil
}

func mask(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for name, value := range node {
			if _, tellsNothing := value.(bool); isMasked(name) && value != nil && !tellsNothing {
				node[name] = maskedValue
				continue
			}
			node[name] = mask(value)
		}
	case []any:
		for i := range node {
			node[i] = mask(node[i])
		}
	}
	return tree
}

// isMasked reports whether the last word of a member's name is one of maskedWords, in any case, singular or plural.
func isMasked(name string) bool {
	last := strings.ToLower(lastWord(name))
	return slices.Contains(maskedWords, last) || slices.Contains(maskedWords, strings.TrimSuffix(last, "s")) || slices.Contains(maskedWords, strings.TrimSuffix(last, "es"))
}

// lastWord returns what follows the last sign that is no letter, or the last capital after a small letter.
func lastWord(name string) string {
	letters := []rune(strings.TrimRightFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }))
	for i := len(letters) - 1; i > 0; i-- {
		if !unicode.IsLetter(letters[i-1]) || unicode.IsUpper(letters[i]) && unicode.IsLower(letters[i-1]) {
			return string(letters[i:])
		}
	}
	return string(letters)
}
