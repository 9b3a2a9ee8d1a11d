package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/internal/test/peers"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A tally keeps, at our own link, the identifications of the RSTs that we sent,
// and counts the segments that came after the first of them.
type tally struct {
	mu     sync.Mutex
	resets []uint16
	late   int
}

func (c *tally) frame(f rawtcp.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tcp := f.Packet[wire.IPv4HeaderLen:]
	switch {
	case f.Out && wire.Flags(tcp[13]).Has(wire.RST):
		c.resets = append(c.resets, binary.BigEndian.Uint16(f.Packet[4:]))
	case !f.Out && !f.KernelSent && len(c.resets) > 0:
		c.late++
	}
}

func (c *tally) counts() (resets, late int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.resets), c.late
}

// settle waits until nothing more is counted: Close ends in the background.
func (c *tally) settle() {
	for n, same, tries := -1, 0, 0; same < 3 && tries < 100; tries++ {
		time.Sleep(50 * time.Millisecond)
		resets, late := c.counts()
		if resets+late == n && late > 0 {
			same++
		} else {
			n, same = resets+late, 0
		}
	}
}

// flood writes until the connection ends.
func flood(c *net.TCPConn) {
	p := make([]byte, 64<<10)
	for {
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}

// TestWhatComesAfterOurResetMeetsTheGuard leaves, in three ways, a peer that
// goes on sending, 20 ms away. Each RST on the wire must be one of ours, by its
// identification, which no two of them share: the kernel's have 0.
func TestWhatComesAfterOurResetMeetsTheGuard(t *testing.T) {
	for name, leave := range map[string]func(*rawtcp.Conn){
		"abort":             func(c *rawtcp.Conn) { c.Abort() },
		"close with unread": func(c *rawtcp.Conn) { c.Close() },
		"shutdown in no time": func(c *rawtcp.Conn) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			c.Shutdown(ctx)
		},
	} {
		for _, kind := range []string{"packet", "raw"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				address := serve(t, l, flood)
				s := sniffOnly(t, l.Far(), l.Far().Interface(), onlyResets)
				var seen tally
				d := rawtcp.Dialer{Link: link.Kind(kind), Stack: rawtcp.StackConfig{Tap: seen.frame},
					Wrap: func(l link.Link) link.Link { return badlink.Wrap(l, badlink.Impairment{Delay: 20 * time.Millisecond}) }}
				c, err := dial(t, l, d, address, 10*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil { // now a whole window is on its way
					t.Fatal(err)
				}
				leave(c.(*rawtcp.Conn))
				seen.settle()
				onWire := resets(from(s.end(t), l.Near().Addr().String()))
				if ours, late := seen.counts(); ours == 0 || late == 0 || len(onWire) == 0 {
					t.Fatalf("%d RSTs of ours, %d segments after the first, %d RSTs on the wire: this shows nothing", ours, late, len(onWire))
				}
				for _, p := range onWire {
					if !slices.Contains(seen.resets, p.id) { // the kernel's
						t.Errorf("a RST on the wire that is none of our %d: ID %d, %+v", len(seen.resets), p.id, p.tcp)
					}
				}
			})
		}
	}
}

// A deafening link loses the first packet that we send after the peer's FIN:
// the acknowledgment of it.
type deafening struct {
	link.Link
	mu        sync.Mutex
	fin, lost bool
}

func (d *deafening) Receive(buf []byte) (link.Packet, error) {
	p, err := d.Link.Receive(buf)
	if err == nil && wire.Flags(p.Data[wire.IPv4HeaderLen+13]).Has(wire.FIN) {
		d.mu.Lock()
		d.fin = true
		d.mu.Unlock()
	}
	return p, err
}

func (d *deafening) Send(packet []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fin && !d.lost {
		d.lost = true
		return nil
	}
	return d.Link.Send(packet)
}

// TestAFINThatComesAgainMeetsUs lets our last ACK be lost, so that the peer
// says its FIN once more to a connection that was shut down, and whose user has
// gone: it is acknowledged, and no RST is on the wire.
func TestAFINThatComesAgainMeetsUs(t *testing.T) {
	for _, kind := range []string{"packet", "raw"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			address := serve(t, l, func(c *net.TCPConn) { io.Copy(io.Discard, c) })
			s := sniff(t, l.Far(), l.Far().Interface())
			d := rawtcp.Dialer{Link: link.Kind(kind), Wrap: func(l link.Link) link.Link { return &deafening{Link: l} }}
			c, err := dial(t, l, d, address, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			c.(*rawtcp.Conn).Shutdown(t.Context())
			time.Sleep(time.Second) // what would come now meets the kernel
			all := s.end(t)
			fins := 0
			for _, p := range from(all, l.Far().Addr().String()) {
				if p.tcp.FIN {
					fins++
				}
			}
			if fins < 2 { // more, if we are slow to answer
				t.Errorf("the peer sent %d FINs, not the one that was not acknowledged and the one that was", fins)
			}
			if n := len(resets(all)); n != 0 {
				t.Errorf("%d RSTs on the wire", n)
			}
		})
	}
}

