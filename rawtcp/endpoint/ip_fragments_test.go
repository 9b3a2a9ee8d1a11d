package endpoint

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestFragmentsArePutTogetherInAnyOrder(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		rng := rand.New(rand.NewPCG(1, 1))
		for id := range uint32(200) {
			text := strings.Repeat(string(rune('a'+id%26)), 1+rng.IntN(3000))
			payload := h.segment([]byte(text))
			var cuts []int
			for at := 0; at < len(payload); at += 8 * (4 + rng.IntN(60)) {
				cuts = append(cuts, at)
			}
			order := rng.Perm(len(cuts))
			if rng.IntN(3) == 0 {
				order = append([]int{order[0]}, order...) // the first comes twice
			}
			cuts = append(cuts, len(payload))
			for n, i := range order {
				if n < len(order)-1 && len(cuts) > 2 {
					h.fragment(id, payload, cuts[i], cuts[i+1])
					h.got()
					continue
				}
				h.fragment(id, payload, cuts[i], cuts[i+1])
			}
			if len(cuts) == 2 && len(order) == 2 {
				h.got(text, text) // whole each time
				continue
			}
			h.got(text)
		}
		if packets, held := h.fragments.Held(); packets != 0 || held != 0 {
			t.Errorf("%d bytes are left in %d packets", held, packets)
		}
	})
}

func TestOverlappingFragmentsCostThePacket(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		payload := h.segment(bytes.Repeat([]byte("x"), 100)) // 120 bytes
		for _, other := range [][2]int{{40, 88}, {0, 48}, {32, 48}, {0, 112}, {72, 80}} {
			h.dropped = nil
			h.fragment(1, payload, 0, 40)
			h.fragment(1, payload, 64, 120)
			h.fragment(1, payload, other[0], other[1])
			if len(h.dropped) != 1 || !strings.Contains(h.dropped[0], "overlaps") {
				t.Fatalf("%v: dropped %q", other, h.dropped)
			}
			h.fragment(1, payload, 40, 64) // what was missing
			h.got()
			h.now = h.now.Add(reassembly.Lifetime)
			h.fragment(1, payload, 0, 40)
			h.fragment(1, payload, 40, 120)
			h.got(strings.Repeat("x", 100))
		}
	})
}

func TestFragmentsThatCannotBeAreDropped(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		payload := h.segment(bytes.Repeat([]byte("x"), 100))
		for id, tc := range []struct {
			want  string
			pairs [][3]int // from, to, whether it says that more follow
		}{
			{"multiple of 8", [][3]int{{0, 41, 1}}},
			{"without data", [][3]int{{8, 8, 1}}},
			{"contradict", [][3]int{{40, 80, 0}, {80, 120, 1}}},
			{"contradict", [][3]int{{40, 80, 0}, {80, 120, 0}}},
			{"contradict", [][3]int{{80, 120, 1}, {40, 80, 0}}},
		} {
			h.dropped = nil
			for _, p := range tc.pairs {
				f := wire.Fragment{ID: uint32(id), Offset: p[0], More: p[2] == 1}
				h.receive(h.packet(wire.ProtocolTCP, f, payload[p[0]:p[1]]))
			}
			if len(h.dropped) != 1 || !strings.Contains(h.dropped[0], tc.want) {
				t.Errorf("dropped %q, want %q", h.dropped, tc.want)
			}
		}
		h.dropped = nil
		h.receive(h.packet(wire.ProtocolTCP, wire.Fragment{ID: 99, Offset: 65528}, payload[:16]))
		if len(h.dropped) != 1 || !strings.Contains(h.dropped[0], "largest packet") {
			t.Errorf("the ping of death: dropped %q", h.dropped)
		}
		h.got()
	})
}

func TestFragmentsWaitForAMinute(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		payload := h.segment([]byte("0123456789"))
		h.fragment(5, payload, 0, 16)
		h.now = h.now.Add(reassembly.Lifetime - 1)
		h.fragment(5, payload, 16, 30)
		h.got("0123456789")
		h.fragment(5, payload, 0, 16)
		h.now = h.now.Add(reassembly.Lifetime)
		h.fragment(5, payload, 16, 30)
		h.got()
	})
}

