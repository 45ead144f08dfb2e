package access

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"healthcode/registry"
)

// What makes no sense about an account or a partner.
var (
	ErrLogin   = errors.New("a login name has 2 to 64 of a to z, 0 to 9, '.', '-' and '_', and begins with a letter")
	ErrGrant   = errors.New("not a role, or one for a region")
	ErrRights  = errors.New("an account has roles, or enterprises, or an agency: exactly one of the three")
	ErrName    = errors.New("a name has 1 to 100 characters on one line")
	ErrNetwork = errors.New("not a network, such as 192.0.2.0/24 or 2001:db8::/32")
)

var loginForm = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,63}$`)

// CheckLogin says why a login name may not be used, or nil. Names are compared in small letters.
func CheckLogin(login string) error {
	if !loginForm.MatchString(strings.ToLower(login)) {
		return ErrLogin
	}
	return nil
}

// ParseGrant reads ROLE or ROLE:REGION, such as supervisor:330402; without a region the grant is for the whole register.
func ParseGrant(text string) (Grant, error) {
	role, region, bounded := strings.Cut(text, ":")
	g := Grant{Role: Role(role), Region: region}
	if _, known := registry.RegionLevelOf(region); !g.Role.Known() || bounded && !known {
		return Grant{}, fmt.Errorf("%.40q is %w: want one of %s, and a division code, such as supervisor:330402", text, ErrGrant, roleNames())
	}
	return g, nil
}

// String writes what ParseGrant reads.
func (g Grant) String() string {
	if g.Region == "" {
		return string(g.Role)
	}
	return string(g.Role) + ":" + g.Region
}

func roleNames() string {
	names := make([]string, len(Roles))
	for i, role := range Roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// KindOf says which kind of account has these rights, or ErrRights.
func KindOf(grants []Grant, owns []registry.USCC, agency string) (Kind, error) {
	switch {
	case len(grants) > 0 && len(owns) == 0 && agency == "":
		return Staff, nil
	case len(grants) == 0 && len(owns) > 0 && agency == "":
		return Enterprise, nil
	case len(grants) == 0 && len(owns) == 0 && agency != "":
		return Agency, CheckName(agency)
	}
	return "", ErrRights
}

// CheckName says why a name of an agency or a partner may not be used, or nil.
func CheckName(name string) error {
	if n := len([]rune(name)); n < 1 || n > 100 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return ErrName
	}
	return nil
}

// CheckNetwork says why a text is no network that a partner's requests may come from, or nil.
func CheckNetwork(text string) error {
	if prefix, err := netip.ParsePrefix(text); err != nil || prefix != prefix.Masked() {
		return fmt.Errorf("%.50q is %w", text, ErrNetwork)
	}
	return nil
}
