package rendezvous

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// loopback is 127.0.0.1.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// anyAddr is every interface: of IPv4, which all hosts of today's clusters have, unless there is only IPv6.
func anyAddr() netip.Addr {
	for _, a := range hostAddrs() {
		if a.Is4() {
			return netip.IPv4Unspecified()
		}
	}
	if len(hostAddrs()) > 0 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// hostAddrs are the addresses of this host that other hosts may know, the one of the default route first, IPv4 first.
func hostAddrs() []netip.Addr {
	var v4, v6 []netip.Addr
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range ifaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		for _, ip := range addrsOf(i) {
			switch {
			case ip.IsLinkLocalUnicast():
			case ip.Is4():
				v4 = append(v4, ip)
			default:
				v6 = append(v6, ip)
			}
		}
	}
	return append(first(v4, defaultAddr()), v6...)
}

func addrsOf(i net.Interface) []netip.Addr {
	var ips []netip.Addr
	addrs, err := i.Addrs()
	if err != nil {
		return nil // the interface went away
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			ips = append(ips, p.Addr().Unmap())
		}
	}
	return ips
}

// first moves ip to the front, if it is there.
func first(ips []netip.Addr, ip netip.Addr) []netip.Addr {
	for i, x := range ips {
		if x == ip {
			copy(ips[1:i+1], ips[:i])
			ips[0] = ip
		}
	}
	return ips
}

// defaultAddr is what this host would send from to an address far away (RFC 5737 keeps it for documentation). No packet
// is sent.
func defaultAddr() netip.Addr {
	conn, err := net.Dial("udp4", "198.51.100.1:9")
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	addr, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr()
}

// maxAddrs bounds how many addresses of rank 0 the others have to try.
const maxAddrs = 8

// Reachable lists what other ranks may dial to reach a socket that listens on addr: itself, or where that is every
// interface, each of this host's addresses.
func Reachable(addr string) []string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsUnspecified() {
		return []string{addr}
	}
	var all []string
	for _, ip := range hostAddrs() {
		if (ip.Is4() || at.Addr().Is6()) && len(all) < maxAddrs {
			all = append(all, netip.AddrPortFrom(ip, at.Port()).String())
		}
	}
	if len(all) == 0 { // a machine without a network is a whole cluster, too
		all = append(all, netip.AddrPortFrom(loopback, at.Port()).String())
	}
	return all
}

// interfaceAddr finds the address that DARRAY_IFACE chooses: an interface's by its name, or the one within a CIDR.
func interfaceAddr(spec string) (netip.Addr, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("DARRAY_IFACE: %w", err)
	}
	within, prefixErr := netip.ParsePrefix(spec)
	var best netip.Addr
	var known []string
	for _, i := range ifaces {
		for _, ip := range addrsOf(i) {
			if ip.IsLinkLocalUnicast() {
				continue
			}
			known = append(known, i.Name+" "+ip.String())
			chosen := i.Name == spec
			if prefixErr == nil {
				chosen = within.Contains(ip)
			}
			if chosen && (!best.IsValid() || best.Is6() && ip.Is4()) {
				best = ip
			}
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("DARRAY_IFACE=%q: want the name of an interface or a CIDR such as 10.0.0.0/8; this host has %s",
			spec, strings.Join(known, ", "))
	}
	return best, nil
}
