package observe

import (
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
)

// A capture may be made of gaps. What they may have taken is tried at the next
// record, and so is bounded.
func TestManyGapsAreNotManyTries(t *testing.T) {
	c := NewConnection(Flow{}, time.Time{}, transcript.KeepNothing, nil, nil)
	h := &c.halves[transcript.In]
	f := &transcript.Frame{Dir: transcript.In}
	for i := range int64(1000) {
		c.append(h, chunk{start: 2 * i, data: []byte{23}, frame: f}, f)
		c.gap(transcript.In, h, chunk{start: 2*i + 1, missing: 1 << 20}, f)
	}
	if h.uncertain > maxUncertain {
		t.Errorf("%d tries, expected at most %d", h.uncertain, maxUncertain)
	}
	if h.uncertain < maxLostRecords {
		t.Errorf("%d tries, expected those of one gap at least", h.uncertain)
	}
}
