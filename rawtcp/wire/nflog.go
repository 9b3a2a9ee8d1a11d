// Packets that Linux's firewall logged.

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// nflogPayload is the attribute that holds the packet; others say how the
// firewall met it.
const nflogPayload = 9

var nflogNames = map[uint16]string{1: "packet header", 2: "mark", 3: "time", 4: "interface in", 5: "interface out",
	8: "hardware address", 10: "prefix", 11: "user", 12: "sequence number"}

// nflog reads what Linux's firewall says about a packet that it logged
// (LINKTYPE_NFLOG): attributes, in the byte order of the machine, each filled
// up to a multiple of four bytes. The packet's own is the last that is read.
func (h *LinkHeader) nflog(c *field.Cursor) {
	c.Enter("NFLOG")
	defer c.Leave()
	c.Uint8("family")
	c.Uint8("version")
	c.Uint16("resource_id")
	for c.More() {
		b := c.Ahead()
		if len(b) < 4 {
			break
		}
		n, typ := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		if typ > 0xff {
			n, typ = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		}
		c.Bytes("attribute_length", 2)
		c.Means(fmt.Sprint(n))
		c.Bytes("attribute_type", 2)
		if typ == nflogPayload {
			c.Means("the packet")
			h.bound(c, int(n)-4)
			return
		}
		c.Means(nflogNames[typ])
		c.Bytes("attribute", min((int(n)-4+3)&^3, max(c.Left(), 4)))
	}
	h.stop("netfilter log messages without a packet", false)
}
