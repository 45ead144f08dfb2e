package access

import (
	"strings"
	"testing"
)

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, code := range append(NewRecoveryCodes(), NewRecoveryCodes()...) {
		hash, ok := RecoveryHash(code)
		if !ok || len(code) != 19 || seen[hash] {
			t.Errorf("%s: %v, seen %v", code, ok, seen[hash])
		}
		seen[hash] = true
		for _, typed := range []string{strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " ") + " "} {
			if same, ok := RecoveryHash(typed); !ok || same != hash {
				t.Errorf("%q is not taken for %q", typed, code)
			}
		}
	}
	for _, text := range []string{"", "123456", "k2vd-7hqa-mm3x-2oy", "k2vd-7hqa-mm3x-2oypp", "k2vd-7hqa-mm3x-2oy1", "k2vd-7hqa-mm3x-2oyé", strings.Repeat("-", 40)} {
		if _, ok := RecoveryHash(text); ok {
			t.Errorf("%q is taken for a code", text)
		}
	}
}
