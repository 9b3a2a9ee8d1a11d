package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Unreachable takes an ICMP error that quotes a segment of this connection. A
// message that quotes a sequence number which is not in flight is forged or
// stale, and is dropped (RFC 5927, section 4.1). A hard error ends a
// connection that is not established yet, and no other (section 5.2); anything
// else is kept to explain a later timeout.
func (c *Conn) Unreachable(now Instant, m *wire.ICMP) {
	if c.over || c.state == Closed || !m.Seq.InWindow(c.snd.una, uint32(c.snd.nxt-c.snd.una)) {
		return
	}
	if m.Type == wire.ICMPUnreachable && m.Code == wire.ICMPFragmentationNeeded {
		c.tooBig4(now, m)
		return
	}
	fatal := c.handshaking() && hardError(m)
	emit(c, UnreachableReceived{Message: m.String(), From: m.From.String(), Fatal: fatal})
	c.icmp = fmt.Sprintf("%v said %v", m.From, m)
	if fatal {
		c.end(fmt.Errorf("%w: %s", ErrUnreachable, c.icmp))
	}
}

// hardError reports whether a message says that trying again is of no use: RFC
// 1122, section 4.2.3.9, and the prohibitions of RFC 1812, section 5.2.7.1.
func hardError(m *wire.ICMP) bool {
	if m.Type != wire.ICMPUnreachable {
		return false
	}
	switch m.Code {
	case 2, 3, 9, 10, 13:
		return true
	}
	return false
}
