package access_test

import (
	"net/netip"
	"testing"

	"healthcode/access"
)

func TestPublicAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address string
		want    bool
	}{
		"public":                   {"8.8.8.8", true},
		"public, next to private":  {"172.32.0.1", true},
		"public IPv6":              {"2606:4700:4700::1111", true},
		"public, mapped":           {"::ffff:8.8.8.8", true},
		"this machine":             {"127.0.0.1", false},
		"this machine, elsewhere":  {"127.255.255.254", false},
		"this machine, IPv6":       {"::1", false},
		"this machine, mapped":     {"::ffff:127.0.0.1", false},
		"unspecified":              {"0.0.0.0", false},
		"this network":             {"0.1.2.3", false},
		"unspecified IPv6":         {"::", false},
		"class A private":          {"10.1.2.3", false},
		"class B private":          {"172.16.0.1", false},
		"class B private, the end": {"172.31.255.255", false},
		"class C private":          {"192.168.1.1", false},
		"private, mapped":          {"::ffff:10.0.0.1", false},
		"cloud metadata":           {"169.254.169.254", false},
		"cloud metadata, mapped":   {"::ffff:169.254.169.254", false},
		"cloud metadata, CGNAT":    {"100.100.100.200", false},
		"link-local IPv6":          {"fe80::1", false},
		"with a zone":              {"2606:4700::1%eth0", false},
		"unique local":             {"fd00::1", false},
		"cloud metadata IPv6":      {"fd00:ec2::254", false},
		"site-local":               {"fec0::1", false},
		"multicast":                {"224.0.0.1", false},
		"multicast IPv6":           {"ff02::1", false},
		"broadcast":                {"255.255.255.255", false},
		"reserved":                 {"240.0.0.1", false},
		"documentation":            {"203.0.113.5", false},
		"NAT64 of a private one":   {"64:ff9b::a00:1", false},
		"6to4 of a private one":    {"2002:a00:1::1", false},
		"Teredo":                   {"2001:0:1::1", false},
		"IPv4-compatible":          {"::7f00:1", false},
		"IPv4-translated":          {"::ffff:0:7f00:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := access.PublicAddress(netip.MustParseAddr(c.address)); got != c.want {
				t.Errorf("%s: %t", c.address, got)
			}
		})
	}
	if access.PublicAddress(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for text, want := range map[string]bool{"127.0.0.1": true, "::ffff:127.0.0.1": true, "fd01::1": true, "128.0.0.1": false, "::1": false} {
		if got := access.Within(networks, netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
