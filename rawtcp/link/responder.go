// Answers by ARP and neighbour discovery for an address that the kernel does
// not have.

package link

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A responder answers requests on the link for an address of ours that the
// kernel does not have, by ARP (RFC 826) or neighbour discovery (RFC 4861), as
// long as its link is open.
//
// On a switch with MLD snooping solicitations for an IPv6 address may not
// arrive, since the kernel reports no group for it.
type responder struct {
	sock      *socket
	index     int
	etherType uint16
	local     netip.Addr
	hardware  [wire.HardwareAddrLen]byte
	answer    func(*datagram) (reply []byte, to net.HardwareAddr)
	may       func() bool // whether one more may leave; nil: any
	limit     replyLimit
	done      chan struct{} // closed when it has ended
}

// openResponder answers for r.Source, if addresses are asked for on the
// interface's link at all, and as often as may permits, if it is not nil.
func openResponder(r route.Route, may func() bool) (*responder, error) {
	own, err := hardwareOf(r)
	if err != nil || !own.ether || !own.asks {
		return nil, err
	}
	if len(own.address) != wire.HardwareAddrLen {
		return nil, fmt.Errorf("%w: the interface %s has no Ethernet address to answer with for %v", route.ErrNoRoute, r.Interface, r.Source)
	}
	p := &responder{may: may, index: r.Index, local: r.Source, hardware: [wire.HardwareAddrLen]byte(own.address), done: make(chan struct{})}
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

// join makes the interface receive the multicast group at which an IPv6 address
// is asked for, until the socket is closed.
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

// mayAnswer reports whether an answer to somebody may leave now.
func (p *responder) mayAnswer(to net.HardwareAddr, now time.Time) bool {
	return p.limit.allows(to, now) && (p.may == nil || p.may())
}

// A replyLimit bounds the answers, to each host and to all together: a host
// asks for an address once a second, three times (RFC 1122, section 2.3.2.1;
// RFC 4861, section 7.2.2). A flood of requests gets no more answers than this.
type replyLimit struct {
	since time.Time
	all   int
	hosts map[hop]int
}

const (
	replyPeriod     = 5 * time.Second
	repliesToOne    = 10 // in that time
	repliesTogether = 500
)

// allows counts an answer, if there may be one more.
func (l *replyLimit) allows(to net.HardwareAddr, now time.Time) bool {
	if l.hosts == nil || now.Sub(l.since) >= replyPeriod {
		*l = replyLimit{since: now, hosts: make(map[hop]int)}
	}
	who := HopTo(to).hop
	if l.all >= repliesTogether || l.hosts[who] >= repliesToOne {
		return false
	}
	l.all++
	l.hosts[who]++
	return true
}

// run answers until the socket is closed. An answer that cannot be sent counts
// as lost: the host will ask again.
func (p *responder) run() {
	defer close(p.done)
	var buf [2048]byte
	p.sock.eachDatagram(buf[:], func(d *datagram) bool {
		if reply, to := p.answer(d); to != nil && !d.outgoing && p.mayAnswer(to, time.Now()) {
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
