// Probes over AF_XDP.

package interop

import (
	"testing"
)

func TestProbeOverXDPFindsWhatThePacketLinkFinds(t *testing.T) {
	l := newWide(t)
	p := runProbe(t, l, "", "--link", "xdp", "-p", "443", "198.18.0.0/25")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["certificate"] != 128 || len(n) != 1 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
	p = runProbe(t, l, "", "-q", "--link", "xdp", "--until", "tcp", "-p", "443,444", "198.18.7.0/28")
	if n := outcomes(t, p.records(t)); p.status != 0 || n["open"] != 16 || n["closed"] != 16 || len(p.err) != 0 {
		t.Errorf("status %d, %v\n%s", p.status, n, p.err)
	}
}