func TestFragmentsOfDifferentPacketsStayApart(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		one, two := h.segment([]byte("number one")), h.segment([]byte("number two"))
		h.fragment(1, one, 0, 16)
		h.fragment(2, two, 16, 30)
		h.fragment(2, two, 0, 16)
		h.fragment(1, one, 16, 30)
		h.got("number two", "number one")
	})
}

// A flood of fragments costs a bounded amount of memory, and does not keep a
// packet from being put together whose fragments come at once.
func TestAFloodOfFragmentsIsBounded(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		payload := h.segment(bytes.Repeat([]byte("x"), 60000))
		rng := rand.New(rand.NewPCG(3, 3))
		for i := range uint32(3000) {
			from := 8 * (1 + rng.IntN(7000))
			h.fragment(1000+i%300, payload, from, min(from+8*(1+rng.IntN(180)), len(payload)))
			if packets, held := h.fragments.Held(); packets > reassembly.MaxPackets || held > reassembly.MaxBytes {
				t.Fatalf("%d bytes in %d packets", held, packets)
			}
		}
		for at := 0; at < len(payload); at += 1440 {
			h.fragment(1, payload, at, min(at+1440, len(payload)))
		}
		h.got(strings.Repeat("x", 60000))
		h.dropped = nil
		for at := 0; at < len(payload); at += 16 { // with holes, in pieces too small
			h.fragment(2, payload, at, at+8)
		}
		if len(h.dropped) == 0 || !strings.Contains(h.dropped[0], "too many") {
			t.Errorf("dropped %q", h.dropped)
		}
	})
}

// The first fragment of RFC 8200, section 4.5, need not hold all headers: they
// are read from the whole.
func TestExtensionHeadersMayStandInWhatWasCut(t *testing.T) {
	h := newHost(t, here6, there6)
	body := append([]byte{wire.ProtocolTCP, 0, 1, 4, 0, 0, 0, 0}, h.segment([]byte("behind options"))...)
	give := func(id uint32, body []byte) {
		h.receive(h.packet(wire.NextDestination, wire.Fragment{ID: id, Offset: 16}, body[16:]))
		h.receive(h.packet(wire.NextDestination, wire.Fragment{ID: id, More: true}, body[:16]))
	}
	give(1, body)
	h.got("behind options")
	body[2] = 0x9e // an option that must be understood
	give(2, body)
	body[0], body[2] = wire.NextFragment, 1 // a fragment header where TCP begins
	copy(body[8:], []byte{wire.ProtocolTCP, 0, 0, 1, 0, 0, 0, 1})
	give(3, body)
	h.got()
	if len(h.dropped) != 2 || !strings.Contains(h.dropped[0], "must not be skipped") || !strings.Contains(h.dropped[1], "fragment of a fragment") {
		t.Errorf("dropped %q", h.dropped)
	}
}

func FuzzPackets(f *testing.F) {
	seed := &host{local: here6, remote: there6}
	payload := seed.segment([]byte("0123456789"))
	var tape []byte
	for _, p := range [][]byte{
		seed.packet(wire.ProtocolTCP, wire.Fragment{ID: 1, More: true}, payload[:16]),
		seed.packet(wire.ProtocolTCP, wire.Fragment{ID: 1, Offset: 16}, payload[16:]),
	} {
		tape = append(append(tape, 0, byte(len(p))), p...)
	}
	f.Add(tape)
	seed.local, seed.remote = here4, there4
	p := seed.packet(wire.ProtocolTCP, wire.Fragment{}, seed.segment([]byte("four")))
	f.Add(append([]byte{1, byte(len(p))}, p...))
	f.Fuzz(func(t *testing.T, tape []byte) {
		e := New(Config{})
		e.Attach(here6, there6, &ear{limit: 1440})
		e.Attach(here4, there4, &ear{limit: 1440})
		var now tcb.Instant
		for len(tape) > 2 {
			n := min(int(tape[1]), len(tape)-2)
			e.Receive(now, tape[2:2+n], tape[0]&1 == 1)
			now = now.Add(reassembly.Lifetime / 100)
			tape = tape[2+n:]
			for e.Next(now, nil) != nil {
			}
			if _, held := e.fragments.Held(); held > reassembly.MaxBytes || held < 0 {
				t.Fatalf("%d bytes of fragments", held)
			}
		}
	})
}
