package tcb

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the simulated network (internal/test/simnet) found first.

func TestAResetInLastAckBeforeOurOctetsArrivedIsAnError(t *testing.T) {
	for _, acked := range []bool{false, true} {
		k := established(t, nil)
		k.send("FIN-ACK seq=1 ack=1")
		k.write("hello")
		k.c.CloseWrite()
		k.expect(`FIN-ACK seq=1 ack=2 "hello"`)
		k.state(LastAck)
		if acked {
			k.send("ACK seq=2 ack=6") // all but the FIN
		}
		k.send("RST seq=2")
		k.state(Closed)
		if got := errors.Is(k.c.Err(), ErrReset); got == acked {
			t.Errorf("octets acknowledged: %v, error: %v", acked, k.c.Err())
		}
	}
}

func TestOctetsNeverSentAreAnError(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.write("hello")
	k.c.CloseWrite()
	k.state(Closed)
	if !errors.Is(k.c.Err(), ErrAborted) {
		t.Errorf("error: %v", k.c.Err())
	}
}

// A caller who wants to look like a given host may announce a scale that is
// coarser than the receive buffer.
func TestACoarseWindowScaleDoesNotCloseTheWindow(t *testing.T) {
	k := start(t, func(c *Config) {
		c.ReceiveBuffer = 1000
		c.SYNOptions = []wire.Option{{Kind: wire.OptMSS}, {Kind: wire.OptWindowScale, Data: []byte{14}}}
	})
	k.c.Open(k.now)
	k.expect("SYN seq=0 ws=14")
	k.send("SYN-ACK seq=0 ack=1 win=65535 mss=1000 ws=0")
	if s := k.expect("ACK seq=1 ack=1"); s.Window == 0 {
		t.Fatal("the window is closed, and nothing has arrived")
	}
	window := uint16(1)
	see := func() {
		for s := (wire.Segment{}); k.c.Next(k.now, &s); {
			window = s.Window
		}
	}
	for seq := 1; seq < 100000; seq += 1000 {
		s := k.parse("ACK ack=1 len=1000", testIRS, testISS)
		s.Seq = testIRS.Add(seq)
		k.c.Receive(k.now, &s)
		see()
		k.c.Discard(1000)
		see()
		if window == 0 {
			t.Fatalf("after %d octets, all read, the peer believes the window closed", seq+999)
		}
	}
}

// A window that is as wide as its field can show is not told again and again:
// the sender would take the repetitions for duplicate acknowledgments.
func TestReadingFromTheWidestWindowIsNotAnnounced(t *testing.T) {
	k := established(t, func(c *Config) { c.ReceiveBuffer = 1 << 18 })
	k.send(`ACK seq=1 ack=1 "hello"`)
	k.expect("ACK ack=6")
	k.read("hello")
	k.quiet()
}

// A peer may take a part of a segment. The rest can be lost twice all the same.
func TestALostRetransmissionMayHaveArrivedInPart(t *testing.T) {
	k, mark := resending(t)
	k.send(fmt.Sprintf("ACK seq=1 ack=501 sack=1001-%d", mark+3000))
	if seqs := k.sends(); !slices.Contains(seqs, 501) || slices.Contains(seqs, 1) {
		t.Errorf("sent %v, want what was not acknowledged of the first segment", seqs)
	}
}
