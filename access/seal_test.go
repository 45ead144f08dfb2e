package access_test

import (
	"errors"
	"testing"

	"healthcode/access"

	"pgregory.net/rapid"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	key, other := access.SealKey{1}, access.SealKey{2}
	rapid.Check(t, func(t *rapid.T) {
		text, purpose := rapid.String().Draw(t, "text"), rapid.String().Draw(t, "purpose")
		sealed, err := key.Seal(text, purpose)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.Open(sealed, purpose); err != nil || got != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
		if _, err := key.Open(sealed, purpose+"x"); !errors.Is(err, access.ErrSealed) {
			t.Errorf("another purpose: %v", err)
		}
		if _, err := other.Open(sealed, purpose); !errors.Is(err, access.ErrSealed) {
			t.Errorf("another key: %v", err)
		}
		if _, err := key.Open(sealed[1:], purpose); !errors.Is(err, access.ErrSealed) {
			t.Errorf("a cut text: %v", err)
		}
	})
}

func FuzzOpenSealed(f *testing.F) {
	f.Add("", "")
	f.Fuzz(func(t *testing.T, sealed, purpose string) {
		if text, err := (&access.SealKey{}).Open(sealed, purpose); err == nil && len(sealed) < 16 {
			t.Errorf("%q opens to %q", sealed, text)
		}
	})
}
