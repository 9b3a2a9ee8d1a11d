package rawtcp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A batchLink hands over what it is given in one call, and keeps what is sent.
type batchLink struct {
	in     chan []link.Packet
	sent   chan *wire.Segment
	closed chan struct{}
}

func (l *batchLink) Send(packet []byte) error {
	packet = bytes.Clone(packet)
	c := field.New(wire.Root(packet), packet)
	var h wire.IP
	var s wire.Segment
	if err := h.Decode(&c); err != nil {
		return err
	}
	if err := s.Decode(&c); err != nil {
		return err
	}
	l.sent <- &s
	return nil
}

func (l *batchLink) SendBatch(packets [][]byte) (n int, err error) {
	for n, p := range packets {
		if err := l.Send(p); err != nil {
			return n, err
		}
	}
	return len(packets), nil
}

func (l *batchLink) ReceiveBatch(*link.Arrivals) ([]link.Packet, error) {
	select {
	case packets := <-l.in:
		return packets, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *batchLink) Receive([]byte) (link.Packet, error) { panic("one by one") }
func (l *batchLink) SetReadDeadline(time.Time) error     { return nil }
func (l *batchLink) MTU() int                            { return 1500 }
func (l *batchLink) Kind() link.Kind                     { return "batch" }
func (l *batchLink) Close() error                        { close(l.closed); return nil }

var (
	here  = netip.MustParseAddrPort("198.18.0.1:40000")
	there = netip.MustParseAddrPort("198.18.0.2:80")
)

// packet makes the packet that the remote would send.
func packet(s wire.Segment) []byte {
	s.SrcPort, s.DstPort = there.Port(), here.Port()
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: there.Addr(), Dst: here.Addr()}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), h.Src, h.Dst)
}

// Segments that come in together are all taken before any is acknowledged, and
// then with one acknowledgment.
//
// Requirements: MUST-59
func TestWhatComesInTogetherIsAcknowledgedOnce(t *testing.T) {
	l := &batchLink{in: make(chan []link.Packet), sent: make(chan *wire.Segment, 100), closed: make(chan struct{})}
	stack := NewStack(l, StackConfig{})
	defer stack.Close()
	c, err := stack.Open(here, there, func(cfg tcb.Config) endpoint.Machine { return tcb.New(cfg) })
	if err != nil {
		t.Fatal(err)
	}
	syn := <-l.sent
	l.in <- []link.Packet{{Data: packet(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000})}}
	<-l.sent
	var together []link.Packet
	for i := range 10 {
		data := wire.Segment{Seq: wire.Seq(101 + 10*i), Ack: syn.End(), Flags: wire.ACK, Window: 1000, Payload: make([]byte, 10)}
		together = append(together, link.Packet{Data: packet(data)})
	}
	l.in <- together
	if ack := <-l.sent; ack.Ack != 201 {
		t.Errorf("the first acknowledgment is of %d, and 201 has arrived with it", ack.Ack)
	}
	c.Do(func(tcb.Instant) {}) // what the batch brought about is done
	if n := len(l.sent); n != 0 {
		t.Errorf("%d more segments sent", n)
	}
}
