// An endpoint on the simulated network.

package simnet

import (
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// maxAtOnce bounds the packets that an endpoint may send without anything
// else happening. The largest window of a test holds fewer.
const maxAtOnce = 20000

// A Host is an endpoint on the network.
type Host struct {
	Name     string
	Addr     netip.Addr
	Endpoint *endpoint.Endpoint

	net    *Network
	out    *link
	wake   tcb.Instant // when a wake-up is queued for; 0 when none is
	asleep bool
	drops  int // packets that the endpoint said it dropped
	buf    []byte
}

// Host adds a host whose endpoint is made from cfg; cfg.Dropped is wrapped.
func (n *Network) Host(name string, addr netip.Addr, cfg endpoint.Config) *Host {
	h := &Host{Name: name, Addr: addr, net: n}
	h.Boot(cfg)
	return h
}

// Boot gives the host a new endpoint without any memory.
func (h *Host) Boot(cfg endpoint.Config) {
	tell := cfg.Dropped
	cfg.Dropped = func(why string) {
		h.drops++
		if tell != nil {
			tell(why)
		}
	}
	h.Endpoint = endpoint.New(cfg)
	h.asleep = false
}

// Sleep makes the host do nothing: packets to it are lost, and its timers wait.
func (h *Host) Sleep() { h.asleep = true }

// Wake ends Sleep; what was due meanwhile is done now.
func (h *Host) Wake() {
	h.asleep = false
	h.tick()
}

// Asleep reports whether the host does nothing.
func (h *Host) Asleep() bool { return h.asleep }

// Flush sends what the endpoint has to send, and sets its timer. Call it after
// every change to the endpoint.
func (h *Host) Flush() {
	if h.asleep {
		return
	}
	for i := 0; ; i++ {
		p := h.Endpoint.Next(h.net.now, h.buf[:0])
		if p == nil {
			break
		}
		if i == maxAtOnce {
			h.net.Failf("%s sends without end", h.Name)
			return
		}
		h.buf = p
		if h.net.Watch != nil {
			h.net.Watch.Sent(h, p)
		}
		if h.out != nil {
			h.out.carry(p)
		}
	}
	h.setTimer()
}

func (h *Host) setTimer() {
	at, ok := h.Endpoint.Deadline()
	if !ok || h.wake != 0 && h.wake <= at {
		return
	}
	at = max(at, h.net.now)
	h.wake = at
	h.net.at(at, func() {
		if h.wake == at {
			h.wake = 0
			h.tick()
		}
	})
}

// tick lets the endpoint's deadlines pass.
func (h *Host) tick() {
	if h.asleep {
		return
	}
	if at, ok := h.Endpoint.Deadline(); ok && at <= h.net.now {
		h.Endpoint.Advance(h.net.now)
	}
	h.Flush()
}

// Take gives the host a packet as if it had just arrived.
func (h *Host) Take(packet []byte) { h.take(packet, false) }

func (h *Host) take(packet []byte, damaged bool) {
	if h.asleep {
		return
	}
	if h.net.Watch != nil {
		h.net.Watch.Arrives(h, packet, damaged)
	}
	before := h.drops
	h.Endpoint.Receive(h.net.now, packet, false)
	if damaged && h.drops == before {
		h.net.Failf("%s took a damaged packet", h.Name)
	}
	h.Flush()
}
