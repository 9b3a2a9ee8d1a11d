// A TCP peer played by hand, segment by segment.

package netns

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Talker sends and receives single segments over a link, by hand.
type Talker struct {
	Link       link.Link
	Flow       link.Flow
	Seq        wire.Seq // of the next octet to send
	Ack        wire.Seq // the next octet expected
	TTL        uint8    // 64 if 0
	KernelRSTs []wire.Segment
	held       map[wire.Seq]wire.Seq // segments beyond Ack: where each begins and ends
	buf        [link.MaxPacket]byte
}

// Got is one received segment.
type Got struct {
	Packet  link.Packet
	IP      wire.IP
	Segment wire.Segment
}

// Send sends a segment with the flags and payload given.
func (k *Talker) Send(flags wire.Flags, payload []byte) error {
	s := wire.Segment{SrcPort: k.Flow.Local.Port(), DstPort: k.Flow.Remote.Port(),
		Seq: k.Seq, Flags: flags, Window: 65535, Payload: payload}
	if flags.Has(wire.ACK) {
		s.Ack = k.Ack
	}
	src, dst := k.Flow.Local.Addr(), k.Flow.Remote.Addr()
	k.Seq = k.Seq.Add(s.Len())
	h := wire.IP{DontFragment: true, HopLimit: cmp.Or(k.TTL, wire.DefaultHopLimit), Src: src, Dst: dst}
	h.Fragment.ID = 7
	return k.Link.Send(h.AppendSegment(nil, &s))
}

// Receive waits up to ten seconds for a segment that is not a kernel-sent RST. KernelRSTs
// are kept apart.
func (k *Talker) Receive() (g Got, err error) {
	for {
		if g, err = k.receive(); err != nil || !g.Packet.KernelSent {
			return g, err
		}
		k.KernelRSTs = append(k.KernelRSTs, g.Segment)
	}
}

// AwaitKernelRST waits up to ten seconds for a kernel-sent RST, past anything else.
func (k *Talker) AwaitKernelRST() error {
	for len(k.KernelRSTs) == 0 {
		g, err := k.receive()
		if err != nil {
			return err
		}
		if g.Packet.KernelSent {
			k.KernelRSTs = append(k.KernelRSTs, g.Segment)
		}
	}
	return nil
}

func (k *Talker) receive() (g Got, err error) {
	k.Link.SetReadDeadline(time.Now().Add(10 * time.Second))
	if g.Packet, err = k.Link.Receive(k.buf[:]); err != nil {
		return g, err
	}
	var p wire.Packet
	err = p.Decode(g.Packet.Data, false) // the link has completed what was partial
	if err == nil && p.Holds != wire.HoldsSegment {
		err = errors.New("no segment")
	}
	if err != nil {
		err = fmt.Errorf("a packet from %v (partial: %v): %w", p.IP.Src, g.Packet.ChecksumPartial, err)
	}
	g.IP, g.Segment = p.IP, p.Segment
	return g, err
}

// Take takes a segment into the stream, in any order, as a peer's kernel counts
// on. A receiver that keeps none from beyond a hole has every loss, and every
// segment that another overtook, sent again a window at a time: each after a
// timeout twice as long as the last (RFC 6298, section 5.5), since what a sender
// tries out in between (F-RTO, RFC 5682) is lost again.
func (k *Talker) Take(s *wire.Segment) {
	if k.held == nil {
		k.held = make(map[wire.Seq]wire.Seq)
	}
	if end, ok := k.held[s.Seq]; !ok || end.Less(s.End()) {
		k.held[s.Seq] = s.End()
	}
	for again := true; again; {
		again = false
		for begin, end := range k.held {
			if k.Ack.Less(begin) {
				continue
			}
			delete(k.held, begin)
			if k.Ack.Less(end) {
				k.Ack, again = end, true
			}
		}
	}
}

// Handshake does SYN, SYN-ACK, ACK by hand.
func (k *Talker) Handshake() error {
	k.Seq = 1000
	if err := k.Send(wire.SYN, nil); err != nil {
		return err
	}
	g, err := k.Receive()
	if err != nil {
		return fmt.Errorf("no SYN-ACK: %w", err)
	}
	if !g.Segment.Flags.Has(wire.SYN|wire.ACK) || g.Segment.Ack != k.Seq {
		return fmt.Errorf("%v with ACK %v, want SYN-ACK with %v", g.Segment.Flags, g.Segment.Ack, k.Seq)
	}
	k.Ack = g.Segment.End()
	return k.Send(wire.ACK, nil)
}

// Listen opens a kernel TCP listener on the host's address.
func (h *Host) Listen(t *testing.T) (*net.TCPListener, netip.AddrPort) {
	t.Helper()
	var l *net.TCPListener
	h.Do(t, func() (err error) {
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.Addr, 0)))
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l, netip.AddrPortFrom(h.Addr, uint16(l.Addr().(*net.TCPAddr).Port))
}

// Accept takes one connection from l.
func Accept(t *testing.T, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	l.SetDeadline(time.Now().Add(10 * time.Second))
	c, err := l.AcceptTCP()
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errors.New("the handshake never became a connection to the peer's kernel")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
