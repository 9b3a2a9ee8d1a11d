// Explicit congestion notification: the codepoints of IP, and what a SYN and its answer say
// of it.

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

// ECNFlags are the flags that speak of ECN.
const ECNFlags = AE | CWR | ECE

// An ECNMode is what a SYN offers, or a SYN-ACK takes up (RFC 9768, section 3.1.1).
type ECNMode uint8

// The modes.
const (
	ECNNone      ECNMode = iota
	ECNClassic           // RFC 3168
	ECNAccurate          // RFC 9768
	ECNNonce             // RFC 3540, which is historic
	ECNReflected         // a SYN-ACK with all the flags of a SYN: nobody answers so who knows what they mean
)

// String returns the mode in a word.
func (m ECNMode) String() string {
	return [...]string{"none", "classic", "accurate", "nonce", "reflected"}[m]
}

// ECNFlags are the flags of a SYN that offers the mode (RFC 3168, section 6.1.1; RFC
// 9768, section 3.1.1).
func (m ECNMode) ECNFlags() Flags {
	switch m {
	case ECNClassic:
		return CWR | ECE
	case ECNAccurate:
		return ECNFlags
	}
	return 0
}

// arrivals are the flags by which accurate ECN tells with which codepoint a SYN or
// SYN-ACK arrived, by codepoint (RFC 9768, tables 2 and 3).
var arrivals = [4]Flags{NotECT: CWR, ECT1: CWR | ECE, ECT0: AE, CE: AE | CWR}

// Arrival returns the flags by which a SYN-ACK, or the ACK of one, tells with which
// codepoint what it answers arrived (RFC 9768, sections 3.1.1 and 3.2.2.1).
func (e ECN) Arrival() Flags { return arrivals[e&3] }

// ACE returns the three flags as accurate ECN's counter (RFC 9768, section 3.2.2).
func (f Flags) ACE() (n uint8) {
	for i, flag := range [3]Flags{ECE, CWR, AE} {
		if f.Has(flag) {
			n |= 1 << i
		}
	}
	return n
}

// ACE returns the flags of a count, modulo 8 (RFC 9768, section 3.2.2).
func ACE(n uint8) (f Flags) {
	for i, flag := range [3]Flags{ECE, CWR, AE} {
		if n>>i&1 != 0 {
			f |= flag
		}
	}
	return f
}

// ECN returns what the flags of a SYN offer, or those of a SYN-ACK take up. Of a SYN-ACK
// of accurate ECN, arrived is the codepoint with which the SYN reached the server.
func (f Flags) ECN() (mode ECNMode, arrived ECN) {
	switch bits := f & ECNFlags; {
	case !f.Has(SYN):
	case !f.Has(ACK):
		switch bits {
		case CWR | ECE:
			return ECNClassic, 0
		case ECNFlags:
			return ECNAccurate, 0
		}
	case bits == ECE:
		return ECNClassic, 0
	case bits == CWR:
		return ECNAccurate, NotECT
	case bits == CWR|ECE:
		return ECNAccurate, ECT1
	case bits == AE:
		return ECNAccurate, ECT0
	case bits == AE|CWR:
		return ECNAccurate, CE
	case bits == AE|ECE:
		return ECNNonce, 0
	case bits == ECNFlags:
		return ECNReflected, 0
	}
	return ECNNone, 0
}
