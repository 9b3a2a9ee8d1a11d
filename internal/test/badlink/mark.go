// What a router does to an ECN-capable packet where it is congested.

package badlink

import (
	"encoding/binary"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// markCongestion sets the codepoint CE in an ECN-capable packet's IP header, and puts
// IPv4's checksum right.
func markCongestion(ip []byte) {
	const trafficClass6 = 4 // the bit at which IPv6's traffic class begins
	switch {
	case ip[0]>>4 == 4 && ip[1]&3 != uint8(wire.NotECT):
		ip[1] |= uint8(wire.CE)
		header := ip[:int(ip[0]&0xf)*4]
		binary.BigEndian.PutUint16(header[10:], 0)
		binary.BigEndian.PutUint16(header[10:], wire.Fold(wire.Sum(header, 0))^0xffff)
	case ip[0]>>4 == 6 && ip[1]>>trafficClass6&3 != uint8(wire.NotECT):
		ip[1] |= uint8(wire.CE) << trafficClass6
	}
}
