// ARP packets for IPv4 over Ethernet (RFC 826).

package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/field"
)

// HardwareAddrLen is the length of an Ethernet address, in bytes.
const HardwareAddrLen = 6

// An ARPOperation is a packet's ar$op (RFC 826).
type ARPOperation uint16

// The operations that are read and made; others are decoded as numbers.
const (
	ARPRequest ARPOperation = 1
	ARPReply   ARPOperation = 2
)

// String returns "request" or "reply", or "operation 3" for any other.
func (o ARPOperation) String() string {
	switch o {
	case ARPRequest:
		return "request"
	case ARPReply:
		return "reply"
	}
	return fmt.Sprintf("operation %d", uint16(o))
}

// Values for IPv4 over Ethernet (RFC 826; IANA, "ARP Parameters").
const (
	arpEthernet = 1      // ar$hrd
	arpIPv4     = 0x0800 // ar$pro, an EtherType
	addr4Len    = 4
)

// ARPLen is the length of an ARP packet for IPv4 over Ethernet, in bytes.
const ARPLen = 8 + 2*(HardwareAddrLen+addr4Len)

// An ARP is an ARP packet for IPv4 over Ethernet (RFC 826).
type ARP struct {
	Operation      ARPOperation
	SenderHardware [HardwareAddrLen]byte // ar$sha
	SenderProtocol netip.Addr            // ar$spa
	TargetHardware [HardwareAddrLen]byte // ar$tha: zero in a request
	TargetProtocol netip.Addr            // ar$tpa
}

// Decode reads a packet, and the padding that fills an Ethernet frame up to its
// minimum length. Packets for other kinds of address are an error.
func (a *ARP) Decode(c *field.Cursor) error {
	if v := c.Uint16("hardware_type"); v != arpEthernet {
		c.Failf("%d, expected %d (Ethernet)", v, arpEthernet)
	}
	if v := c.Uint16("protocol_type"); v != arpIPv4 {
		c.Failf("%#04x, expected %#04x (IPv4)", v, arpIPv4)
	}
	if v := c.Uint8("hardware_length"); v != HardwareAddrLen {
		c.Failf("%d, expected %d", v, HardwareAddrLen)
	}
	if v := c.Uint8("protocol_length"); v != addr4Len {
		c.Failf("%d, expected %d", v, addr4Len)
	}
	a.Operation = field.Enum16[ARPOperation](c, "operation")
	copy(a.SenderHardware[:], c.Bytes("sender_hardware_address", HardwareAddrLen))
	a.SenderProtocol = addr4(c, "sender_protocol_address")
	copy(a.TargetHardware[:], c.Bytes("target_hardware_address", HardwareAddrLen))
	a.TargetProtocol = addr4(c, "target_protocol_address")
	if c.More() {
		c.Rest("padding")
	}
	return c.Err()
}

// AppendTo appends the encoded packet to b. Both protocol addresses must be
// IPv4 addresses.
func (a *ARP) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, arpEthernet)
	b = binary.BigEndian.AppendUint16(b, arpIPv4)
	b = append(b, HardwareAddrLen, addr4Len)
	b = binary.BigEndian.AppendUint16(b, uint16(a.Operation))
	src, dst := a.SenderProtocol.As4(), a.TargetProtocol.As4()
	b = append(b, a.SenderHardware[:]...)
	b = append(b, src[:]...)
	b = append(b, a.TargetHardware[:]...)
	return append(b, dst[:]...)
}
