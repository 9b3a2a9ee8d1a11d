package rawtcp

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the simulated network (internal/simnet) found first.

// TestADeadlineSetWhileNothingIsDueIsKept closes the peer's window with all
// acknowledged: the machine decides to probe it only when it finds that there
// is nothing to send.
func TestADeadlineSetWhileNothingIsDueIsKept(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK})
	f.Machine.Write([]byte("hello"))
	b.Touch(f)
	for s := b.sent(t); s != nil; s = b.sent(t) {
		if len(s.Payload) > 0 {
			t.Fatalf("sent %+v into a closed window", s)
		}
	}
	at, ok := b.Deadline()
	if !ok {
		t.Fatal("octets wait for a window, and nobody will probe it")
	}
	b.Advance(at)
	if s := b.sent(t); s == nil || string(s.Payload) != "h" {
		t.Errorf("sent %+v, want a window probe", s)
	}
}
