// Link-layer addresses of peers, learned from their packets.

package link

import (
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// maxHops bounds what a flood from many addresses can make us remember, twice.
const maxHops = 4096

// hops are the link-layer addresses from which the peers of a link without a
// remote have sent, for the answers. Old ones are discarded by generations, so
// that a peer that goes on sending stays known.
type hops struct {
	mu          sync.Mutex
	young, aged map[netip.Addr]hop
}

// hop is an address on the link.
type hop struct {
	addr [8]byte
	len  uint8
}

func newHops() *hops { return &hops{young: make(map[netip.Addr]hop)} }

// learn notes where a peer's packet came from.
func (h *hops) learn(peer netip.Addr, from hop) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.young[peer]; ok && known == from {
		return
	}
	if len(h.young) >= maxHops {
		h.aged, h.young = h.young, make(map[netip.Addr]hop)
	}
	h.young[peer] = from
}

// find returns where to send packets for a peer.
func (h *hops) find(peer netip.Addr) (hop, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if found, ok := h.young[peer]; ok {
		return found, true
	}
	found, ok := h.aged[peer]
	return found, ok
}

// towards returns where a packet for dst goes, as Sendto wants it.
func (h *hops) towards(dst netip.Addr, index int, protocol uint16) (*unix.SockaddrLinklayer, bool) {
	found, ok := h.find(dst)
	if !ok {
		return nil, false
	}
	return &unix.SockaddrLinklayer{Protocol: htons(protocol), Ifindex: index, Halen: found.len, Addr: found.addr}, true
}
