// Answers by ARP and neighbour discovery for a source address that the kernel
// does not have.

package probe

import "sync/atomic"

// replies are the answers by ARP or neighbour discovery that a link may give for a
// source address that the kernel does not have. The link gives them by itself, so
// each is paid for beforehand, out of the answers' share of the pace.
type replies struct {
	ready atomic.Bool // one may leave
	begun bool
}

// take is the link's, in a goroutine of its own.
func (r *replies) take() bool { return r.ready.Swap(false) }

// payReply pays for another answer when the last has left.
func (e *egress) payReply() {
	if e.replies.ready.Load() || !e.pace.May() || !e.answers.May() {
		return
	}
	e.pace.Spend()
	e.answers.Spend()
	if e.replies.begun {
		e.stats.Packets++ // the last
	}
	e.replies.begun = true
	e.replies.ready.Store(true)
}
