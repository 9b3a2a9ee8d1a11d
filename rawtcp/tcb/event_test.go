package tcb

import (
	"testing"
	"time"
)

// Times are told to the microsecond, and none is nothing.
func TestEventsTellTimesAndCountsAsPeopleReadThem(t *testing.T) {
	for want, e := range map[string]Event{
		"round trip 4.348ms, so SRTT 4.348ms and RTO 200ms":                RTTMeasured{RTT: 4347761, SRTT: 4347761, RTO: 200 * time.Millisecond},
		"round trip 87µs, so SRTT 1.2s and RTO 3s":                         RTTMeasured{RTT: 87 * time.Microsecond, SRTT: 1200 * time.Millisecond, RTO: 3 * time.Second},
		"round trip less than 1µs, so SRTT less than 1µs and RTO 1s":       RTTMeasured{SRTT: 999, RTO: time.Second},
		"segment at SEQ 0 with 1 octet dropped: all of it arrived before":  SegmentDropped{Len: 1, Why: ArrivedBefore},
		"segment at SEQ 0 with 0 octets dropped: all of it arrived before": SegmentDropped{Why: ArrivedBefore},
		"1 octet at SEQ 3 kept: still waiting for 2":                       OutOfOrder{Seq: 3, Len: 1, Expected: 2},
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
