package interop

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	full     = flag.Bool("full", false, "transfer 64 MiB each time, one at a time; where the link is bad it takes minutes")
	minRTO   = flag.Duration("minrto", 0, "the least retransmission timeout of both sides; 0: what suits the link")
	kernelCC = flag.String("kernel-cc", "", "the kernel's congestion control, such as reno; empty: the machine's own")
)

// families are the kinds of address that the transfers run over.
var families = []struct {
	name string
	addr func(*lab.Node) netip.Addr
	mtu  int // that the path is lowered to
}{
	{"IPv4", (*lab.Node).Addr, 1000},
	{"IPv6", (*lab.Node).Addr6, 1280},
}

// A passage is one transfer through a bad link.
type passage struct {
	impairment badlink.Impairment
	size       int64         // without -full
	rto        time.Duration // the least one of our side; 0: a stack's own
	ecn        wire.ECNMode
}

const (
	wholeSize = 64 << 20
	// shortRTO suits a round trip of 2 ms: at these losses every few segments
	// cost a timeout, see docs/tcp-measured.md.
	shortRTO = 10 * time.Millisecond
)

// passages have a round trip of 2 ms, and the MTU lowered half-way.
func passages() map[string]passage {
	bad := func(loss float64) badlink.Impairment {
		return badlink.Impairment{Seed: 1, Loss: loss, Duplicate: 0.01, Reorder: 0.01, Delay: time.Millisecond}
	}
	return map[string]passage{
		"loss=0%":  {badlink.Impairment{Seed: 1, Delay: time.Millisecond}, 8 << 20, 0, 0},
		"loss=1%":  {bad(0.01), 4 << 20, 0, 0},
		"loss=5%":  {bad(0.05), 2 << 20, shortRTO, 0},
		"loss=10%": {bad(0.10), 1 << 20, shortRTO, 0},
		"loss=20%": {bad(0.20), 512 << 10, shortRTO, 0},
	}
}

// TestTransfersOverBadLinks sends 64 MiB between our TCP and the
// kernel's, in each direction, through loss, disorder and copies, and lowers
// the MTU half-way. The times are stated in docs/tcp-measured.md.
func TestTransfersOverBadLinks(t *testing.T) {
	for _, family := range families {
		for _, loss := range []string{"loss=0%", "loss=1%", "loss=5%", "loss=10%", "loss=20%"} {
			p := passages()[loss]
			if *full {
				p.size = wholeSize
			}
			p.impairment.MTU, p.impairment.MTUAfter = family.mtu, int(p.size/2)
			for _, ours := range []string{"sends", "receives"} {
				t.Run(fmt.Sprintf("%s/%s/ours=%s", family.name, loss, ours), func(t *testing.T) {
					together(t)
					l := newLab(t)
					transfer(t, l, family.addr, p, ours == "sends")
				})
			}
		}
	}
}

// TestTransfersIntoABlackHole lowers the MTU half-way, and no ICMP tells.
func TestTransfersIntoABlackHole(t *testing.T) {
	for _, family := range families {
		for _, ours := range []string{"sends", "receives"} {
			t.Run(family.name+"/ours="+ours, func(t *testing.T) {
				together(t)
				l := newLab(t)
				// The kernel looks for black holes on demand only.
				sysctl(t, l.Far(), "net/ipv4/tcp_mtu_probing", "1")
				p := passage{badlink.Impairment{Seed: 1, Delay: time.Millisecond, MTU: family.mtu, MTUAfter: 1 << 20, BlackHole: true}, 2 << 20, 0, 0}
				transfer(t, l, family.addr, p, ours == "sends")
			})
		}
	}
}

// together lets transfers run beside each other, each in a network of its own,
// where nobody asks how long one takes: they wait more than they work.
func together(t *testing.T) {
	if !*full {
		t.Parallel()
	}
}

// transfer carries a stream from one end to the other, and compares each byte.
func transfer(t *testing.T, l *lab.Lab, addr func(*lab.Node) netip.Addr, p passage, oursSends bool) {
	for _, n := range []*lab.Node{l.Near(), l.Far()} {
		offloadsOff(t, n)
	}
	tuneKernel(t, l.Far(), p)
	ours, kernels, _ := impairedPair(t, l, addr(l.Far()), p)
	from, to := ours, kernels
	if !oursSends {
		from, to = kernels, ours
	}
	start := time.Now()
	sent := make(chan error, 1)
	go func() { sent <- send(from, p.size) }()
	if err := compare(to, p.size); err != nil {
		t.Fatalf("after %v: %v", time.Since(start), err)
	}
	if err := <-sent; err != nil {
		t.Errorf("sending: %v", err)
	}
	took := time.Since(start)
	t.Logf("%.1f MiB in %.2f s: %.2f MB/s", float64(p.size)/(1<<20), took.Seconds(), float64(p.size)/took.Seconds()/1e6)
}

