package transcript

import (
	"bytes"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// sight records a packet behind a header of its link, cut off after keep bytes.
func sight(header string, p []byte, keep int) *Frame {
	raw := append([]byte(header), p...)
	lost := len(raw) - keep
	raw = raw[:keep]
	return NewObserver(0, nil).Captured(&Sighting{
		Number: 7, Link: wire.LinkEthernet, Raw: raw, Packet: raw[len(header):], Lost: lost})
}

const ethernet = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"

func TestAFrameOfACaptureKeepsWhatTheLinkPutAroundThePacket(t *testing.T) {
	p := append(packet(Out, seg(Out, wire.ACK, 1, 1, 0)), "\x00\x00\x00\x00\x00\x00"...)
	f := sight(ethernet, p, len(ethernet)+len(p))
	if f.Segment == nil || f.BadChecksum || !bytes.Equal(f.Packet, p) || len(f.Raw) != len(ethernet)+len(p) {
		t.Fatalf("%+v", f)
	}
	tree, err := f.Tree()
	next := 0
	for leaf := range tree.Leaves() {
		if leaf.Offset != next {
			t.Errorf("%s begins at byte %d, want %d", leaf.Name, leaf.Offset, next)
		}
		next += leaf.Length
	}
	if err != nil || next != len(f.Raw) || tree.Find("IPv4", "payload", "TCP", "flags") == nil {
		t.Errorf("%v, %d bytes of %d", err, next, len(f.Raw))
	}
	if h, ok := f.LinkHeader(); !ok || h.EtherType != wire.EtherIPv4 {
		t.Errorf("%+v, %v", h, ok)
	}
}

// A packet that a network card is to segment states no length: it is as long as
// its frame was, even if the capture cut it off.
func TestAPacketWithoutALengthIsAsLongAsItsFrame(t *testing.T) {
	const n = 3000
	p := packet(Out, seg(Out, wire.ACK, 1, 1, n))
	p[2], p[3] = 0, 0
	for _, cut := range []int{0, 100} {
		f := sight(ethernet, p, len(ethernet)+len(p)-cut)
		if f.Err != nil || f.Segment == nil || f.BadChecksum || !f.Offloaded || f.Cut != cut {
			t.Fatalf("cut by %d: %+v", cut, f)
		}
		if len(f.Segment.Payload) != n || len(f.Payload()) != n-cut || f.Stream.Len() != n {
			t.Errorf("cut by %d: %d bytes, %d of them captured", cut, len(f.Segment.Payload), len(f.Payload()))
		}
	}
	if s := Peek(p).Segment; s == nil || len(s.Payload) != n {
		t.Errorf("at a first look: %+v", s)
	}
}
