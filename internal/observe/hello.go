// Finds the server name in a client's first octets.

package observe

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
)

const (
	// maxHello bounds the client's first octets that are kept to find a name.
	maxHello = 16 << 10
	// maxPieces bounds the pieces that they come in.
	maxPieces = 32
)

// hello assembles the client's first octets until they are a ClientHello or
// turn out not to be one.
type hello struct {
	data     []byte
	pieces   []chunk // beyond a hole
	size     int
	answered int // segments from the server since
}

// add takes octets at an offset in the client's stream. done says that there is
// nothing more to find.
func (h *hello) add(at int64, payload []byte) (name string, done bool) {
	if at < 0 || at > maxHello || len(h.pieces) == maxPieces {
		h.drop()
		return "", true
	}
	if at > int64(len(h.data)) {
		payload = payload[:min(len(payload), maxHello)]
		if h.size += len(payload); h.size > maxHello {
			h.drop()
			return "", true
		}
		h.pieces = append(h.pieces, chunk{start: at, data: bytes.Clone(payload)})
		return "", false
	}
	whole := payload[min(int64(len(payload)), int64(len(h.data))-at):]
	if len(h.data) > 0 {
		whole = append(h.data, whole...)
	}
	for range h.pieces {
		for _, p := range h.pieces {
			if p.start <= int64(len(whole)) && p.end() > int64(len(whole)) {
				whole = append(whole[:len(whole):len(whole)], p.data[int64(len(whole))-p.start:]...)
			}
		}
	}
	if name, done = nameIn(whole); done || len(whole) > maxHello {
		h.drop()
		return name, true
	}
	h.data = bytes.Clone(whole)
	return "", false
}

// bytes is how much it holds.
func (h *hello) bytes() int { return len(h.data) + h.size }

func (h *hello) drop() { *h = hello{} }

// nameIn finds the server name in the records that begin a client's stream.
func nameIn(b []byte) (name string, done bool) {
	a := tlsmsg.Assembler{MaxMessage: maxMessage}
	for {
		if record, wait := beginsRecord(b); !record && !wait && !a.Pending() {
			at, whole := findHello(b)
			if _, asked := agreed(b[:at], nil); !asked && isHTTP(b) {
				return "", true // a body, whatever it looks like
			}
			if !whole {
				return "", false
			}
			b = b[at:]
		}
		rec, n, err := tlsmsg.NextRecord(b)
		if err != nil || n > 0 && rec.Type != tlsmsg.ContentHandshake {
			return "", true
		}
		if n == 0 {
			return "", false
		}
		b = b[n:]
		a.Write(rec.Fragment)
		raw, err := a.Next()
		if err != nil {
			return "", true
		}
		if raw != nil {
			return serverName(raw), true
		}
	}
}

func serverName(raw []byte) string {
	m, err := tlsmsg.ParseMessage(raw, tlsmsg.Context{})
	hello, ok := m.(*tlsmsg.ClientHello)
	if err != nil || !ok {
		return ""
	}
	var name tlsmsg.ServerName
	if !find(hello.Extensions, &name, hello.Type()) {
		return ""
	}
	return name.HostName()
}
