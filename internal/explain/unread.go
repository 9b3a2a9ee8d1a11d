// Counts the packets that are not read, by kind.

package explain

import (
	"errors"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Unread is a kind of packets that belong to no TCP connection in the
// report, and how many there were.
type Unread struct {
	wire.Content
	Packets int
}

// maxUnread bounds the kinds that are counted apart. All others are counted
// together.
const maxUnread = 256

var otherKinds = wire.Content{Name: "packets of other kinds", Opaque: true}

// unread counts a packet that is not read, and returns the kind that it is
// counted as.
func (w *watch) unread(what wire.Content) wire.Content {
	if w.kinds == nil {
		w.kinds = map[wire.Content]int{}
	}
	if _, known := w.kinds[what]; !known && len(w.kinds) >= maxUnread {
		what = otherKinds
	}
	w.kinds[what]++
	return what
}

// unreadFrame counts a frame that holds no IP packet, or none within reach.
func (w *watch) unreadFrame(p *capture.Packet, err error) {
	var not *wire.NotIPError
	switch {
	case errors.As(err, &not):
		w.unread(not.Content)
	case errors.Is(err, wire.ErrUnknownLink):
		w.unread(wire.Content{Name: p.Link.String(), Opaque: true})
	default:
		w.unread(wire.Content{Name: "frames cut off, or broken, in a header", Opaque: true})
	}
}

// tellUnread puts the kinds into the report: those that may hold TCP first, the
// most frequent ones first among them.
func (w *watch) tellUnread() {
	w.report.Unread = w.report.Unread[:0]
	for what, n := range w.kinds {
		if n == 0 {
			continue
		}
		w.report.Unread = append(w.report.Unread, Unread{what, n})
	}
	slices.SortFunc(w.report.Unread, func(a, b Unread) int {
		switch {
		case a.Opaque != b.Opaque && a.Opaque:
			return -1
		case a.Opaque != b.Opaque:
			return 1
		case a.Packets != b.Packets:
			return b.Packets - a.Packets
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// contained names what a packet outside all connections holds.
func contained(p *capture.Packet, ip []byte) wire.Content {
	if p.Header.Inside.Name != "" {
		return p.Header.Inside
	}
	return wire.Contained(ip)
}
