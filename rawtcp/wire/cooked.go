// Headers that a capture has in place of the link's own: Linux's "any"
// interface, and BSD's loopback.

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// cookedAddress is the room for an address in a cooked header, in bytes.
const cookedAddress = 8

// A packetType says in a cooked header in which direction a packet went.
type packetType uint16

func (t packetType) String() string {
	switch t {
	case 0:
		return "to this machine"
	case 1:
		return "broadcast"
	case 2:
		return "multicast"
	case 3:
		return "to another machine"
	case 4:
		return "sent by this machine"
	}
	return fmt.Sprintf("packet type %d", uint16(t))
}

// cooked reads the header that Linux's "any" interface gives every frame
// (LINKTYPE_LINUX_SLL).
func (h *LinkHeader) cooked(c *field.Cursor) {
	c.Enter(LinkCooked.layer())
	field.Enum16[packetType](c, "packet_type")
	c.Uint16("address_type")
	h.cookedAddress(c, int(c.Uint16("address_length")))
	h.etherType(c, "protocol")
	c.Leave()
	h.behind(c)
}

// cooked2 reads its successor (LINKTYPE_LINUX_SLL2).
func (h *LinkHeader) cooked2(c *field.Cursor) {
	c.Enter(LinkCooked2.layer())
	h.etherType(c, "protocol")
	c.Uint16("reserved")
	c.Uint32("interface_index")
	c.Uint16("address_type")
	t := packetType(c.Uint8("packet_type"))
	if c.Recording() {
		c.Means(t.String())
	}
	h.cookedAddress(c, int(c.Uint8("address_length")))
	c.Leave()
	h.behind(c)
}

// cookedAddress reads the sender's hardware address, of n bytes in a room of
// eight.
func (h *LinkHeader) cookedAddress(c *field.Cursor, n int) {
	if n = min(n, cookedAddress); n > 0 {
		h.Source = hardwareAddress(c, "address", n)
	}
	if n < cookedAddress {
		c.Bytes("unused", cookedAddress-n)
	}
}

// loopback reads the address family before a packet of a BSD's loopback
// (LINKTYPE_NULL, LINKTYPE_LOOP). Families and byte orders differ between
// systems: the version is read from the packet itself.
func (h *LinkHeader) loopback(c *field.Cursor, t LinkType) {
	c.Enter(t.layer())
	b := c.Bytes("family", 4)
	if c.Recording() && len(b) == 4 {
		big, little := binary.BigEndian.Uint32(b), binary.LittleEndian.Uint32(b)
		if little < big {
			c.Means(fmt.Sprintf("%d, in little-endian order", little))
		} else {
			c.Means(fmt.Sprintf("%d, in big-endian order", big))
		}
	}
	c.Leave()
}
