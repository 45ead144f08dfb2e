package access_test

import (
	"errors"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/registry"
)

func TestParseGrant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.Grant{
		"reader": {Role: access.Reader}, "supervisor:330402": {Role: access.Supervisor, Region: "330402"}, "key_officer": {Role: access.KeyOfficer},
		"reader:330402001": {Role: access.Reader, Region: "330402001"},
		"":                 {}, "boss": {}, "reader:": {}, "reader:33": {}, "reader:330402:1": {}, ":330402": {}, "Reader": {},
	} {
		got, err := access.ParseGrant(text)
		if got != want || (err == nil) != (want.Role != "") || err != nil && !errors.Is(err, access.ErrGrant) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if err == nil && got.String() != text {
			t.Errorf("%q is written %q", text, got)
		}
	}
}

func TestNamesOfAccountsAndPartners(t *testing.T) {
	t.Parallel()
	for login, want := range map[string]bool{"zhang.min": true, "Zhang-Min_2": true, "z": false, "": false, "2z": false, "a b": false, "a@b": false, "张敏": false, strings.Repeat("a", 65): false} {
		if got := access.CheckLogin(login) == nil; got != want {
			t.Errorf("login %q: %t", login, got)
		}
	}
	for name, want := range map[string]bool{"某银行嘉兴分行": true, "": false, " x": false, "a\nb": false, strings.Repeat("银", 100): true, strings.Repeat("银", 101): false, "\xff": false} {
		if got := access.CheckName(name) == nil; got != want {
			t.Errorf("name %q: %t", name, got)
		}
	}
	for network, want := range map[string]bool{"192.0.2.0/24": true, "2001:db8::/32": true, "192.0.2.1/32": true, "192.0.2.1": false, "192.0.2.1/24": false, "": false} {
		if got := access.CheckNetwork(network) == nil; got != want {
			t.Errorf("network %q: %t", network, got)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	grants, owns := []access.Grant{{Role: access.Reader}}, []registry.USCC{own}
	for name, c := range map[string]struct {
		grants []access.Grant
		owns   []registry.USCC
		agency string
		want   access.Kind
	}{
		"roles": {grants, nil, "", access.Staff}, "enterprises": {nil, owns, "", access.Enterprise}, "an agency": {nil, nil, "lab", access.Agency},
		"nothing": {nil, nil, "", ""}, "roles and enterprises": {grants, owns, "", ""}, "roles and an agency": {grants, nil, "lab", ""},
	} {
		if got, err := access.KindOf(c.grants, c.owns, c.agency); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Whatever is taken is a known role, for nowhere outside the divisions, and is written as it was read.
func FuzzParseGrant(f *testing.F) {
	for _, seed := range []string{"reader", "supervisor:330402", "reader:", "x:1", "reader:330402001:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		g, err := access.ParseGrant(text)
		if err == nil && (g.String() != text || !g.Role.Known() || access.RegionsOf(g.Region).Empty()) {
			t.Errorf("%q is %+v", text, g)
		}
	})
}
