package transcript

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

var ends6 = [2]netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}

// behind6 is a TCP segment of the client's behind extension headers. The
// addresses of the packet are src and dst, those of its ends ends6.
func behind6(src, dst netip.Addr, next uint8, headers string, s wire.Segment) []byte {
	s.SrcPort, s.DstPort = 40000, 443
	rest := s.AppendTo([]byte(headers), ends6[0], ends6[1])
	h := wire.IPv6{HopLimit: 64, NextHeader: next, Src: src, Dst: dst}
	return append(h.AppendTo(nil, len(rest)), rest...)
}

// An observer reads packets that a host would have to refuse, and finds the
// segment behind any extension headers, with the ends that its checksum covers.
func TestASegmentIsFoundBehindEveryHeaderOfItsPacket(t *testing.T) {
	client, server := ends6[0], ends6[1]
	via := netip.MustParseAddr("2001:db8::77")
	bytes16 := func(a netip.Addr) string { b := a.As16(); return string(b[:]) }
	syn := seg(Out, wire.SYN, 0, 0, 0)
	for _, tc := range []struct {
		name    string
		src     netip.Addr
		dst     netip.Addr
		next    uint8
		headers string
	}{
		{"destination options", client, server, 60, "\x06\x00\x01\x04\x00\x00\x00\x00"},
		{"destination options that must be known", client, server, 60, "\x06\x00\xde\x04\x01\x02\x03\x04"},
		{"hop-by-hop options", client, server, 0, "\x06\x00\x05\x02\x00\x00\x01\x00"},
		{"hop-by-hop options behind others", client, server, 60, "\x00\x00\x01\x04\x00\x00\x00\x00" + "\x06\x00\x05\x02\x00\x00\x01\x00"},
		{"a home address", via, server, 60, "\x06\x02\x01\x02\x00\x00\xc9\x10" + bytes16(client)},
		{"a source route", client, via, 43, "\x06\x02\x00\x01\x00\x00\x00\x00" + bytes16(server)},
		{"a mobile node's route", client, via, 43, "\x06\x02\x02\x01\x00\x00\x00\x00" + bytes16(server)},
		{"segment routing", client, via, 43, "\x06\x04\x04\x01\x01\x00\x00\x00" + bytes16(server) + bytes16(via)},
		{"segment routing that is over", client, server, 43, "\x06\x04\x04\x00\x01\x00\x00\x00" + bytes16(server) + bytes16(via)},
		{"a route of an unknown kind that is over", client, server, 43, "\x06\x00\xc8\x00\x00\x00\x00\x00"},
		{"an atomic fragment", client, server, 44, "\x06\x00\x00\x00\x00\x00\x00\x07"},
		{"authentication", client, server, 51, "\x06\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01" + strings.Repeat("\xaa", 12)},
		{"mobility", client, server, 135, "\x06\x00\x00\x00\x00\x00\x00\x00"},
		{"host identity", client, server, 139, "\x06\x00\x00\x00\x00\x00\x00\x00"},
		{"all at once", client, server, 0, "\x3c\x00\x05\x02\x00\x00\x01\x00" + "\x2b\x00\x01\x04\x00\x00\x00\x00" +
			"\x2c\x02\x00\x00\x00\x00\x00\x00" + bytes16(via) + "\x33\x00\x00\x00\x00\x00\x00\x07" +
			"\x3c\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01" + strings.Repeat("\xaa", 12) + "\x06\x00\x01\x04\x00\x00\x00\x00"},
	} {
		p := behind6(tc.src, tc.dst, tc.next, tc.headers, syn)
		f := sight(strings.Replace(ethernet, "\x08\x00", "\x86\xdd", 1), p, 14+len(p))
		if f.Segment == nil || f.BadChecksum || f.Err != nil || f.IP.Src != client || f.IP.Dst != server {
			t.Errorf("%s: %+v", tc.name, f)
		}
		everyByteOnce(t, tc.name, f)
	}
	four := wire.IPv4{TTL: 64, Protocol: 51, Src: addr[Out], Dst: addr[In]}
	plain := packet(Out, syn)[20:]
	ah := "\x06\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01" + strings.Repeat("\xaa", 12)
	p := append(four.AppendTo(nil, len(ah)+len(plain)), ah+string(plain)...)
	if f := sight(ethernet, p, 14+len(p)); f.Segment == nil || f.BadChecksum {
		t.Errorf("authentication in IPv4: %+v", f)
	} else {
		everyByteOnce(t, "authentication in IPv4", f)
	}
}

func everyByteOnce(t *testing.T, name string, f *Frame) {
	t.Helper()
	tree, err := f.Tree()
	next := 0
	for leaf := range tree.Leaves() {
		if leaf.Offset != next {
			t.Errorf("%s: %s begins at byte %d, want %d", name, leaf.Name, leaf.Offset, next)
		}
		next += leaf.Length
	}
	if err != nil || next != len(f.Raw) {
		t.Errorf("%s: %v, %d bytes of %d", name, err, next, len(f.Raw))
	}
}

