package tcb

import (
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Requirements: MUST-60, MUST-61, SHLD-27
func TestOnlyTheLastSegmentPushes(t *testing.T) {
	k := established(t, nil)
	k.write(strings.Repeat("x", 1000))
	k.write(strings.Repeat("x", 1500))
	for i, want := range []bool{false, false, true} {
		var s wire.Segment
		if !k.c.Next(k.now, &s) || s.Flags.Has(wire.PSH) != want {
			t.Errorf("segment %d: %v", i, s.Flags)
		}
	}
}

// Requirements: MAY-15, MAY-16
func TestOctetsWithMoreToFollowWaitForIt(t *testing.T) {
	k := established(t, nil)
	k.c.WriteMore([]byte("head"))
	k.quiet()
	k.c.WriteMore([]byte(strings.Repeat("x", 1000))) // a full segment does not wait
	k.expect("ACK seq=1 len=1000")
	k.quiet()
	k.write("tail")
	k.expect(`PSH-ACK seq=1001 "xxxxtail"`)
	k.c.WriteMore([]byte("bye"))
	k.quiet()
	k.c.CloseWrite()
	k.expect(`FIN-PSH-ACK seq=1009 "bye"`)
}

// Requirements: MUST-60, MUST-61
func TestOctetsWithMoreToFollowDoNotWaitForEver(t *testing.T) {
	k := established(t, nil)
	k.c.WriteMore([]byte("head"))
	k.quiet()
	k.after(time.Second)
	k.expect(`PSH-ACK seq=1 "head"`)
}

func TestWhatWasPushedDoesNotWaitForWhatWasNot(t *testing.T) {
	k := established(t, nil)
	k.send("ACK seq=1 ack=1 win=0")
	k.write("pushed")
	k.c.WriteMore([]byte(", more"))
	k.quiet()
	k.send("ACK seq=1 ack=1 win=65535")
	k.expect(`ACK seq=1 "pushed, more"`)
}
