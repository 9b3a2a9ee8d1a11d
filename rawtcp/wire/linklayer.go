// From a captured frame to the IP packet in it, through links and tunnels.

package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// Why a frame yields no IP packet.
var (
	ErrNotIP       = errors.New("the frame holds no IP packet")
	ErrUnknownLink = errors.New("this link type is not known here")
)

// A NotIPError says what a frame holds in place of an IP packet. errors.Is
// finds it to be ErrNotIP.
type NotIPError struct{ Content }

// Error says what the frame holds instead of an IP packet.
func (e *NotIPError) Error() string { return "the frame holds no IP packet: " + e.Name }

// Is makes errors.Is(err, [ErrNotIP]) true.
func (e *NotIPError) Is(target error) bool { return target == ErrNotIP }

// A Content names what is not read further.
type Content struct {
	Name   string // "ARP"; empty: nothing
	Opaque bool   // it may hold TCP that is not read here: encrypted, in parts, or unknown
}

// A Tunnel is a packet whose payload is another packet.
type Tunnel struct {
	Kind     string     // "VXLAN"
	ID       uint32     // of the network inside, or the session: VNI, key, TEID
	HasID    bool       // whether Kind has one
	OneWay   bool       // each direction has an ID of its own, which its receiver chose
	Src, Dst netip.Addr // of the packet outside
}

// A LinkHeader is what comes before the IP packet in a frame: the link's own
// header, and those of the tunnels that the packet goes through. Addresses and
// EtherType are the innermost ones.
type LinkHeader struct {
	Type                LinkType
	Source, Destination []byte    // hardware addresses, where the header has them; they alias the frame
	VLANs               []uint16  // the identifiers of its tags, the outer one first
	Session             uint16    // of PPPoE
	Labels              []uint32  // of MPLS, the outer one first
	EtherType           EtherType // the last one; 0 where there is none
	Tunnels             []Tunnel  // the outer one first
	Inside              Content   // what the packet holds, if it is a tunnel's but the packet inside cannot be read
	Further             bool      // the frame holds more packets after the one that is read
	Behind              int       // how many bytes after the packet are not part of what holds it

	headers int     // how many were begun
	what    Content // what is there in place of an IP packet
	bounded bool
	end     int // where what holds the packet ends, if bounded
}

// maxHeaders bounds the headers before a packet: each may hold another.
const maxHeaders = 32

// Decode reads all headers of a frame that begins as its link type says, and
// leaves the cursor at the innermost IP packet that they lead to. It fails with
// a *NotIPError if there is none, and with ErrUnknownLink if that cannot be
// known.
func (h *LinkHeader) Decode(c *field.Cursor, t LinkType) error {
	*h = LinkHeader{Type: t}
	h.link(c, t)
	if errors.Is(h.unknown(), ErrUnknownLink) {
		return h.unknown()
	}
	if err := c.Err(); err != nil {
		return err
	}
	if h.what.Name == "" && !beginsIP(c.Ahead()) {
		h.stop("no packet of IP version 4 or 6 where one should be", false)
	}
	if h.what.Name != "" {
		return &NotIPError{h.what}
	}
	h.tunnels(c)
	if b := c.Ahead(); h.bounded {
		behind := max(0, c.Offset()+len(b)-h.end)
		if ToldLength(b) <= len(b)-behind { // else one of the two lengths is wrong
			h.Behind = behind
		}
	}
	return nil
}

// link reads the header of a link type, which may also stand inside another's.
func (h *LinkHeader) link(c *field.Cursor, t LinkType) {
	if !h.begin() {
		return
	}
	switch t {
	case LinkRaw, linkRawBSD, linkRawOpenBSD, LinkIPv4, LinkIPv6:
	case LinkEthernet:
		h.ethernet(c)
	case LinkNull, LinkLoop:
		h.loopback(c, t)
	case LinkCooked:
		h.cooked(c)
	case LinkCooked2:
		h.cooked2(c)
	case LinkPPP, linkPPPSerial:
		h.ppp(c)
	case linkPPPoE:
		h.pppoe(c)
	case LinkCiscoHDLC:
		h.ciscoHDLC(c)
	case linkLLC:
		h.llc(c)
	case LinkWiFi:
		h.wifi(c, false)
	case LinkRadiotap, linkPrism, linkAVS:
		h.wifiMonitor(c, t)
	case LinkNFLOG:
		h.nflog(c)
	case linkPPI, linkPKTAP, linkPFLOG, linkENC:
		h.told(c, t)
	case linkFrameRelay:
		h.frameRelay(c)
	default:
		h.stop(t.String(), true)
	}
}

// unknown is the error of a link type that is not known here.
func (h *LinkHeader) unknown() error {
	if known(h.Type) {
		return nil
	}
	return fmt.Errorf("%w: %v", ErrUnknownLink, h.Type)
}

// begin counts a header, and reports whether one more may be read.
func (h *LinkHeader) begin() bool {
	if h.headers++; h.headers > maxHeaders {
		h.stop(fmt.Sprintf("more than %d headers inside each other", maxHeaders), true)
	}
	return h.what.Name == ""
}

// stop notes that something else follows, and no IP packet.
func (h *LinkHeader) stop(name string, opaque bool) {
	if h.what.Name == "" {
		h.what = Content{name, opaque}
	}
}

// bound notes that what holds the packet ends n bytes further on.
func (h *LinkHeader) bound(c *field.Cursor, n int) {
	if end := c.Offset() + n; n > 0 && n <= c.Left() && (!h.bounded || end < h.end) {
		h.bounded, h.end = true, end
	}
}

// beginsIP reports whether b, which may be cut off, begins as an IP packet does.
func beginsIP(b []byte) bool {
	switch version(b) {
	case 4:
		return b[0]&0xf >= IPv4HeaderLen/4
	case 6:
		return true
	}
	return false
}

// Trailer reads what a frame has after its IP packet.
func (h *LinkHeader) Trailer(c *field.Cursor) {
	if c.More() {
		c.Enter(h.Type.layer())
		c.Rest("padding")
		c.Leave()
	}
}
