// Which network a captured packet is in: VLANs, sessions, tunnels, labels.

package wire

import "fmt"

// A NetworkID is one of the numbers that say which network a packet is in: in
// different networks equal addresses and ports are different ones.
type NetworkID struct {
	Kind   string // "VLAN", "VXLAN"
	ID     uint32
	OneWay bool // each direction of a connection has another one
}

// String returns the kind and the number, as in "VLAN 7".
func (n NetworkID) String() string { return fmt.Sprintf("%s %d", n.Kind, n.ID) }

// Networks calls tell with the numbers of the networks that the packet is in,
// the outer first: VLANs, PPPoE's session, tunnels, and as one-way ones MPLS
// labels and the numbers of tunnels whose receiver chooses them. Addresses of
// tunnels are not among them: with mirroring or load balancing each direction
// may have its own.
func (h *LinkHeader) Networks(tell func(NetworkID)) {
	for _, id := range h.VLANs {
		if id != 0 { // a tag for the sake of its priority (IEEE 802.1Q, table 9-2)
			tell(NetworkID{"VLAN", uint32(id), false})
		}
	}
	if h.Session != 0 {
		tell(NetworkID{"PPPoE session", uint32(h.Session), false})
	}
	for i := range h.Tunnels {
		if t := &h.Tunnels[i]; t.HasID {
			tell(NetworkID{t.Kind, t.ID, t.OneWay})
		}
	}
	for _, label := range h.Labels {
		tell(NetworkID{"MPLS label", label, true})
	}
}
