// The result of each target, on its way to the sink.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// results makes the result of each target, and hands them to the sink.
type results struct {
	*clock
	stats  *Stats
	sink   *store.Sink
	reach  *store.Reach
	loop   int // which this one is
	enc    record.Encoder
	only   map[string]bool // outcomes whose results are written; nil: all
	quota  *quota          // of results; nil: none
	result record.Result   // of the target whose result is made

	buf     []byte      // results to be handed over
	held    []uint64    // of which targets they are, or which have none:
	since   tcb.Instant // when the first of them came
	passed  int         // how many were left out
	reasons map[goal.Facts][]record.Reason
}

// blank begins the result of a target, with nothing known yet.
func (res *results) blank(t *Target) *record.Result {
	icmp := res.result.ICMP
	res.result = record.Result{Addr: t.Addr, Port: t.Port, Name: t.Name, Tag: t.Tag, RTT: -1, ICMP: icmp}
	return &res.result
}

// heard sets the ICMP message of the next result; nil: none.
func (res *results) heard(m *wire.ICMP) {
	if res.result.ICMP = nil; m != nil {
		res.result.ICMP = told(m)
	}
}

// told is what a result says of an ICMP message.
func told(m *wire.ICMP) *record.ICMP {
	return &record.ICMP{From: m.From, Type: m.Type, Code: m.Code, Text: m.String()}
}

// usualResult is what most results take, in bytes.
const usualResult = 2048

// write hands a target's result on.
func (res *results) write(n uint64, r *record.Result) {
	wanted := res.only == nil || res.only[r.Outcome]
	if wanted && !res.quota.take() {
		res.result.ICMP = nil
		return // the target may be probed again, when the scan goes on
	}
	res.hold(n)
	if wanted {
		res.buf = res.enc.Append(res.buf, r)
	} else {
		res.passed++
	}
	if len(res.buf) > store.BufferLen-2*usualResult { // or it would have to grow
		res.handOver(false)
	}
	res.stats.latest(r, res.now.Sub(0))
	res.stats.Results++
	res.stats.Outcomes[outcomeIndex(r.Outcome)]++
	res.result.ICMP = nil
}

// pass notes a target that has no result, since it is left out.
func (res *results) pass(n uint64) {
	res.hold(n)
	res.passed++
}

func (res *results) hold(n uint64) {
	if len(res.held) == 0 {
		res.since = res.now
	}
	res.held = append(res.held, n)
}

// maxBacklog is how many bytes of results may wait for the sink before no more
// targets are begun.
const maxBacklog = 4 << 20

// full reports whether too many wait.
func (res *results) full() bool { return len(res.buf) > maxBacklog }

// gatherTime is how long a result waits for others, so that the sink is woken once for
// many.
const gatherTime = 10 * time.Millisecond

// handOn gives the results to the sink if they have waited long enough.
func (res *results) handOn() {
	if res.now.Sub(res.since) >= gatherTime {
		res.handOver(false)
	}
}

// handOver gives the results to the sink if it takes them now, and at the end in any
// case.
func (res *results) handOver(wait bool) {
	if len(res.held) == 0 {
		return
	}
	if res.sink.Put(store.Batch{Results: res.buf, Numbers: res.held, Passed: res.passed, Loop: res.loop}, wait) {
		res.buf, res.held = res.sink.Buffer()
		res.passed = 0
	}
}
