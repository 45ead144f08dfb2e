package access

import "net/netip"

// special lists the blocks that lead to no stranger's server on the public Internet though netip calls them global: of the special-purpose registries
// of IANA (RFC 6890 and its updates), and the IPv6 blocks that carry an IPv4 address inside, which could be any.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // behind a carrier's NAT; clouds keep metadata there
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // measuring
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, with the broadcast address
	netip.MustParsePrefix("::/96"),           // IPv4 inside, the old way
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4 inside, translated
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 inside, NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // IPv4 inside, local NAT64
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // IPv4 inside, 6to4
	netip.MustParsePrefix("3fff::/20"),       // documentation
	netip.MustParsePrefix("5f00::/16"),       // segment routing
	netip.MustParsePrefix("fec0::/10"),       // site-local, of old
}

// PublicAddress reports whether an address is one of the public Internet: not of this machine, its link, its inner network or a special block.
func PublicAddress(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsGlobalUnicast() || address.IsPrivate() || address.Zone() != "" {
		return false
	}
	return !Within(special, address)
}

// Within reports whether an address lies in one of the networks.
func Within(networks []netip.Prefix, address netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}
