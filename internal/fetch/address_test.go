package fetch

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestReach(t *testing.T) {
	const public, private, loopback, never = "public", "private", "loopback", "never"
	for addr, kind := range map[string]string{
		"8.8.8.8": public, "140.82.121.4": public, "2606:4700::1111": public, "2a00:1450:4001::1": public,
		"64:ff9b::8.8.8.8": public, "::ffff:8.8.8.8": public, "172.32.0.1": public, "172.15.255.255": public, "100.63.0.1": public, "100.128.0.1": public,

		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private,
		"100.64.0.1": private, "100.127.255.255": private, "fd12:3456::1": private, "fc00::1": private,
		"::ffff:10.0.0.1": private, "64:ff9b::10.0.0.1": private,

		"127.0.0.1": loopback, "127.255.255.254": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "64:ff9b::127.0.0.1": loopback,

		"0.0.0.0": never, "0.1.2.3": never, "::": never, "169.254.169.254": never, "169.254.170.2": never,
		"::ffff:169.254.169.254": never, "64:ff9b::169.254.169.254": never, "::169.254.169.254": never, "::127.0.0.1": never,
		"fd00:ec2::254": never, "fd20:ce::254": never, "100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never,
		"fe80::1": never, "fe80::1%eth0": never, "8.8.8.8%x": never, "::1%lo": never, "fec0::1": never, "ff02::1": never, "224.0.0.1": never, "239.255.255.250": never,
		"240.0.0.1": never, "255.255.255.255": never, "192.0.2.1": never, "198.18.0.1": never, "198.51.100.1": never, "203.0.113.1": never,
		"2002:7f00:1::": never, "2002:a9fe:a9fe::": never, "2001::1": never, "2001:db8::1": never, "3fff::1": never, "64:ff9b:1::1": never, "100::1": never, "192.88.99.1": never,
	} {
		t.Run(addr, func(t *testing.T) {
			a, err := netip.ParseAddr(addr)
			if err != nil {
				a = netip.Addr{} // an IPv4 address with a zone cannot even be written; no address is refused as well
			}
			for name, r := range map[string]reach{public: {public: true}, private: {private: true}, loopback: {loopback: true}} {
				if err := r.check(a); (err == nil) != (name == kind) {
					t.Errorf("reach %s: %v", name, err)
				} else if err != nil && !errors.Is(err, ErrForbidden) {
					t.Errorf("reach %s: %v does not wrap ErrForbidden", name, err)
				}
			}
		})
	}
	if err := (reach{}).check(netip.MustParseAddr("8.8.8.8")); err == nil {
		t.Error("the zero value reaches something")
	}
}

// An operator who means a private address learns which setting allows it; no setting allows the others.
func TestTheSettingIsNamedWhereOneHelps(t *testing.T) {
	const hint = "private_network: true"
	for addr, want := range map[string]bool{"10.0.0.1": true, "127.0.0.1": true, "169.254.169.254": false, "224.0.0.1": false} {
		err := reach{public: true}.check(netip.MustParseAddr(addr))
		if err == nil || strings.Contains(err.Error(), hint) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Get(t.Context(), "http://localhost/"); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "insecure_http: true") {
		t.Errorf("http: %v", err)
	}
}
