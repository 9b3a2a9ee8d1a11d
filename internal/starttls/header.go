// The header of the PROXY protocol, which tells a server behind a proxy whose
// connection this is. Nothing answers it.

package starttls

import (
	"encoding/binary"
	"fmt"
)

// header1 is the header's text form (version 1, section 2.1).
func header1(m *Machine) []byte {
	from, to := m.id.Local, m.id.Remote
	switch {
	case !from.IsValid() || !to.IsValid():
		return []byte("PROXY UNKNOWN\r\n")
	case from.Addr().Is4():
		return fmt.Appendf(nil, "PROXY TCP4 %v %v %d %d\r\n", from.Addr(), to.Addr(), from.Port(), to.Port())
	}
	return fmt.Appendf(nil, "PROXY TCP6 %v %v %d %d\r\n", from.Addr().WithZone(""), to.Addr().WithZone(""), from.Port(), to.Port())
}

// header2 is its binary form (version 2, section 2.2).
func header2(m *Machine) []byte {
	const local, proxied, tcp4, tcp6 = 0x20, 0x21, 0x11, 0x21
	from, to := m.id.Local, m.id.Remote
	b := []byte("\r\n\r\n\x00\r\nQUIT\n")
	if !from.IsValid() || !to.IsValid() {
		return append(b, local, 0, 0, 0)
	}
	family := byte(tcp6)
	if from.Addr().Is4() {
		family = tcp4
	}
	addresses := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
	b = append(b, proxied, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(addresses)+4))
	b = append(b, addresses...)
	b = binary.BigEndian.AppendUint16(b, from.Port())
	return binary.BigEndian.AppendUint16(b, to.Port())
}
