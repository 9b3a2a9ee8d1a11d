package link

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// A gatekeeper sees what is sent and what arrives, loses what it likes, and the
// time it takes is counted; what arrives meanwhile is not lost, and comes before
// a deadline that passed meanwhile.
func TestGateShowsAndHoldsPackets(t *testing.T) {
	near, far := Pipe()
	var seen []string
	var behind []int
	g, held := Gate(near, func(p Packet, out bool, waiting int) bool {
		seen, behind = append(seen, string(p.Data)), append(behind, waiting)
		if string(p.Data) == "question" {
			for _, s := range []string{"a", "b", "c"} { // the far side does not wait
				if err := far.Send([]byte(s)); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		return string(p.Data) != "b" && string(p.Data) != "lost"
	})
	defer g.Close()
	if err := g.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"question", "lost"} {
		if err := g.Send([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, MaxPacket)
	for _, want := range []string{"a", "c"} {
		p, err := g.Receive(buf)
		if err != nil || string(p.Data) != want {
			t.Fatalf("%q, %v, want %q", p.Data, err, want)
		}
	}
	if _, err := g.Receive(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the packets: %v, want the deadline", err)
	}
	if p, err := far.Receive(buf); err != nil || string(p.Data) != "question" {
		t.Errorf("the far side got %q, %v", p.Data, err)
	}
	if err := far.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if p, err := far.Receive(buf); err == nil {
		t.Errorf("what was dropped arrived: %q", p.Data)
	}
	if held() < 50*time.Millisecond {
		t.Errorf("the gatekeeper took %v", held())
	}
	if len(seen) != 5 || behind[2] != 2 {
		t.Errorf("seen %q, behind %v", seen, behind)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.Receive(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
