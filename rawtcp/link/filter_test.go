package link

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	us    = netip.MustParseAddrPort("198.18.0.1:40000")
	them  = netip.MustParseAddrPort("198.18.0.2:443")
	other = netip.MustParseAddrPort("198.18.0.3:80")
)

// packet is an IPv4 packet in the making.
type packet struct {
	src, dst netip.AddrPort
	flags    wire.Flags
	options  int // bytes of IP options
	offset   uint16
	more     bool
	protocol uint8 // TCP if 0
}

func (p packet) bytes() []byte {
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: p.src.Addr(), Dst: p.dst.Addr(),
		Options: make([]byte, p.options), FragmentOffset: p.offset, MoreFragments: p.more, ID: 9}
	if p.protocol != 0 {
		h.Protocol = p.protocol
	}
	s := wire.Segment{SrcPort: p.src.Port(), DstPort: p.dst.Port(), Seq: 1, Flags: p.flags}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()), h.Src, h.Dst)
}

// icmp is an error of typ from anybody to us that quotes q, cut to n bytes.
func icmp(typ uint8, q packet, n int) []byte {
	quoted := q.bytes()
	quoted = quoted[:min(n, len(quoted))]
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: other.Addr(), Dst: us.Addr()}
	b := h.AppendTo(nil, 8+len(quoted))
	return append(append(b, typ, 0, 0, 0, 0, 0, 0, 0), quoted...)
}

func verdict(t *testing.T, rules func(*program, Flow), f Flow, b []byte) bool {
	t.Helper()
	var p program
	rules(&p, f)
	code, err := p.link()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func TestFilterLetsInWhatIsOursAlone(t *testing.T) {
	f, anybody := Flow{Local: us, Remote: them}, Flow{Local: us}
	for _, tc := range []struct {
		name string
		flow Flow
		b    []byte
		want bool
	}{
		{"segment of the flow", f, packet{src: them, dst: us}.bytes(), true},
		{"with IP options", f, packet{src: them, dst: us, options: 40}.bytes(), true},
		{"first fragment", f, packet{src: them, dst: us, more: true}.bytes(), true},
		{"later fragment, whose ports are data", f, packet{src: netip.AddrPortFrom(them.Addr(), 1), dst: netip.AddrPortFrom(us.Addr(), 2), offset: 3}.bytes(), true},
		{"later fragment from a stranger", f, packet{src: other, dst: us, offset: 3}.bytes(), false},
		{"later fragment of UDP", f, packet{src: them, dst: us, offset: 3, protocol: 17}.bytes(), false},
		{"UDP with the same ports", f, packet{src: them, dst: us, protocol: 17}.bytes(), false},
		{"from another port", f, packet{src: netip.AddrPortFrom(them.Addr(), 444), dst: us}.bytes(), false},
		{"to another port", f, packet{src: them, dst: netip.AddrPortFrom(us.Addr(), 40001)}.bytes(), false},
		{"from another host", f, packet{src: netip.AddrPortFrom(other.Addr(), 443), dst: us}.bytes(), false},
		{"to another host", f, packet{src: them, dst: netip.AddrPortFrom(other.Addr(), 40000)}.bytes(), false},
		{"from another host, with any remote", anybody, packet{src: other, dst: us}.bytes(), true},
		{"to another port, with any remote", anybody, packet{src: other, dst: netip.AddrPortFrom(us.Addr(), 1)}.bytes(), false},

		{"ICMP that quotes us", f, icmp(wire.ICMPUnreachable, packet{src: us, dst: them}, 28), true},
		{"time exceeded", f, icmp(wire.ICMPTimeExceeded, packet{src: us, dst: them}, 28), true},
		{"parameter problem", f, icmp(wire.ICMPParameter, packet{src: us, dst: them}, 28), true},
		{"ICMP that quotes us with IP options", f, icmp(wire.ICMPUnreachable, packet{src: us, dst: them, options: 12}, 40), true},
		{"ICMP that quotes another port of ours", f, icmp(wire.ICMPUnreachable, packet{src: netip.AddrPortFrom(us.Addr(), 1), dst: them}, 28), false},
		{"ICMP that quotes another remote", f, icmp(wire.ICMPUnreachable, packet{src: us, dst: other}, 28), false},
		{"ICMP that quotes UDP", f, icmp(wire.ICMPUnreachable, packet{src: us, dst: them, protocol: 17}, 28), false},
		{"ICMP that quotes too little", f, icmp(wire.ICMPUnreachable, packet{src: us, dst: them}, 23), false},
		{"echo reply", f, icmp(0, packet{src: us, dst: them}, 28), false},
		{"redirect", f, icmp(5, packet{src: us, dst: them}, 28), false},

		{"empty", f, nil, false},
		{"cut inside the IP header", f, packet{src: them, dst: us}.bytes()[:18], false},
		{"cut inside the ports", f, packet{src: them, dst: us}.bytes()[:22], false},
	} {
		if got := verdict(t, (*program).inbound, tc.flow, tc.b); got != tc.want {
			t.Errorf("%s: let in %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestFilterShowsOnlyResetsOfWhatLeaves(t *testing.T) {
	f := Flow{Local: us, Remote: them}
	for _, tc := range []struct {
		name string
		p    packet
		want bool
	}{
		{"RST of the flow", packet{src: us, dst: them, flags: wire.RST}, true},
		{"RST-ACK with IP options", packet{src: us, dst: them, flags: wire.RST | wire.ACK, options: 8}, true},
		{"SYN of the flow", packet{src: us, dst: them, flags: wire.SYN}, false},
		{"RST from another port", packet{src: netip.AddrPortFrom(us.Addr(), 1), dst: them, flags: wire.RST}, false},
		{"RST to another port", packet{src: us, dst: netip.AddrPortFrom(them.Addr(), 1), flags: wire.RST}, false},
		{"RST to another host", packet{src: us, dst: other, flags: wire.RST}, false},
		{"RST of the other direction", packet{src: them, dst: us, flags: wire.RST}, false},
		{"later fragment", packet{src: us, dst: them, flags: wire.RST, offset: 3}, false},
	} {
		if got := verdict(t, (*program).outgoingReset, f, tc.p.bytes()); got != tc.want {
			t.Errorf("%s: shown %v, want %v", tc.name, got, tc.want)
		}
	}
}

func FuzzFilterAgreesWithItself(f *testing.F) {
	f.Add(packet{src: them, dst: us}.bytes())
	f.Add(icmp(wire.ICMPUnreachable, packet{src: us, dst: them}, 28))
	f.Fuzz(func(t *testing.T, b []byte) {
		// A flow with wildcards lets in all that a narrower one does.
		if verdict(t, (*program).inbound, Flow{Local: us, Remote: them}, b) && !verdict(t, (*program).inbound, Flow{Local: us}, b) {
			t.Error("the narrow flow takes what the wide one refuses")
		}
	})
}
