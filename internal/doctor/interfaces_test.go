package doctor

import (
	"strings"
	"testing"
)

func TestLROIsAFaultAndGROIsNot(t *testing.T) {
	if f := judgeOffloads([]offloads{{"eth0", true, false}, {"eth1", false, false}}); !f.OK || !strings.Contains(f.Detail, "eth0") {
		t.Errorf("%+v", f)
	}
	f := judgeOffloads([]offloads{{"eth0", true, true}, {"eth1", false, false}, {"odd;name", false, true}})
	if f.OK || !strings.Contains(f.Detail, "LRO is on for eth0, odd;name") ||
		!strings.Contains(f.Remedy, "ethtool -K eth0 lro off && ") || !strings.Contains(f.Remedy, "ethtool -K 'odd;name' lro off") {
		t.Errorf("%+v", f)
	}
}