// A packet beyond 64 KiB tells its length in an option (RFC 2675); also where
// the capture cut it off.
func TestAJumbogramIsAsLongAsItsOptionSays(t *testing.T) {
	const n = 100_000
	option := "\x06\x00\xc2\x04"
	s := seg(Out, wire.ACK, 1, 1, n)
	length := binary.BigEndian.AppendUint32(nil, uint32(8+20+n))
	p := behind6(ends6[0], ends6[1], 0, option+string(length), s)
	p[4], p[5] = 0, 0
	header := strings.Replace(ethernet, "\x08\x00", "\x86\xdd", 1)
	for _, cut := range []int{0, 1, 90_000} {
		f := sight(header, append(p[:len(p):len(p)], "padding"...), 14+len(p)+7)
		if cut > 0 {
			f = sight(header, p, 14+len(p)-cut)
		}
		if f.Segment == nil || f.BadChecksum || f.Err != nil || f.Cut != cut || len(f.Segment.Payload) != n || len(f.Payload()) != n-cut {
			t.Fatalf("cut by %d: %v, cut %d, bad %v", cut, f.Err, f.Cut, f.BadChecksum)
		}
		everyByteOnce(t, fmt.Sprint("cut by ", cut), f)
	}
	binary.BigEndian.PutUint32(p[44:], 0xffffffff)
	if f := sight(header, p, 14+len(p)); f.Segment != nil || len(f.extended(f.Packet)) > 1<<20 {
		t.Errorf("a jumbogram of 4 GiB: %d bytes", len(f.extended(f.Packet)))
	}
}

// A capture with a short snap length shows the options that are there, and says
// that more were sent.
func TestOptionsThatACaptureCutsOffAreToldAsFarAsTheyGo(t *testing.T) {
	s := seg(Out, wire.SYN, 0, 0, 0)
	s.Options.AddMSS(1460)
	s.Options.AddSACKPermitted()
	s.Options.AddTimestamps(7, 0)
	s.Options.AddWindowScale(7)
	p := packet(Out, s)
	all := []wire.OptionKind{wire.OptMSS, wire.OptSACKPermitted, wire.OptTimestamps, wire.OptWindowScale}
	for keep, whole := range map[int]int{0: 0, 1: 0, 3: 0, 4: 1, 5: 1, 6: 2, 8: 2, 15: 2, 16: 3, 18: 3, 19: 4, 20: 4} {
		f := sight(ethernet, p, 14+40+keep)
		if f.Segment == nil || f.Err != nil || f.Segment.Options.Malformed() || f.Segment.Options.Cut() != 20-keep {
			t.Fatalf("%d bytes of options: %+v", keep, f)
		}
		var got []wire.OptionKind
		for o := range f.Segment.Options.All() {
			got = append(got, o.Kind)
		}
		if keep == 20 {
			got = got[:4] // what fills up
		}
		if fmt.Sprint(got) != fmt.Sprint(all[:whole]) {
			t.Errorf("%d bytes of options: %v, want %v", keep, got, all[:whole])
		}
		everyByteOnce(t, fmt.Sprint(keep), f)
	}
	for keep := range 20 { // of the fixed header
		if f := sight(ethernet, p, 14+20+keep); f.Segment != nil || f.Err == nil {
			t.Errorf("%d bytes of the header: %+v", keep, f.Segment)
		}
	}
}

// A checksum of zero, of the segment or of the IPv4 header, was left to the
// network card; any other wrong one is wrong.
func TestAChecksumOfZeroIsMarkedAndNotHeldAgainstASegment(t *testing.T) {
	for _, tc := range []struct {
		name           string
		change         func(p []byte)
		offloaded, bad bool
	}{
		{"right", func(p []byte) {}, false, false},
		{"segment: zero", func(p []byte) { p[36], p[37] = 0, 0 }, true, false},
		{"segment: the pseudo-header's", func(p []byte) {
			binary.BigEndian.PutUint16(p[36:], wire.PseudoTCPChecksum(len(p)-20, addr[Out], addr[In]))
		}, true, false},
		{"segment: wrong", func(p []byte) { p[36]++ }, false, true},
		{"header: zero", func(p []byte) { p[10], p[11] = 0, 0 }, true, false},
		{"header: wrong", func(p []byte) { p[10]++ }, false, true},
		{"header zero, segment wrong", func(p []byte) { p[10], p[11] = 0, 0; p[36]++ }, true, true},
		{"both zero", func(p []byte) { p[10], p[11], p[36], p[37] = 0, 0, 0, 0 }, true, false},
	} {
		p := packet(Out, seg(Out, wire.ACK, 1, 1, 50))
		tc.change(p)
		f := sight(ethernet, p, 14+len(p))
		if f.Offloaded != tc.offloaded || f.BadChecksum != tc.bad {
			t.Errorf("%s: offloaded %v, bad %v", tc.name, f.Offloaded, f.BadChecksum)
		}
	}
}

// Whatever is beyond PPPoE's own length is padding, even for a packet that
// states no length.
func TestWhatIsBehindPPPoEsLengthIsNoPayload(t *testing.T) {
	p := packet(Out, seg(Out, wire.ACK, 1, 1, 10))
	p[2], p[3] = 0, 0
	header := "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x88\x64\x11\x00\x00\x09\x00" + string([]byte{byte(len(p) + 2)}) + "\x00\x21"
	raw := []byte(header + string(p) + "padding")
	f := NewObserver(0, nil).Captured(&Sighting{Number: 1, Link: wire.LinkEthernet, Raw: raw, Packet: raw[len(header) : len(header)+len(p)], Behind: 7})
	if h, ok := f.LinkHeader(); !ok || h.Behind != 7 {
		t.Errorf("%+v", h)
	}
	if f.Segment == nil || len(f.Payload()) != 10 {
		t.Fatalf("%+v", f)
	}
	everyByteOnce(t, "PPPoE", f)
	tree, _ := f.Tree()
	if payload := tree.Find("IPv4", "payload", "TCP", "payload"); payload == nil || payload.Length != 10 {
		t.Errorf("the payload is %+v", payload)
	}
}
