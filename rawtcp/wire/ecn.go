// Explicit congestion notification: the codepoints of IP, and what a SYN-ACK answers.

package wire

import "github.com/rawshake/rawshake/field"

// An ECN is the codepoint in the last two bits of IPv4's type of service and IPv6's
// traffic class (RFC 3168, section 5).
type ECN uint8

// The codepoints.
const (
	NotECT ECN = iota // not capable of ECN
	ECT1              // capable; its queue is to be short (RFC 9331)
	ECT0              // capable
	CE                // congestion was met on the way
)

// String returns the name, as in "ECT(0)".
func (e ECN) String() string { return [...]string{"Not-ECT", "ECT(1)", "ECT(0)", "CE"}[e&3] }

// ECN returns the packet's codepoint.
func (h *IP) ECN() ECN { return ECN(h.TrafficClass & 3) }

// decodeECN names the codepoint in the field that was read last.
func decodeECN(c *field.Cursor, shift uint) {
	codepoint := ECN(c.Bits("ECN", shift, 2))
	if c.Recording() {
		c.Means(codepoint.String())
	}
}
