// Finds the IP packet in a captured frame.

package capture

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// IP returns the IP packet that a frame holds, through whatever tunnels it goes,
// with what follows it, and sets Header. It is wire.ErrNotIP where it holds
// another, wire.ErrUnknownLink where that cannot be told.
func (p *Packet) IP() ([]byte, error) {
	c := field.New("frame", p.Data)
	var h wire.LinkHeader
	if err := h.Decode(&c, p.Link); err != nil {
		return nil, err
	}
	p.Header = h
	return p.Data[c.Offset() : len(p.Data)-h.Behind], nil
}
