// Finds the IP packet in a captured frame.

package capture

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// IP returns the IP packet in a frame, inside all tunnels, with the bytes that
// follow it, and sets Header. The error is wire.ErrNotIP if the frame holds
// another protocol, and wire.ErrUnknownLink if that cannot be told. The slice
// is a part of Data.
func (p *Packet) IP() ([]byte, error) {
	c := field.New("frame", p.Data)
	var h wire.LinkHeader
	if err := h.Decode(&c, p.Link); err != nil {
		return nil, err
	}
	p.Header = h
	return p.Data[c.Offset() : len(p.Data)-h.Behind], nil
}
