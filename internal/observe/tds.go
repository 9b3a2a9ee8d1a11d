// Unwraps the TLS handshake that MS SQL's TDS carries in its own PRELOGIN
// packets. Afterwards TDS leaves its headers out ([MS-TDS], section 3.2.5.2).
// Its strict version, 8.0, has TLS from the first byte.

package observe

import (
	"bytes"
	"encoding/binary"

	"github.com/rawshake/rawshake/internal/transcript"
)

const (
	tdsHeader   = 8
	tdsPrelogin = 0x12
	tdsResponse = 0x04
	tdsTLS      = "TDS PRELOGIN"
)

// tdsPacket reads the header of a TDS packet of a given kind, and returns its
// length with the header; 0 if b does not begin with one.
func tdsPacket(b []byte, kind byte) int {
	if len(b) < tdsHeader || b[0] != kind || b[1] > 1 {
		return 0
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n > tdsHeader {
		return n
	}
	return 0
}

// asksTDS recognizes a PRELOGIN packet, followed by the header of another one
// that may hold a ClientHello.
func asksTDS(b []byte) bool {
	n := tdsPacket(b, tdsPrelogin)
	return n > 0 && n+tdsHeader <= len(b) && tdsPacket(b[len(b)-tdsHeader:], tdsPrelogin) > 0
}

func agreesTDS(b []byte) bool {
	n := tdsPacket(b, tdsResponse)
	return n > 0 && n <= len(b)
}

// wrapped is the position of a direction inside TDS packets that carry TLS.
type wrapped struct {
	on     bool
	header []byte // the beginning of a header
	left   int    // octets of the packet still to come
	at     []int64
}

// offset is the stream offset of an octet in the buffer.
func (h *half) offset(i int) int64 {
	off := h.base + int64(i)
	for _, at := range h.wrap.at {
		if at <= off {
			off += tdsHeader
		}
	}
	return off
}

// wrapTDS treats both directions as wrapped, from a ClientHello in the client's
// buffer on.
func (c *Connection) wrapTDS(f *transcript.Frame) {
	client, server := &c.halves[transcript.Out], &c.halves[transcript.In]
	said := c.opening.said[transcript.Out]
	client.wrap = wrapped{on: true, left: tdsPacket(said[len(said)-tdsHeader:], tdsPrelogin) - tdsHeader}
	server.wrap = wrapped{on: true}
	buf, start := client.buf, client.base
	client.buf = nil
	c.unwrap(client, f, buf, start)
}

// unwrap appends octets without the headers of TDS packets. Once no header
// follows a packet, there are none from there on.
func (c *Connection) unwrap(h *half, f *transcript.Frame, data []byte, start int64) {
	w := &h.wrap
	for len(data) > 0 && w.on {
		if w.left == 0 {
			n := min(tdsHeader-len(w.header), len(data))
			w.header = append(w.header, data[:n]...)
			if w.header[0] != tdsPrelogin {
				break
			}
			data, start = data[n:], start+int64(n)
			if len(w.header) < tdsHeader {
				return
			}
			w.left = max(0, tdsPacket(w.header, tdsPrelogin)-tdsHeader)
			c.recorder.Octets(f, &transcript.Octets{Why: "wrapper", Offset: start - tdsHeader, End: start, Raw: bytes.Clone(w.header)})
			w.header = nil
			if len(h.buf) == 0 {
				h.base, w.at = start, nil
			} else {
				w.at = append(w.at, start-tdsHeader)
			}
			continue
		}
		n := min(w.left, len(data))
		h.buf = append(h.buf, data[:n]...)
		w.left -= n
		data, start = data[n:], start+int64(n)
	}
	if len(data) > 0 {
		if len(h.buf) == 0 {
			h.base = start
		}
		w.on, w.header = false, nil
		h.buf = append(h.buf, data...)
	}
}

// crossed moves the offset of the buffer's first octet past the headers before
// it.
func (h *half) crossed() {
	for len(h.wrap.at) > 0 && h.wrap.at[0] <= h.base {
		h.base += tdsHeader
		h.wrap.at = h.wrap.at[1:]
	}
}
