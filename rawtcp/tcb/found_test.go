package tcb

import (
	"errors"
	"testing"
)

// What the simulated network (internal/simnet) found first.

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
