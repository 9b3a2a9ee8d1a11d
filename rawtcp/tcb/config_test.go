package tcb

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What one connection of a profile comes to know changes nothing for another.
func TestConnectionsOfAProfileShareNothingElse(t *testing.T) {
	p := NewProfile(Config{MSS: 1460, UserTimeout: 5})
	before := p.cfg
	var a, b Conn
	a.Reset(p, Identity{LocalPort: 1, RemotePort: 2, ISS: 100, TimestampOffset: 7})
	b.Reset(p, Identity{LocalPort: 3, RemotePort: 4, ISS: 200})
	for _, c := range []*Conn{&a, &b} {
		peer := New(Config{LocalPort: c.RemotePort(), RemotePort: c.LocalPort(), ISS: testIRS, MSS: 1460})
		c.Open(0)
		peer.Open(0)
		for i := range 4 {
			exchange(Instant(i), c, peer)
			exchange(Instant(i), peer, c)
		}
	}
	a.Write(make([]byte, 1000))
	var s wire.Segment
	if !a.Next(5, &s) || s.SrcPort != 1 || s.DstPort != 2 || s.Seq != 101 {
		t.Fatalf("sent %+v", s)
	}
	a.TooBig(5, s.Seq, 600)
	if a.MaxSegment() != 600 || b.MaxSegment() != 1460 {
		t.Errorf("one path takes %d octets, the other %d", a.MaxSegment(), b.MaxSegment())
	}
	if !reflect.DeepEqual(p.cfg, before) {
		t.Errorf("the profile has become %+v", p.cfg)
	}
}

// A hundred thousand connections at a time are what a prober has.
func TestAConnectionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 800 {
		t.Errorf("a connection's state takes %d bytes", n)
	}
}
