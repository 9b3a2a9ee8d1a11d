package link

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// seed puts into a packet what the kernel leaves for the network card: the
// sum of the pseudo-header, not complemented.
func seed(b []byte) []byte {
	s := b[wire.IPv4HeaderLen:]
	pseudo := append(bytes.Clone(b[12:20]), 0, wire.ProtocolTCP, byte(len(s)>>8), byte(len(s)))
	binary.BigEndian.PutUint16(s[16:], ^wire.Checksum(pseudo))
	return b
}

func intact(b []byte) bool {
	var p wire.Packet
	return !holdsSegment(&p, b) || p.VerifyPayload(false) == nil
}

func TestPartialChecksumIsToldFromACompleteAndABadOne(t *testing.T) {
	whole := packet{src: them, dst: us, flags: wire.SYN | wire.ACK}
	bad := whole.bytes()
	bad[wire.IPv4HeaderLen+wire.TCPChecksumOffset] ^= 1
	fragment := whole
	fragment.more = true
	for name, tc := range map[string]struct {
		b    []byte
		want bool
	}{
		"complete":  {whole.bytes(), false},
		"bad":       {bad, false},
		"partial":   {seed(whole.bytes()), true},
		"fragment":  {seed(fragment.bytes()), false},
		"cut short": {seed(whole.bytes())[:39], false},
		"empty":     {nil, false},
	} {
		if got := completePartial(tc.b); got != tc.want {
			t.Errorf("%s: partial %v, want %v", name, got, tc.want)
		}
	}
	b := seed(whole.bytes())
	if completeChecksum(b); !intact(b) || completePartial(b) {
		t.Error("a completed checksum is not complete")
	}
	b = seed(whole.bytes())
	if completePartial(b); !intact(b) || completePartial(b) {
		t.Error("a partial checksum that was completed is not complete")
	}
}

func TestLinkLayerPaddingIsCutOff(t *testing.T) {
	b := packet{src: them, dst: us}.bytes()
	d := datagram{data: append(bytes.Clone(b), make([]byte, 6)...), at: time.Now()}
	if p := d.packet(); !bytes.Equal(p.Data, b) {
		t.Errorf("%d bytes, want %d", len(p.Data), len(b))
	}
	short := datagram{data: b[:len(b)-1]}
	if p := short.packet(); len(p.Data) != len(b)-1 {
		t.Errorf("a packet shorter than its header says: %d bytes, want all %d for the endpoint to judge", len(p.Data), len(b)-1)
	}
	cut := datagram{data: b, truncated: true}
	if p := cut.packet(); p.Data != nil {
		t.Error("a packet that did not fit into the buffer was handed over")
	}
}

func TestRawLinkSendsOnlyWhatTheKernelWillNotChange(t *testing.T) {
	good := packet{src: us, dst: them}.bytes()
	change := func(f func(b []byte)) []byte {
		b := bytes.Clone(good)
		f(b)
		return b
	}
	for name, tc := range map[string]struct {
		b    []byte
		want string // part of the error; none if empty
	}{
		"good":         {good, ""},
		"IPv6":         {change(func(b []byte) { b[0] = 6 << 4 }), "not an IPv4 packet"},
		"empty":        {nil, "not an IPv4 packet"},
		"short header": {change(func(b []byte) { b[0] = 0x44 }), "header length"},
		"long header":  {change(func(b []byte) { b[0] = 0x4f })[:40], "header length"},
		"total length": {change(func(b []byte) { b[3]++ }), "total length"},
		"checksum":     {change(func(b []byte) { b[10]++ }), "header checksum"},
		"ID 0": {func() []byte {
			h := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: us.Addr(), Dst: them.Addr()}
			return h.AppendTo(nil, 0)
		}(), "ID is 0"},
	} {
		err := asSent(tc.b, false)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestWitnessKnowsOurResetsOnceEach(t *testing.T) {
	var w witness
	b := packet{src: us, dst: them, flags: wire.RST}.bytes()
	see := func() bool { p := w.packet(&datagram{data: b, outgoing: true}); return p.Data != nil }
	if !see() {
		t.Error("the kernel's RST was not shown")
	}
	w.note(b)
	w.note(b)
	for range 2 {
		if see() {
			t.Error("a RST of ours was shown")
		}
	}
	if !see() {
		t.Error("the kernel's RST, the same to the bit as ours, was not shown")
	}
	w.note(packet{src: us, dst: them, flags: wire.SYN}.bytes())
	if w.ours[2].set {
		t.Error("a SYN was noted as a RST")
	}
}

func FuzzPacketsFromTheNetwork(f *testing.F) {
	f.Add(packet{src: them, dst: us, options: 8}.bytes(), true)
	f.Add(seed(packet{src: them, dst: us}.bytes()), false)
	f.Fuzz(func(t *testing.T, b []byte, partial bool) {
		raw := rawPacket(&datagram{data: bytes.Clone(b)})
		if raw.ChecksumPartial && !intact(raw.Data) && raw.Data[0]&0xf == 5 {
			t.Error("a partial checksum was not completed")
		}
		var w witness
		w.note(b)
		tap := datagram{data: bytes.Clone(b), partial: partial, outgoing: true}
		w.packet(&tap)
		asSent(b, partial)
	})
}
