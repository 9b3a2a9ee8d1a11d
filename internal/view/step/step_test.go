package step

import (
	"context"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Who ends it sends nothing more: not the packet that was asked about, nor what
// follows it, a RST included. What arrives is still taken in.
func TestAfterTheEndNothingIsSent(t *testing.T) {
	near, far := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	packet := func(src, dst netip.Addr, flags wire.Flags) link.Packet {
		b := make([]byte, 40)
		b[0], b[3], b[8], b[9] = 0x45, 40, 64, 6
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
		binary.BigEndian.PutUint16(b[20:], 40000)
		binary.BigEndian.PutUint16(b[22:], 443)
		b[32], b[33] = 5<<4, byte(flags)
		return link.Packet{Data: b, ChecksumPartial: true}
	}
	for _, word := range []string{"q", "quit", "abort"} {
		ended := false
		ctx, abort := context.WithCancel(t.Context())
		s := New(ctx, strings.NewReader(word+"\n"), io.Discard)
		s.Abort = func() { ended = true; abort() }
		passed := map[string]bool{
			"the SYN asked about": s.Keep(packet(near, far, wire.SYN), true, 0),
			"a RST after it":      s.Keep(packet(near, far, wire.RST), true, 0),
			"an ACK after it":     s.Keep(packet(near, far, wire.ACK), true, 0),
		}
		for what, sent := range passed {
			if sent {
				t.Errorf("after %s, %s is sent", word, what)
			}
		}
		if !ended || !s.Keep(packet(far, near, wire.SYN|wire.ACK), false, 0) {
			t.Errorf("after %s: the connection is told %v, and what arrives is not taken in", word, ended)
		}
		abort()
	}
}
