// Sixteen bytes for each target in flight.

package probe

// A window holds what is known of the targets between the oldest that has no
// result yet and the newest whose SYN was sent: sixteen bytes each at most. Silence is
// what it shows once their time is up.
type window struct {
	slots      []slot // a ring; its length is a power of two
	base, head uint64 // numbers of the oldest, and after the newest
}

// A slot is one target's.
type slot struct {
	sent      uint32 // when its last SYN left, in units of tick, modulo 2^32
	conn      uint32 // its connection, in slotConnected; with slotAtOnce, before that, how long after the first its second SYN left
	anomalies anomaly
	state     slotState
	tries     uint8 // SYNs sent
	seen      bool  // an answer that does not count came and is kept: see syns.evidence
	flags     slotFlags
}

type slotFlags uint8

const (
	slotRepeat    slotFlags = 1 << iota // an earlier run may have probed it
	slotDeferred                        // its SYN leaves out of turn: see syns.deferred
	slotFiltered                        // this machine blocked its last SYN
	slotOwed                            // the answer to its last SYN has been answered: see syns.owed
	slotAtOnce                          // its second SYN followed a RST at once
	slotKernelRST                       // this machine's kernel has answered what came by a RST
)

type slotState uint8

const (
	slotWaiting   slotState = iota // for an answer to the SYN
	slotResolving                  // for its neighbour to be found
	slotConnected                  // it has a connection
	slotDone                       // its result is made
)

// inTurn reports whether a slot waits for an answer, and its SYN left before
// those of the slots behind it.
func (s *slot) inTurn() bool { return s.state == slotWaiting && s.flags&slotDeferred == 0 }

// repeat reports whether an earlier run, or this one, may have probed it already.
func (s *slot) repeat() bool { return s.flags&slotRepeat != 0 }

// tick is the unit of slot.sent: 2^32 of them are more than an hour.
const tick = 1000 // nanoseconds

const firstSlots = 1024

func newWindow(base uint64) window {
	return window{slots: make([]slot, firstSlots), base: base, head: base}
}

func (w *window) len() int { return int(w.head - w.base) }

func (w *window) at(n uint64) *slot { return &w.slots[n&uint64(len(w.slots)-1)] }

// holds reports whether a number lies within the window.
func (w *window) holds(n uint64) bool { return w.base <= n && n < w.head }

// push opens the slot of the next number.
func (w *window) push() *slot {
	if w.len() == len(w.slots) {
		bigger := make([]slot, 2*len(w.slots))
		for n := w.base; n < w.head; n++ {
			bigger[n&uint64(len(bigger)-1)] = *w.at(n)
		}
		w.slots = bigger
	}
	w.head++
	s := w.at(w.head - 1)
	*s = slot{}
	return s
}

// trim moves the base over what is done.
func (w *window) trim() {
	for w.base < w.head && w.at(w.base).state == slotDone {
		w.base++
	}
}
