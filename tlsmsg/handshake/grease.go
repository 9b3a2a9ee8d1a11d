// Values of GREASE in a ClientHello (RFC 8701).

package handshake

import "encoding/binary"

// The places of a ClientHello that hold a value of RFC 8701.
const (
	greaseSuite = iota
	greaseGroup
	greaseFirstExtension
	greaseLastExtension
	greaseScheme
	greaseVersion
)

// unoffered says of a value that the server must not choose that it was not
// offered, or was offered as one that stands for nothing.
func (c *Client) unoffered(value uint16, places ...int) string {
	for _, place := range places {
		if c.cfg.GREASE && value == greaseValue[uint16](&c.state.ClientRandom, place) {
			return "stands for nothing, was offered as such, and must not be chosen or answered (RFC 8701, section 3.1)"
		}
	}
	return "was not offered"
}

// greaseValue picks one of the sixteen values 0x0A0A, 0x1A1A, … 0xFAFA (RFC
// 8701, section 2) by the client's random, so that connections differ and one
// that is repeated does not. The two extensions never get the same.
func greaseValue[T ~uint16](random *[32]byte, place int) T {
	n := random[place] >> 4
	if place == greaseLastExtension && n == random[greaseFirstExtension]>>4 {
		n ^= 1
	}
	b := n<<4 | 0x0A
	return T(binary.BigEndian.Uint16([]byte{b, b}))
}
