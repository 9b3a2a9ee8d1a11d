package rawtcp

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// counting is a link that carries many packets in one call, and counts them.
type counting struct {
	link.Link
	mu    sync.Mutex
	calls []int // packets in each
}

func (c *counting) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, n)
}

func (c *counting) Send(p []byte) error {
	c.count(1)
	return c.Link.Send(p)
}

func (c *counting) SendBatch(packets [][]byte) (int, error) {
	c.count(len(packets))
	return link.SendAll(c.Link, packets)
}

func (c *counting) ReceiveBatch(b *link.Arrivals) ([]link.Packet, error) {
	return link.ReceiveAll(c.Link, b)
}

func TestTheBareACKAndTheFirstDataLeaveInOneCall(t *testing.T) {
	near, far := link.Pipe()
	server := NewStack(far, StackConfig{})
	defer server.Close()
	local, remote := netip.MustParseAddrPort("198.18.0.1:40000"), netip.MustParseAddrPort("198.18.0.2:443")
	ln, err := server.Listen(remote)
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Link: near}
	var mu sync.Mutex
	var sent []Frame
	client := NewStack(counted, StackConfig{Tap: func(f Frame) {
		mu.Lock()
		defer mu.Unlock()
		if f.Out {
			sent = append(sent, Frame{At: f.At, Packet: slices.Clone(f.Packet)})
		}
	}})
	defer client.Close()
	_, err = client.Open(local, remote, func(cfg tcb.Config) endpoint.Machine {
		m := tcb.New(cfg)
		m.Write([]byte("ClientHello"))
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, 11)
	if n, err := c.Read(got); err != nil || string(got[:n]) != "ClientHello" {
		t.Fatalf("the server read %q: %v", got[:n], err)
	}
	client.Close() // what it has sent, it has shown
	counted.mu.Lock()
	defer counted.mu.Unlock()
	if want := []int{1, 2}; !slices.Equal(counted.calls[:min(2, len(counted.calls))], want) {
		t.Errorf("packets in each call: %v, expected %v: the SYN, then the ACK and the data", counted.calls, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(sent) < 3 || len(sent[1].Packet) >= len(sent[2].Packet) {
		t.Errorf("%d packets were shown, expected a bare ACK and then the data", len(sent))
	}
}
