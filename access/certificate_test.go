package access

import (
	"errors"
	"strings"
	"testing"
)

func TestPresents(t *testing.T) {
	t.Parallel()
	shown, other := []byte("a certificate"), []byte("another")
	for name, c := range map[string]struct {
		wanted []string
		der    []byte
		want   bool
	}{
		"none wanted, none shown": {nil, nil, true},
		"none wanted":             {nil, shown, true},
		"none shown":              {[]string{Thumbprint(shown)}, nil, false},
		"the one wanted":          {[]string{Thumbprint(shown)}, shown, true},
		"one of two":              {[]string{Thumbprint(other), Thumbprint(shown)}, shown, true},
		"another":                 {[]string{Thumbprint(other)}, shown, false},
	} {
		if got := Presents(c.wanted, c.der); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCheckThumbprint(t *testing.T) {
	t.Parallel()
	if err := CheckThumbprint(Thumbprint(nil)); err != nil {
		t.Errorf("a thumbprint: %v", err)
	}
	for _, text := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("é", 22), Thumbprint(nil) + "=", Thumbprint(nil)[:42] + "F"} {
		if err := CheckThumbprint(text); !errors.Is(err, ErrThumbprint) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
