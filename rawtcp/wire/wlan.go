// Frames of IEEE 802.11, as a monitor captures them.

package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// wifiMonitor reads what a card in monitor mode says about a frame, and the
// frame.
func (h *LinkHeader) wifiMonitor(c *field.Cursor, t LinkType) {
	b := c.Ahead()
	if t == linkPrism && len(b) >= 4 && binary.BigEndian.Uint32(b)&avsMask == avsCookie {
		t = linkAVS
	}
	padded := false
	switch t {
	case LinkRadiotap:
		padded = h.radiotap(c)
	case linkAVS:
		c.Enter("AVS")
		c.Uint32("version")
		n := int(c.Uint32("length"))
		c.Bytes("radio", n-8)
		c.Leave()
	case linkPrism:
		c.Enter("Prism")
		c.Bytes("message_code", 4)
		size := c.Bytes("message_length", 4)
		n := -1
		if len(size) == 4 { // in the capturing machine's byte order: the smaller one
			n = int(min(binary.LittleEndian.Uint32(size), binary.BigEndian.Uint32(size)))
		}
		c.Bytes("radio", n-8)
		c.Leave()
	}
	h.wifi(c, padded)
}

const (
	avsCookie = 0x80211000
	avsMask   = 0xfffff000
)

// radiotap reads the header that most monitors write (https://www.radiotap.org),
// in little-endian order, and reports whether the frame's own header is filled
// up to a multiple of four bytes.
func (h *LinkHeader) radiotap(c *field.Cursor) (padded bool) {
	const more, time, flags, padding = 1 << 31, 1, 2, 0x20
	start := c.Offset()
	c.Enter("Radiotap")
	c.Uint8("version")
	c.Uint8("pad")
	n := 0
	if b := c.Bytes("length", 2); len(b) == 2 {
		n = int(binary.LittleEndian.Uint16(b))
		c.Means(fmt.Sprint(n))
	}
	var present, first uint32
	for i := 0; c.Err() == nil && (i == 0 || present&more != 0); i++ {
		if b := c.Bytes("present", 4); len(b) == 4 {
			present = binary.LittleEndian.Uint32(b)
		}
		if i == 0 {
			first = present
		}
	}
	at := c.Offset() - start
	fields := c.Bytes("fields", n-at)
	c.Leave()
	if first&flags == 0 {
		return false
	}
	flagAt := at
	if first&time != 0 {
		flagAt = (at+7)&^7 + 8
	}
	i := flagAt - at
	return i < len(fields) && fields[i]&padding != 0
}

// Types of 802.11 frames, and bits of the second byte of a frame's control field
// (IEEE 802.11, section 9.2.4.1).
const (
	wifiManagement = 0
	wifiControl    = 1
	wifiData       = 2

	wifiSubtypeNull = 4
	wifiSubtypeQoS  = 8
)

// wifi reads the header of an 802.11 data frame (IEEE 802.11, section 9.3.2), and
// LLC's behind it.
func (h *LinkHeader) wifi(c *field.Cursor, padded bool) {
	start := c.Offset()
	c.Enter("WLAN")
	c.Uint8("frame_control")
	subtype, kind := c.Bits("subtype", 4, 4), c.Bits("type", 2, 2)
	c.Bits("protocol_version", 0, 2)
	c.Uint8("frame_control_flags")
	order, protected := c.Bits("order", 7, 1) == 1, c.Bits("protected", 6, 1) == 1
	fragmented := c.Bits("more_fragments", 2, 1) == 1
	fromDS, toDS := c.Bits("from_ds", 1, 1) == 1, c.Bits("to_ds", 0, 1) == 1
	if what, opaque := wifiContent(kind, subtype, protected); c.Err() == nil && what != "" {
		c.Leave()
		h.stop(what, opaque)
		return
	}
	c.Uint16("duration")
	h.wifiAddresses(c, toDS, fromDS, &fragmented)
	aggregate := false
	if subtype&wifiSubtypeQoS != 0 {
		c.Uint8("qos_control")
		aggregate = c.Bits("a_msdu", 7, 1) == 1
		c.Uint8("qos_control_high")
		if order {
			c.Uint32("ht_control")
		}
	}
	if n := -(c.Offset() - start) & 3; padded && n > 0 {
		c.Bytes("alignment", n)
	}
	c.Leave()
	switch {
	case c.Err() != nil:
	case fragmented:
		h.stop("fragments of 802.11 frames", true)
	case aggregate:
		h.aggregate(c)
	default:
		h.llc(c)
	}
}

// wifiContent names frames that hold no packet in the clear.
func wifiContent(kind, subtype uint64, protected bool) (what string, opaque bool) {
	switch {
	case kind == wifiManagement:
		return "802.11 management frames", false
	case kind == wifiControl:
		return "802.11 control frames", false
	case kind != wifiData:
		return "802.11 extension frames", false
	case subtype&wifiSubtypeNull != 0:
		return "802.11 frames without data", false
	case protected:
		return "encrypted 802.11 frames", true
	}
	return "", false
}

// wifiAddresses reads the three or four addresses, whose meaning depends on
// which way a frame goes through an access point (IEEE 802.11, table 9-60).
func (h *LinkHeader) wifiAddresses(c *field.Cursor, toDS, fromDS bool, fragmented *bool) {
	one := hardwareAddress(c, "address_1", HardwareAddrLen)
	two := hardwareAddress(c, "address_2", HardwareAddrLen)
	three := hardwareAddress(c, "address_3", HardwareAddrLen)
	c.Uint8("fragment_sequence") // the lower byte of the sequence control field comes first
	*fragmented = c.Bits("fragment_number", 0, 4) != 0 || *fragmented
	c.Uint8("sequence_high")
	h.Destination, h.Source = one, two
	switch {
	case toDS && fromDS:
		h.Destination, h.Source = three, hardwareAddress(c, "address_4", HardwareAddrLen)
	case toDS:
		h.Destination = three
	case fromDS:
		h.Source = three
	}
}

// aggregate reads the first subframe of an A-MSDU (IEEE 802.11, section
// 9.3.2.2).
func (h *LinkHeader) aggregate(c *field.Cursor) {
	c.Enter("AMSDU")
	h.Destination = hardwareAddress(c, "destination_address", HardwareAddrLen)
	h.Source = hardwareAddress(c, "source_address", HardwareAddrLen)
	n := int(c.Uint16("length"))
	c.Leave()
	h.bound(c, n)
	const header, check = 14, 4 // of a subframe; of the frame
	h.Further = c.Left()-n >= header+check
	h.llc(c)
}
