// What an ICMP error does to a connection.

package tcb

import (
	"fmt"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Unreachable takes an ICMP error that quotes a segment of this connection. A
// message that quotes a sequence number that is not in flight is forged or
// stale, and is dropped (RFC 5927, section 4.1). A hard error ends a connection
// that is not established yet (RFC 9293, section 3.9.2.2, SHLD-26), and no
// other (RFC 5927, section 5.2). Anything else is reported (SHLD-25), and kept
// to explain a later timeout (MUST-56).
func (c *Conn) Unreachable(now Instant, m *wire.ICMP) {
	if c.over || c.state == Closed || !m.Seq.InWindow(c.snd.una, uint32(c.snd.nxt-c.snd.una)) {
		return
	}
	if m.Kind() == wire.KindTooBig {
		c.tooBigMessage(now, m)
		return
	}
	fatal := c.handshaking() && (HardError(m) || c.cfg.SoftErrorsEnd)
	emit(c, UnreachableReceived{Message: m.String(), From: m.From.String(), Fatal: fatal})
	c.icmp = fmt.Sprintf("%v said %v", m.From, m)
	if fatal {
		c.end(fmt.Errorf("%w: %s", ErrUnreachable, c.icmp))
	}
}

// HardError reports whether a message says that trying again is of no use: the
// hard errors of RFC 1122, section 4.2.3.9, the prohibitions of RFC 1812,
// section 5.2.7.1, and their equivalents in RFC 4443, section 3.
func HardError(m *wire.ICMP) bool {
	switch m.Kind() {
	case wire.KindPortUnreachable, wire.KindProtocolUnreachable, wire.KindProhibited:
		return true
	}
	return false
}
