// Flows in the order of their deadlines.

package endpoint

import (
	"container/heap"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// timerHeap orders flows by deadline, the earliest first.
type timerHeap []*Flow

// set gives f the deadline at, or none if ok is false.
func (h *timerHeap) set(f *Flow, at tcb.Instant, ok bool) {
	switch {
	case ok && f.timer < 0:
		f.at = at
		heap.Push(h, f)
	case ok && f.at != at:
		f.at = at
		heap.Fix(h, f.timer)
	case !ok && f.timer >= 0:
		heap.Remove(h, f.timer)
	}
}

// due removes the flows whose deadline is not after now, and appends them to
// flows.
func (h *timerHeap) due(flows []*Flow, now tcb.Instant) []*Flow {
	for len(*h) > 0 && !now.Before((*h)[0].at) {
		flows = append(flows, heap.Pop(h).(*Flow))
	}
	return flows
}

// The methods of heap.Interface.

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer, h[j].timer = i, j
}
func (h *timerHeap) Push(x any) {
	f := x.(*Flow)
	f.timer = len(*h)
	*h = append(*h, f)
}
func (h *timerHeap) Pop() any {
	old := *h
	f := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	f.timer = -1
	return f
}
