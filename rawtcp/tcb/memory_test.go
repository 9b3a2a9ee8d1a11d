package tcb

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
)

// A connection whose octets are unloaded after each call, and made again when they are
// missed, says what one says that keeps them: whatever is lost or acknowledged, and
// in whatever order.
func TestAnUnloadedConnectionSaysTheSame(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		pool := new(slab.Pool)
		written := make([]byte, 1+rng.IntN(4000))
		for i := range written {
			written[i] = byte(rng.Uint32())
		}
		kept := established(t, nil)
		lean := established(t, func(c *Config) { c.Pool = pool })
		kept.write(string(written))
		lean.write(string(written))
		unloaded := 0
		for range 40 {
			unloaded += sameSegments(t, seed, kept, lean, written)
			line := peerLine(rng, len(written))
			for _, k := range []*talk{kept, lean} {
				switch {
				case line != "":
					k.send(line)
				default:
					if at, ok := k.c.Deadline(); ok {
						k.now = max(k.now, at)
						k.c.Advance(k.now)
					}
				}
				k.now = k.now.Add(time.Millisecond)
			}
			if rng.IntN(30) == 0 {
				kept.c.CloseWrite()
				lean.c.CloseWrite()
			}
		}
		if kept.c.State() != lean.c.State() || kept.c.Unacked() != lean.c.Unacked() {
			t.Fatalf("seed %d: %v with %d unacknowledged, want %v with %d", seed, lean.c.State(), lean.c.Unacked(), kept.c.State(), kept.c.Unacked())
		}
		if unloaded == 0 {
			t.Errorf("seed %d: nothing was ever unloaded", seed)
		}
	}
}

// peerLine is what the peer says next; empty: nothing, and time goes by.
func peerLine(rng *rand.Rand, n int) string {
	ack := 1 + rng.IntN(n+1)
	switch rng.IntN(5) {
	case 0:
		return ""
	case 1:
		return "ACK seq=1 ack=1"
	case 2:
		return "ACK seq=1 ack=1 win=" + strconv.Itoa(rng.IntN(3)*500)
	}
	return "ACK seq=1 ack=" + strconv.Itoa(ack)
}

// sameSegments compares what both have to send, and unloads the second. It returns how
// often that was possible.
func sameSegments(t *testing.T, seed uint64, kept, lean *talk, written []byte) (unloaded int) {
	t.Helper()
	for {
		var want, got wire.Segment
		if lean.c.Missing() {
			lean.c.Reload(written)
		}
		more := kept.c.Next(kept.now, &want)
		if lean.c.Next(lean.now, &got) != more {
			t.Fatalf("seed %d: another number of segments", seed)
		}
		if !more {
			break
		}
		if a, b := show(&want, testISS, testIRS), show(&got, testISS, testIRS); a != b || string(want.Payload) != string(got.Payload) {
			t.Fatalf("seed %d: %s, want %s", seed, b, a)
		}
	}
	if !lean.c.Unload() {
		return 0
	}
	if n, _ := lean.c.Held(); n != 0 || !lean.c.Unloaded() || lean.c.Write([]byte("x")) != 0 {
		t.Fatalf("seed %d: %d octets are held", seed, n)
	}
	return 1
}

// What was never sent is not unloaded, nor what is acknowledged.
func TestOnlyWhatWasSentIsUnloaded(t *testing.T) {
	k := established(t, nil)
	if k.c.Unload() {
		t.Error("nothing was unloaded")
	}
	k.write("hello")
	if k.c.Unload() {
		t.Error("what was not sent was unloaded")
	}
	k.expect(`PSH-ACK seq=1 ack=1 "hello"`)
	if !k.c.Unload() || k.c.Unload() {
		t.Error("what was sent was not unloaded once")
	}
	k.send("ACK seq=1 ack=6")
	if k.c.Unloaded() || k.c.Missing() {
		t.Error("what was acknowledged is missed")
	}
	k.write("more")
	k.expect(`PSH-ACK seq=6 ack=1 "more"`)
}
