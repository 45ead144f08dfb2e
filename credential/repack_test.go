package credential_test

import (
	"errors"
	"testing"

	"healthcode/credential"
	"healthcode/registry"
)

func TestPrintedTextOfAVerifiedToken(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	keys, err := credential.NewKeySet(*key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, lifetime := range map[string]credential.Lifetime{"printed": credential.PrintedLifetime, "screen": credential.ScreenLifetime} {
		issued, err := credential.Issue(key, credential.Code{USCC: "91350100M000100Y43", IssuedAt: 1_795_000_000, Lifetime: lifetime,
			Tier: registry.TierA, Colour: registry.ColourGreen, Model: 1, Index: 1<<20 + 7})
		if err != nil {
			t.Fatal(err)
		}
		v := credential.Verify(issued.JWT, keys, issued.Code.Issued())
		if text, err := credential.PrintedText(&v, issued.JWT); err != nil || text != issued.URL {
			t.Errorf("%s: %q, %v, want %q", name, text, err, issued.URL)
		}
		late := credential.Verify(issued.JWT, keys, issued.Code.Expires())
		if text, err := credential.PrintedText(&late, issued.JWT); !errors.Is(err, credential.ErrCode) || text != "" {
			t.Errorf("%s, expired: %q, %v", name, text, err)
		}
	}
}
