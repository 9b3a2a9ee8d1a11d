package link

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A responder tells whoever asks on the link that an address is here which the
// kernel does not have: by ARP (RFC 826) or neighbour discovery (RFC 4861). It
// lives as long as its link.
//
// On a switch that follows multicast groups (MLD snooping) questions for an
// IPv6 address may not come through, since the kernel reports no group for it.
type responder struct {
	sock      *socket
	index     int
	etherType uint16
	local     netip.Addr
	hardware  [wire.HardwareAddrLen]byte
	answer    func(*datagram) (reply []byte, to net.HardwareAddr)
	done      chan struct{} // closed when it has ended
}

// openResponder answers for r.Source, if the interface's network asks at all.
func openResponder(r Route) (*responder, error) {
	own, err := r.hardware()
	if err != nil || !own.ether || !own.asks {
		return nil, err
	}
	if len(own.address) != wire.HardwareAddrLen {
		return nil, fmt.Errorf("%w: the interface %s has no Ethernet address to answer with for %v", ErrNoRoute, r.Interface, r.Source)
	}
	p := &responder{index: r.Index, local: r.Source, hardware: [wire.HardwareAddrLen]byte(own.address), done: make(chan struct{})}
	var filter []bpf.RawInstruction
	protocol := "ARP"
	if r.Source.Is4() {
		p.etherType, p.answer = unix.ETH_P_ARP, p.answerARP
		filter, err = arpRequests(r.Source)
	} else {
		protocol = neighbourDiscovery
		p.etherType, p.answer = unix.ETH_P_IPV6, p.answerSolicitation
		filter, err = neighbourFilter(wire.NeighbourSolicitation, r.Source)
	}
	if err != nil {
		return nil, err
	}
	if p.sock, err = openLinkSocket(protocol, r, p.etherType, filter); err != nil {
		return nil, err
	}
	if err := p.join(); err != nil {
		p.sock.close()
		return nil, openError("hear neighbor solicitations on "+r.Interface, err)
	}
	go p.run()
	return p, nil
}

// join has the interface let the group through at which an IPv6 address is
// asked for. It leaves the group with the socket.
func (p *responder) join() error {
	if p.local.Is4() {
		return nil
	}
	group := wire.MulticastHardware(wire.SolicitedNode(p.local))
	m := unix.PacketMreq{Ifindex: int32(p.index), Type: unix.PACKET_MR_MULTICAST, Alen: uint16(len(group))}
	copy(m.Address[:], group[:])
	return p.sock.control(func(fd int) error {
		return os.NewSyscallError("setsockopt PACKET_ADD_MEMBERSHIP", unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m))
	})
}

// run answers until the socket is closed. An answer that cannot be sent is one
// that was lost: who asked will ask again.
func (p *responder) run() {
	defer close(p.done)
	var buf [2048]byte
	p.sock.eachDatagram(buf[:], func(d *datagram) bool {
		if reply, to := p.answer(d); to != nil && !d.outgoing {
			p.sock.send(reply, linkAddress(p.index, p.etherType, to))
		}
		return false
	})
}

func (p *responder) close() {
	if p == nil {
		return
	}
	p.sock.close()
	<-p.done
}
