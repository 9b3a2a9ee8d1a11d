// The queue of flows that may have something to send.

package endpoint

// readyQueue holds the flows that may have a segment to send, in order. It
// reuses its memory, so that adding a flow allocates nothing.
type readyQueue struct {
	flows []*Flow
	head  int
}

func (q *readyQueue) len() int { return len(q.flows) - q.head }

func (q *readyQueue) push(f *Flow) {
	// When more than half of the slice is free at the front, the rest moves
	// there: each flow at most once on average.
	if q.head > len(q.flows)/2 && len(q.flows) == cap(q.flows) {
		n := copy(q.flows, q.flows[q.head:])
		clear(q.flows[n:])
		q.flows, q.head = q.flows[:n], 0
	}
	q.flows = append(q.flows, f)
}

// first returns the flow at the front; there must be one.
func (q *readyQueue) first() *Flow { return q.flows[q.head] }

// drop removes the first flow.
func (q *readyQueue) drop() {
	q.flows[q.head] = nil
	if q.head++; q.head == len(q.flows) {
		q.flows, q.head = q.flows[:0], 0
	}
}
