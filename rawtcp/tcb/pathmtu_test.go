package tcb

import (
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// narrow plays the message of a router whose next link takes packets of mtu
// octets.
func (k *talk) narrow(mtu uint32, seq int) {
	m := wire.ICMP{Type: wire.ICMPUnreachable, Code: wire.ICMPFragmentationNeeded, Rest: mtu, Seq: testISS.Add(seq)}
	m.Quoted.TotalLength = 1040
	k.c.Unreachable(k.now, &m)
}

// A path that takes less than 552 octets is passed in fragments: segments do
// not get so small that anybody could have us send headers alone.
func TestAPathNarrowerThanTheLeastSegmentIsPassedInFragments(t *testing.T) {
	for _, tc := range []struct {
		mtu       uint32
		len       string
		fragments bool
	}{{1, "512", true}, {67, "512", true}, {68, "512", true}, {300, "512", true}, {551, "512", true}, {552, "512", false}, {740, "700", false}, {0, "536", false}} {
		k := flying(t, 2, false)
		k.narrow(tc.mtu, 1)
		k.expect("ACK seq=1 len=" + tc.len)
		if k.c.MayFragment() != tc.fragments {
			t.Errorf("MTU %d: fragments are allowed: %v", tc.mtu, k.c.MayFragment())
		}
	}
}

func TestAForgedNarrowPathIsNotBelieved(t *testing.T) {
	k := flying(t, 20, false)
	k.send("ACK seq=1 ack=1001") // 1000 octets do arrive
	for range 2 {
		k.expect("ACK len=1000")
	}
	for _, seq := range []int{500, 100000, 1001} { // acknowledged, never sent, in flight
		k.narrow(68, seq)
	}
	if k.quiet(); k.c.MayFragment() {
		t.Error("a message that contradicts what has arrived lets packets be fragmented")
	}
	k.after(time.Second) // now it did not arrive, either
	k.expect("ACK seq=1001 len=512")
	if !k.c.MayFragment() {
		t.Error("fragments are not allowed, and nothing arrives")
	}
}

func TestASilentNarrowPathIsPassedInFragments(t *testing.T) {
	for _, mss := range []string{"1000", "400"} { // above and below what blackHoleSegment shrinks
		k := start(t, nil)
		k.c.Open(k.now)
		k.expect("SYN")
		k.send("SYN-ACK seq=0 ack=1 win=65535 mss=" + mss)
		k.expect("ACK seq=1")
		k.write(strings.Repeat("x", 400))
		for _, wait := range []time.Duration{1, 2, 4} {
			if k.c.MayFragment() {
				t.Error("fragments are allowed after a timeout or two")
			}
			k.expect("ACK seq=1 len=400")
			k.quiet()
			k.after(wait * time.Second)
		}
		k.expect("ACK seq=1 len=400")
		if !k.c.MayFragment() {
			t.Errorf("MSS %s: fragments are not allowed, and nothing arrives", mss)
		}
	}
}

func TestASYNWithManyOptionsPassesANarrowPath(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN")
	k.narrow(68, 0)
	k.said("fragments_allowed")
	if k.state(SynSent); !k.c.MayFragment() {
		t.Error("fragments are not allowed")
	}
}

// A link may take no more than 68 octets, and nobody fragments what a packet
// socket sends: headers and options leave room for an octet at least.
func TestSegmentsFitTheNarrowestLink(t *testing.T) {
	for _, mss := range []int{28, 40, 100} {
		k := start(t, func(c *Config) { c.SYNOptions, c.MSS = nil, uint16(mss) })
		k.c.Open(k.now)
		k.expect("SYN")
		k.send("SYN-ACK seq=0 ack=1 win=65535 mss=1460 sackok ts=1,0 ws=0")
		k.write(strings.Repeat("x", 2000))
		for _, line := range []string{"ACK seq=5 len=1", "ACK seq=9 len=1", "ACK seq=13 len=1", "ACK seq=17 len=1"} {
			k.send(line + " ack=1 ts=1,0") // holes to be told of
			var s wire.Segment
			for k.c.Next(k.now, &s) {
				if n := s.HeaderLen() + len(s.Payload); n > wire.TCPHeaderLen+mss {
					t.Fatalf("%d octets, and the link takes %d: %s", n, wire.TCPHeaderLen+mss, show(&s, testISS, testIRS))
				}
				if _, n := s.Options.SACK(); n == 0 && s.Ack == testIRS.Add(1) && s.Flags == wire.ACK && len(s.Payload) == 0 && k.c.rcv.outOfOrder != nil {
					t.Errorf("a hole is not told of")
				}
			}
		}
	}
}
