package doctor

import (
	"math"
	"strings"
	"testing"
)

// A limit is a fault where it ends what is run; the row names who sets it.
func TestAMemoryLimitIsAFaultWhereItEndsWhatIsRun(t *testing.T) {
	for _, c := range []struct {
		limit, space uint64
		ok           bool
		says         string
	}{
		{0, math.MaxUint64, true, "no limit"}, {1 << 30, math.MaxUint64, true, "1024 MB (/group)"}, {20 << 20, math.MaxUint64, false, "20 MB (/group)"},
		{0, 800 << 20, false, "ulimit -v"}, {1 << 30, 800 << 20, false, "800 MB"},
	} {
		f := judgeMemory(c.limit, "/group", c.space)
		if f.OK != c.ok || !strings.Contains(f.Detail, c.says) || c.ok == (f.Remedy != "") {
			t.Errorf("%d, %d: %+v", c.limit, c.space, f)
		}
	}
}
