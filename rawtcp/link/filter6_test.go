package link

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	us6    = netip.MustParseAddrPort("[2001:db8::1]:40000")
	them6  = netip.MustParseAddrPort("[2001:db8::2]:443")
	other6 = netip.MustParseAddrPort("[2001:db8::3]:80")
)

// six is an IPv6 packet of one protocol, behind extension headers that are
// given whole, but for their first byte.
func six(src, dst netip.AddrPort, last uint8, body []byte, kinds string, headers ...string) []byte {
	next := kinds + string(rune(last))
	var b []byte
	for i, h := range headers {
		b = append(append(b, next[i+1]), h...)
	}
	b = append(b, body...)
	ip := wire.IPv6{NextHeader: next[0], HopLimit: 64, Src: src.Addr(), Dst: dst.Addr()}
	return append(ip.AppendTo(nil, len(b)), b...)
}

func segment6(src, dst netip.AddrPort, flags wire.Flags) []byte {
	s := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Flags: flags}
	return s.AppendTo(nil, src.Addr(), dst.Addr())
}

const (
	opts     = "\x00\x01\x04\x00\x00\x00\x00"
	longOpts = "\x02\x1e\x14" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	part     = "\x00\x00\x10\x00\x00\x00\x09"
)

func TestTheIPv6FilterLetsInWhatIsOursAlone(t *testing.T) {
	f, anybody := Flow{Local: us6, Remote: them6}, Flow{Local: us6}
	ours := segment6(them6, us6, wire.ACK)
	tcp := func(kinds string, headers ...string) []byte {
		return six(them6, us6, wire.ProtocolTCP, ours, kinds, headers...)
	}
	icmp := func(typ uint8, quoted []byte) []byte {
		return six(other6, us6, wire.ProtocolICMPv6, append([]byte{typ, 0, 0, 0, 0, 0, 0, 0}, quoted...), "")
	}
	sent := six(us6, them6, wire.ProtocolTCP, segment6(us6, them6, wire.SYN), "")
	elsewhere := netip.AddrPortFrom(them6.Addr(), 444)
	for _, tc := range []struct {
		name string
		flow Flow
		b    []byte
		want bool
	}{
		{"segment of the flow", f, tcp(""), true},
		{"behind options", f, tcp("\x3c", opts), true},
		{"behind long options", f, tcp("\x00\x3c", longOpts, opts), true},
		{"behind four headers", f, tcp("\x00\x3c\x2b\x3c", opts, opts, opts, opts), true},
		{"behind five", f, tcp("\x00\x3c\x2b\x3c\x3c", opts, opts, opts, opts, opts), false},
		{"behind a header that goes past the end", f, tcp("\x3c", "\xff"+opts[1:]), false},
		{"another peer", f, six(other6, us6, wire.ProtocolTCP, segment6(other6, us6, 0), ""), false},
		{"another peer, of anybody's flow", anybody, six(other6, us6, wire.ProtocolTCP, segment6(other6, us6, 0), ""), true},
		{"another port", f, six(elsewhere, us6, wire.ProtocolTCP, segment6(elsewhere, us6, 0), ""), false},
		{"for somebody else", f, six(them6, other6, wire.ProtocolTCP, segment6(them6, us6, 0), ""), false},
		{"UDP", f, six(them6, us6, 17, ours, ""), false},
		{"nothing behind the headers", f, six(them6, us6, wire.NextNone, ours, ""), false},
		{"a fragment", f, six(them6, us6, wire.ProtocolTCP, ours, "\x2c", part), true},
		{"a fragment behind options", f, six(them6, us6, wire.ProtocolTCP, ours, "\x3c\x2c", opts, part), true},
		{"a fragment from a stranger", f, six(other6, us6, wire.ProtocolTCP, ours, "\x2c", part), false},
		{"a fragment of anybody's ICMPv6", f, six(other6, us6, wire.ProtocolICMPv6, ours, "\x2c", part), true},
		{"too big", f, icmp(wire.ICMPv6TooBig, sent), true},
		{"unreachable, quoting eight bytes", f, icmp(wire.ICMPv6Unreachable, sent[:48]), true},
		{"unreachable, quoting less", f, icmp(wire.ICMPv6Unreachable, sent[:43]), false},
		{"unreachable, about another flow", f, icmp(wire.ICMPv6Unreachable, six(us6, other6, wire.ProtocolTCP, segment6(us6, other6, 0), "")), false},
		{"unreachable, about UDP", f, icmp(wire.ICMPv6Unreachable, six(us6, them6, 17, segment6(us6, them6, 0), "")), false},
		{"an echo", f, icmp(128, sent), false},
		{"of a type before the errors", f, icmp(0, sent), false},
		{"cut short", f, tcp("")[:41], false},
		{"empty", f, nil, false},
	} {
		if got := verdict(t, (*program).inbound, tc.flow, tc.b); got != tc.want {
			t.Errorf("%s: accepted %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestTheIPv6FilterShowsOurKernelsResetsAlone(t *testing.T) {
	f := Flow{Local: us6, Remote: them6}
	sent := func(src, dst netip.AddrPort, flags wire.Flags) []byte {
		return six(src, dst, wire.ProtocolTCP, segment6(src, dst, flags), "")
	}
	for name, tc := range map[string]struct {
		b    []byte
		want bool
	}{
		"RST":                {sent(us6, them6, wire.RST), true},
		"RST-ACK":            {sent(us6, them6, wire.RST|wire.ACK), true},
		"SYN":                {sent(us6, them6, wire.SYN), false},
		"RST to a stranger":  {sent(us6, other6, wire.RST), false},
		"RST from a port":    {sent(netip.AddrPortFrom(us6.Addr(), 1), them6, wire.RST), false},
		"RST from an other":  {sent(other6, them6, wire.RST), false},
		"RST of another way": {sent(them6, us6, wire.RST), false},
	} {
		if got := verdict(t, (*program).outgoingReset, f, tc.b); got != tc.want {
			t.Errorf("%s: accepted %v, want %v", name, got, tc.want)
		}
	}
}

func TestEveryFilterOfEachVersionAssembles(t *testing.T) {
	for _, f := range []Flow{{Local: us, Remote: them}, {Local: us}, {Local: us, Ports: 64}, {Local: us6, Remote: them6}, {Local: us6}, {Local: us6, Ports: 64}, {Local: netip.AddrPortFrom(us6.Addr(), 0)}} {
		if _, err := packetFilter(f); err != nil {
			t.Error(err)
		}
		if _, err := witnessFilter(f); err != nil {
			t.Error(err)
		}
		for _, protocol := range []int{wire.ProtocolTCP, wire.ProtocolICMP, wire.ProtocolICMPv6} {
			if _, err := rawFilter(f, protocol); err != nil {
				t.Error(err)
			}
		}
	}
}
