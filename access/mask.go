package access

import (
	"encoding/json"
	"fmt"
	"slices"
)

// maskedMembers name what the audit log never shows: secrets, and what points at a person. The value of such a member is replaced, so that a
// reader still sees that something stood there.
var maskedMembers = []string{
	"password", "password_hash", "secret", "sealed", "totp", "hash", "token", "key", "jwk",
	"people", "inspectors", "sampler", "tester", "contact", "phone", "email", "address", "person", "legal_representative",
}

// maskedValue stands in place of what is not shown.
const maskedValue = "***"

// Mask returns a value as JSON in which the members that hold a secret or point at a person are replaced, at any depth.
func Mask(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	if text, err = json.Marshal(mask(tree)); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	return text, nil
}

func mask(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for name, value := range node {
			node[name] = mask(value)
			if slices.Contains(maskedMembers, name) {
				node[name] = maskedValue
			}
		}
	case []any:
		for i := range node {
			node[i] = mask(node[i])
		}
	}
	return tree
}
