package p0f_test

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/facts/p0f"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func signature(t *testing.T, h wire.IP, s wire.Segment, options string, olen uint8) string {
	t.Helper()
	raw, err := hex.DecodeString(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Options = optionsOf(t, raw)
	h.Src, h.Dst = netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	sig := p0f.Signature{Version: h.Version, TTL: h.HopLimit, IPOptions: olen, Window: s.Window, Payload: len(s.Payload) > 0, Quirks: p0f.Of(&h, &s), Options: s.Options}
	return sig.String()
}

// optionsOf decodes options from a whole segment.
func optionsOf(t *testing.T, raw []byte) wire.Options {
	t.Helper()
	for len(raw)%4 != 0 {
		t.Fatal("options are not in fours")
	}
	b := make([]byte, 20, 60)
	b[12] = byte(5+len(raw)/4) << 4
	b[13] = byte(wire.SYN | wire.ACK)
	c := field.New("TCP", append(b, raw...))
	var s wire.Segment
	if err := s.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return s.Options
}

// Linux's SYN-ACK and Windows' in the form of p0f's own database, and headers
// that are odd.
func TestSignaturesAreInTheNotationOfP0f(t *testing.T) {
	linux := "020405b40402080a00000001000000020103030a"
	windows := "020405b40103030801010402"
	synACK := wire.SYN | wire.ACK
	for name, tc := range map[string]struct {
		h       wire.IP
		s       wire.Segment
		options string
		olen    uint8
		want    string
	}{
		"Linux": {wire.IP{Version: 4, HopLimit: 61, DontFragment: true}, wire.Segment{Flags: synACK, Seq: 1, Ack: 2, Window: 14480}, linux, 0,
			"4:64+3:0:1460:mss*10,10:mss,sok,ts,nop,ws:df:0"},
		"Windows": {wire.IP{Version: 4, HopLimit: 128, DontFragment: true, Fragment: wire.Fragment{ID: 7}}, wire.Segment{Flags: synACK, Seq: 1, Ack: 2, Window: 8192}, windows, 0,
			"4:128+0:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0"},
		"IPv6": {wire.IP{Version: 6, HopLimit: 255, FlowLabel: 5}, wire.Segment{Flags: synACK, Seq: 1, Ack: 2, Window: 5 * 1500, Payload: []byte{1}}, "020405a0", 0,
			"6:255+0:0:1440:mtu*5,0:mss:flow:+"},
		"all odd": {wire.IP{Version: 4, HopLimit: 30, TrafficClass: 1}, wire.Segment{Flags: synACK | wire.PSH | wire.URG, Window: 1}, "03031000" + "01020304", 4,
			"4:32+2:4:0:1,16:ws,eol+4:id-,ecn,seq-,ack-,urgf+,pushf+,opt+,exws:0"},
		"accurate ECN": {wire.IP{Version: 4, HopLimit: 64, DontFragment: true}, wire.Segment{Flags: synACK | wire.AE, Seq: 1, Ack: 2, Window: 512}, "ac020101", 0,
			"4:64+0:0:0:512,0:?172,nop,nop:df,ecn:0"},
		"unknown option": {wire.IP{Version: 4, HopLimit: 64, DontFragment: true}, wire.Segment{Flags: wire.SYN, Seq: 1, Ack: 9, Urgent: 1, Window: 512}, "fd040102", 0,
			"4:64+0:0:0:512,0:?253:df,ack+,uptr+:0"},
	} {
		if got := signature(t, tc.h, tc.s, tc.options, tc.olen); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
