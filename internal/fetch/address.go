package fetch

import (
	"fmt"
	"net/netip"
)

// reach is which classes of address one transport may connect to.
type reach struct {
	public, private, loopback bool
}

// check says why an address may not be connected to.
func (r reach) check(addr netip.Addr) error {
	v4, err := embedded(addr)
	if err != nil {
		return err
	}
	kind := class(v4)
	switch {
	case kind == classPublic && r.public, kind == classPrivate && r.private, kind == classLoopback && r.loopback:
		return nil
	case (kind == classPrivate || kind == classLoopback) && r.public:
		return fmt.Errorf("%w: address %s is private; where that is meant, set private_network: true on this idp", ErrForbidden, addr)
	}
	return fmt.Errorf("%w: address %s", ErrForbidden, addr)
}

type addressClass int

const (
	classRefused addressClass = iota
	classPublic
	classPrivate
	classLoopback
)

// The special-purpose registries of IANA (RFC 6890 and its successors) as far as they are not globally reachable,
// and the metadata services of clouds, some of which stand in ranges that are otherwise private or public.
func refusedPrefixes() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),          // this network
		netip.MustParsePrefix("169.254.0.0/16"),     // link-local; metadata of AWS, Azure, Google
		netip.MustParsePrefix("100.100.100.200/32"), // metadata of Alibaba Cloud, inside RFC 6598
		netip.MustParsePrefix("168.63.129.16/32"),   // Azure's wire server, inside public space
		netip.MustParsePrefix("192.0.0.0/24"),       // protocol assignments; metadata of Oracle Cloud
		netip.MustParsePrefix("192.0.2.0/24"),       // documentation
		netip.MustParsePrefix("192.88.99.0/24"),     // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),      // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"),    // documentation
		netip.MustParsePrefix("203.0.113.0/24"),     // documentation
		netip.MustParsePrefix("224.0.0.0/3"),        // multicast, reserved, broadcast
		netip.MustParsePrefix("fd00:ec2::/32"),      // metadata of AWS over IPv6, inside RFC 4193
		netip.MustParsePrefix("fd20:ce::/32"),       // metadata of Google over IPv6
	}
}

func privatePrefixes() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT, RFC 6598
		netip.MustParsePrefix("fc00::/7"),
	}
}

func class(addr netip.Addr) addressClass {
	switch {
	case addr.IsLoopback():
		return classLoopback
	case within(addr, refusedPrefixes()):
		return classRefused
	case within(addr, privatePrefixes()):
		return classPrivate
	case addr.Is4():
		return classPublic
	case within(addr, globalUnicast6()):
		return classPublic
	}
	return classRefused
}

// globalUnicast6 is the only part of IPv6 that is handed out to the public internet; everything else is special.
func globalUnicast6() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("2000::/3")} }

// tunnels6 are parts of 2000::/3 that are not a host's own address: Teredo and ORCHID, documentation, 6to4.
func tunnels6() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("2001::/23"),
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"),
	}
}

// embedded returns the address that packets really go to: the IPv4 address inside a mapped (RFC 4291) or NAT64
// (RFC 6052) form, otherwise the address itself. Forms whose end point cannot be known are refused.
func embedded(addr netip.Addr) (netip.Addr, error) {
	if addr.Zone() != "" || !addr.IsValid() {
		return addr, fmt.Errorf("%w: address %s has a zone or is none", ErrForbidden, addr)
	}
	if addr.Is4In6() {
		return addr.Unmap(), nil
	}
	if addr.Is4() {
		return addr, nil
	}
	if netip.MustParsePrefix("64:ff9b::/96").Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:])), nil
	}
	if within(addr, tunnels6()) {
		return addr, fmt.Errorf("%w: address %s is a tunnel", ErrForbidden, addr)
	}
	return addr, nil
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
