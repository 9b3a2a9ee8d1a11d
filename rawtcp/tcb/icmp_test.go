package tcb

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What ICMPv6 says is judged as ICMPv4 is: RFC 4443, section 3, beside RFC
// 1122, section 4.2.3.9.
func TestICMPv6IsJudgedAsICMPv4Is(t *testing.T) {
	for _, tc := range []struct {
		typ, code uint8
		ends      bool
	}{
		{wire.ICMPv6Unreachable, 0, false}, // no route
		{wire.ICMPv6Unreachable, 1, true},  // prohibited
		{wire.ICMPv6Unreachable, 3, false}, // address unreachable
		{wire.ICMPv6Unreachable, 4, true},  // port unreachable
		{wire.ICMPv6Unreachable, 5, true},  // policy
		{wire.ICMPv6Unreachable, 6, true},  // reject route
		{wire.ICMPv6TooBig, 0, false},
		{wire.ICMPv6TimeExceeded, 0, false},
		{wire.ICMPv6Parameter, 0, false},
		{wire.ICMPv6Parameter, 1, true}, // no such next header
	} {
		k := start(t, nil)
		k.c.Open(k.now)
		k.expect("SYN seq=0")
		m := wire.ICMP{V6: true, Type: tc.typ, Code: tc.code, Seq: testISS}
		k.c.Unreachable(k.now, &m)
		if ended := k.c.Err() != nil; ended != tc.ends {
			t.Errorf("type %d code %d on a SYN: ended %v, want %v", tc.typ, tc.code, ended, tc.ends)
		}
		k = reach(t, Established, nil)
		k.c.Write([]byte("in flight"))
		k.expect("PSH-ACK seq=1 len=9")
		m.Seq = testISS.Add(1)
		k.c.Unreachable(k.now, &m)
		if k.c.Err() != nil {
			t.Errorf("type %d code %d ended an established connection", tc.typ, tc.code)
		}
	}
}

// No IPv6 path takes less than 1280 bytes, whatever a message says (RFC 8201,
// section 4).
func TestAnIPv6PathIsNeverHeldNarrowerThan1280(t *testing.T) {
	for told, want := range map[uint32]int{1400: 1340, 1280: 1220, 1000: 1220, 0: 1220} {
		k := start(t, func(c *Config) { c.MSS = 1440 })
		k.c.Open(k.now)
		k.expect("SYN seq=0")
		k.send("SYN-ACK seq=0 ack=1 mss=1440 win=60000")
		k.expect("ACK seq=1")
		k.c.Write(make([]byte, 3000))
		k.expect("ACK seq=1 len=1440")
		m := wire.ICMP{V6: true, Type: wire.ICMPv6TooBig, Rest: told, Seq: testISS.Add(1)}
		m.Quoted.TotalLength = 1500
		k.c.Unreachable(k.now, &m)
		if got := k.c.MaxSegment(); got != want {
			t.Errorf("told %d: segments of %d octets, want %d", told, got, want)
		}
	}
}
