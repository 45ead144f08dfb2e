package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"healthcode/access"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"nothing to hide", `{"login":"li.na","n":12}`, `{"login":"li.na","n":12}`},
		{"a secret", `{"password":"p4"}`, `{"password":"***"}`},
		{"the last word", `{"password_hash":"x","api_key":"y","key_id":"7"}`, `{"api_key":"***","key_id":"7","password_hash":"***"}`},
		{"capitals", `{"PasswordHash":"x","apiKey":"y","TOTP":"z"}`, `{"PasswordHash":"***","TOTP":"***","apiKey":"***"}`},
		{"plural", `{"inspectors":["a","b"],"addresses":["c"],"tokens":[1]}`, `{"addresses":"***","inspectors":"***","tokens":"***"}`},
		{"a number behind it", `{"phone2":"138"}`, `{"phone2":"***"}`},
		{"at any depth", `{"a":[{"b":{"secret":{"c":"s"}}}]}`, `{"a":[{"b":{"secret":"***"}}]}`},
		{"nothing and yes or no tell nothing", `{"token":null,"has_password":true,"second_factor":false}`, `{"has_password":true,"second_factor":false,"token":null}`},
		{"large numbers keep their digits", `{"n":9223372036854775807}`, `{"n":9223372036854775807}`},
		{"signs of HTML stay", `{"a":"<b>&"}`, `{"a":"<b>&"}`},
		{"words that only contain one", `{"monkey":"m","tokenizer":"t","hashed":"h","keys_total":3}`, `{"hashed":"h","keys_total":3,"monkey":"m","tokenizer":"t"}`},
		{"no object", `"password"`, `"password"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			masked, err := access.Mask(json.RawMessage(c.value))
			if err != nil || string(masked) != c.want {
				t.Errorf("Mask(%s) = %s, %v; want %s", c.value, masked, err, c.want)
			}
		})
	}
}

// drawTree draws a JSON value in which every text below a secret name contains the mark, and no other text does.
func drawTree(t *rapid.T, depth int, secret bool) any {
	text := rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "text")
	if secret {
		text += secretMark
	}
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	switch {
	case depth == 0 || kind == 0:
		return text
	case kind == 1:
		values := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range values {
			values[i] = drawTree(t, depth-1, secret)
		}
		return values
	}
	members := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		name := rapid.SampledFrom([]string{"login", "grants", "note", "x"}).Draw(t, "name")
		below := secret
		if rapid.Bool().Draw(t, "hide") {
			first := rapid.SampledFrom([]string{"", "old_", "api-", "its ", "webhook."}).Draw(t, "first")
			name = first + rapid.SampledFrom([]string{"password", "Secret", "HASH", "keys", "token", "inspectors", "phone", "address", "jwk"}).Draw(t, "hidden")
			below = true
		}
		members[name] = drawTree(t, depth-1, below)
	}
	return members
}

const secretMark = "-SECRET-"

// TestMaskHides holds that nothing below a hidden name shows, at any depth, and that masking again changes nothing.
func TestMaskHides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawTree(t, 5, false)
		masked, err := access.Mask(tree)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(masked), secretMark) {
			t.Fatalf("%s shows what is below a hidden name", masked)
		}
		again, err := access.Mask(masked)
		if err != nil || string(again) != string(masked) {
			t.Fatalf("masked again %s becomes %s, %v", masked, again, err)
		}
	})
}