// TestACancelledDialLeavesNothingOnTheWire but its SYN: the peer, who has not
// answered, is owed nothing.
func TestACancelledDialLeavesNothingOnTheWire(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Silent)
	s := sniff(t, l.Near(), l.Near().Interface())
	_, err := dial(t, l, rawtcp.Dialer{}, p.String(), 200*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the dial ended with %v", err)
	}
	for _, p := range from(s.end(t), l.Near().Addr().String()) {
		if !p.tcp.SYN || p.tcp.ACK {
			t.Errorf("on the wire beside the SYN: %+v", p.tcp)
		}
	}
}

// TestStoppingEarlyEndsInGoodOrder has --until end a connection before its
// handshake is done: the peer is told so by alerts where TLS has begun, both
// sides end their stream by a FIN, and nobody sends a RST.
func TestStoppingEarlyEndsInGoodOrder(t *testing.T) {
	farewell := []byte{21, 3, 3, 0, 2, 1, 90, 21, 3, 3, 0, 2, 1, 0} // user_canceled, close_notify
	for until, want := range map[string][]byte{"tcp": nil, "hello": farewell, "certificate": farewell} {
		t.Run(until, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			p, err := l.StartTLSServer(service.Options{MaxVersion: tlsmsg.VersionTLS12}) // 1.3 would hide what is said
			if err != nil {
				t.Fatal(err)
			}
			s := sniff(t, l.Far(), l.Far().Interface())
			rawshake(t, l.Near(), "connect", "--insecure", "--until", until, p.Addr().String()).want(t, 0)
			all := s.end(t)
			if n := len(resets(all)); n != 0 {
				t.Errorf("%d RSTs on the wire", n)
			}
			ours, theirs := from(all, l.Near().Addr().String()), from(all, l.Far().Addr().String())
			var said []byte
			fins := map[string]int{}
			for who, list := range map[string][]seen{"we": ours, "they": theirs} {
				for _, p := range list {
					if p.tcp.FIN {
						fins[who]++
					}
				}
			}
			for _, p := range ours {
				said = append(said, p.tcp.Payload...)
			}
			if fins["we"] == 0 || fins["they"] == 0 {
				t.Errorf("FINs: %v", fins)
			}
			if want == nil && len(said) > 0 || !bytes.HasSuffix(said, want) {
				t.Errorf("we sent %x, which should end in %x", said, want)
			}
		})
	}
}

// TestAnInterruptEndsTheConnection interrupts the program while it waits: it
// tells a peer that knows of the connection, and no other, says so, and exits
// with status 1.
func TestAnInterruptEndsTheConnection(t *testing.T) {
	for name, c := range map[string]struct {
		kind  service.Kind
		when  string // a line of the view holds it
		reset bool   // the peer is told
	}{
		"for the SYN-ACK":     {service.Silent, `"SYN"`, false},
		"for the ServerHello": {service.Mute, `"client_hello"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			p := peers.Start(t, l, c.kind)
			s := sniff(t, l.Far(), l.Far().Interface())
			cmd := l.Near().Command(program, "connect", "--json", p.String())
			list := interruptAt(t, cmd, c.when)
			if res := list[len(list)-1]; res.Outcome != "interrupted" {
				t.Errorf("result %+v", res)
			}
			// An ACK that crosses our RST draws another one of ours.
			ours := from(s.end(t), l.Near().Addr().String())
			if told := len(resets(ours)) > 0; told != c.reset {
				t.Errorf("a RST on the wire: %v, want %v", told, c.reset)
			}
			checkResets(t, ours, list)
			for _, e := range list {
				if e.Origin == "kernel" {
					t.Errorf("the kernel spoke: %+v", e)
				}
			}
		})
	}
}

// interruptAt runs the program, and interrupts it when a line of its view
// holds a text.
func interruptAt(t *testing.T, cmd *netns.Cmd, when string) []entry {
	t.Helper()
	var said, stderr strings.Builder
	cmd.Stderr = &stderr
	view, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(view); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), when) {
			cmd.Process.Signal(os.Interrupt)
		}
	}
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("exit status %d, want 1\n%s%s", status, said.String(), stderr.String())
	}
	return entries(t, said.String())
}