// impairedPair is a connection between our TCP, behind a bad link, and the
// kernel's on the far node.
func impairedPair(t *testing.T, l *lab.Lab, addr netip.Addr, p passage) (ours, kernels net.Conn, events *eventCount) {
	t.Helper()
	ln, err := l.Far().Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	events = countEvents()
	d := rawtcp.Dialer{
		Wrap:   func(l link.Link) link.Link { return badlink.Wrap(l, p.impairment) },
		Events: events.note,
		Stack:  rawtcp.StackConfig{Configure: func(c *tcb.Config) { c.MinRTO, c.ECN = cmp.Or(*minRTO, p.rto, c.MinRTO), p.ecn }},
	}
	c, err := dial(t, l, d, ln.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	kernels = <-accepted
	t.Cleanup(func() {
		kernels.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c.(*rawtcp.Conn).Shutdown(ctx)
		events.log(t)
	})
	return c, kernels, events
}

// eventCount counts what a connection decided, and sums the round trips that it
// measured. Events come one at a time.
type eventCount struct {
	counts map[string]int
	trips  time.Duration
}

func countEvents() *eventCount { return &eventCount{counts: map[string]int{}} }

func (e *eventCount) note(event tcb.Event) {
	name := event.Name()
	switch event := event.(type) {
	case tcb.Retransmitted:
		name += ": " + event.Why
	case tcb.RTTMeasured:
		e.trips += event.RTT
	}
	e.counts[name]++
}

func (e *eventCount) log(t *testing.T) {
	n := max(1, e.counts[tcb.RTTMeasured{}.Name()])
	t.Logf("mean round trip %v; %v", (e.trips / time.Duration(n)).Round(10*time.Microsecond), e.counts)
}

// stream is the bytes that are sent: the same ones every time.
func stream() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func send(c net.Conn, size int64) error {
	if _, err := io.CopyN(c, stream(), size); err != nil {
		return err
	}
	return c.(interface{ CloseWrite() error }).CloseWrite()
}

// compare reads to the end, and says where what it read went wrong.
func compare(c net.Conn, size int64) error {
	got, want := make([]byte, 64<<10), make([]byte, 64<<10)
	expected := stream()
	for at := int64(0); ; {
		c.SetReadDeadline(time.Now().Add(2 * time.Minute))
		n, err := c.Read(got)
		io.ReadFull(expected, want[:n])
		if !bytes.Equal(got[:n], want[:n]) {
			return fmt.Errorf("the bytes from %d to %d are not what was sent", at, at+int64(n))
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF) && at == size:
			return nil
		case err != nil:
			return fmt.Errorf("%w, with %d of %d bytes", err, at, size)
		}
	}
}

// tuneKernel gives the kernel the same patience as our side, where it can be
// told (Linux 6.11), and the congestion control that was asked for.
func tuneKernel(t *testing.T, n *lab.Node, p passage) {
	if *kernelCC != "" {
		sysctl(t, n, "net/ipv4/tcp_congestion_control", *kernelCC)
	}
	if rto := cmp.Or(*minRTO, p.rto); rto > 0 {
		err := n.Do(func() error {
			return os.WriteFile("/proc/sys/net/ipv4/tcp_rto_min_us", []byte(strconv.FormatInt(rto.Microseconds(), 10)), 0)
		})
		if err != nil {
			t.Logf("the kernel keeps to its own least RTO: %v", err)
		}
	}
}

// sysctl sets a variable below /proc/sys in a node.
func sysctl(t *testing.T, n *lab.Node, name, value string) {
	t.Helper()
	if err := n.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0) }); err != nil {
		t.Fatal(err)
	}
}

// offloadsOff makes a node's kernel send segments as the wire would carry
// them, one by one and with their checksums.
func offloadsOff(t *testing.T, n *lab.Node) {
	t.Helper()
	if err := n.OffloadsOff(); err != nil {
		t.Fatalf("turning offloads off: %v", err)
	}
}
