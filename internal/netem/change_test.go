package netem

import (
	"maps"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Whatever an impairment says can be said again, and gives the same.
func TestWordsSetWhatTheyTell(t *testing.T) {
	w := Impairment{Latency: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05, Duplicate: 0.01, Reorder: 0.02, Rate: 1e7, BlackHole: 900}
	told := w.Words()
	if len(told) != len(words)-2 {
		t.Fatalf("of %d words %d are told: %v", len(words)-2, len(told), told)
	}
	var again Impairment
	for name, value := range told {
		if err := again.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	if !maps.Equal(again.Words(), told) {
		t.Errorf("%v was set, and is %v", told, again.Words())
	}
	for name := range told {
		if again.Set(name, "0") != nil && again.Set(name, "0s") != nil {
			t.Errorf("%s cannot be taken away", name)
		}
	}
	if !again.Clear() || Tell(again.Words()) != "clear" {
		t.Errorf("everything is 0, and it is %q", Tell(again.Words()))
	}
	for _, name := range []string{"", "drop", "delay", "frob"} {
		if again.Set(name, "1") == nil {
			t.Errorf("%q can be set", name)
		}
	}
	for name := range told {
		if again.Set(name, "x") == nil {
			t.Errorf("%s takes x", name)
		}
	}
}

// Jitter is a packet's own, the same each time, within its bounds, and lets no
// packet overtake another.
func TestJitterMovesPacketsWithinItsBoundsAndKeepsTheirOrder(t *testing.T) {
	w := Impairment{Latency: 20 * time.Millisecond, Jitter: 15 * time.Millisecond}
	arrivals := func(seed uint64) (list []time.Duration) {
		effects, line, c := NewEffects(w, seed, 0), NewLine(w), newTalk()
		begin := time.Unix(0, 0)
		sent := map[byte]time.Time{}
		now := begin
		for i := range byte(100) {
			now = now.Add(time.Millisecond)
			effect, _ := effects.Decide(c.packet(false, wire.ACK, 1, 0))
			if effect.Jitter < -w.Jitter || effect.Jitter > w.Jitter {
				t.Errorf("packet %d: jitter %v", i, effect.Jitter)
			}
			sent[i] = now
			line.Put(now, []byte{i}, effect)
		}
		next := byte(0)
		for at := begin; next < 100; at = at.Add(100 * time.Microsecond) {
			frame, wait := line.Take(at)
			if frame == nil {
				if wait == 0 {
					t.Fatal("a packet is gone")
				}
				continue
			}
			if frame[0] != next {
				t.Fatalf("packet %d came where %d was due", frame[0], next)
			}
			list = append(list, at.Sub(sent[next]))
			next++
		}
		return list
	}
	first, again, other := arrivals(1), arrivals(1), arrivals(2)
	different := false
	for i, d := range first {
		if d < w.Latency-w.Jitter || d > w.Latency+w.Jitter+time.Millisecond {
			t.Errorf("packet %d took %v", i, d)
		}
		if d != again[i] {
			t.Errorf("packet %d took %v, and then %v", i, d, again[i])
		}
		different = different || d != other[i]
	}
	if !different {
		t.Error("another seed gives the same jitter")
	}
}

// A change counts for the packets to come, and none overtakes those before it.
func TestAChangeIsOfThePacketsToCome(t *testing.T) {
	slow, now := Impairment{Latency: time.Second}, time.Unix(0, 0)
	line := NewLine(slow)
	line.Put(now, []byte{1}, Effect{})
	line.Change(Impairment{})
	line.Put(now, []byte{2}, Effect{})
	if frame, wait := line.Take(now); frame != nil || wait != time.Second {
		t.Errorf("what was under way: %v, %v", frame, wait)
	}
	now = now.Add(time.Second)
	for want := byte(1); want <= 2; want++ {
		if frame, _ := line.Take(now); len(frame) != 1 || frame[0] != want {
			t.Errorf("%v came, expected %d", frame, want)
		}
	}
	effects, c := NewEffects(Impairment{}, 1, 0), newTalk()
	_, before := effects.Decide(c.packet(false, wire.ACK, 1, 0))
	effects.Change(Impairment{Loss: 1})
	effect, after := effects.Decide(c.packet(false, wire.ACK, 1, 0))
	if !effect.Lost || before.Flow != after.Flow || before.Packet == after.Packet {
		t.Errorf("%v, and after the change %v, lost %v", before, after, effect.Lost)
	}
}
