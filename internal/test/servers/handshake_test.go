package servers

import (
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// TestConnectStartsTLSWithEachServer finishes a handshake of ours over our own packets,
// and believes the certificate.
func TestConnectStartsTLSWithEachServer(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		r, status := connect(t, l, s, p)
		if status != 0 || !r.OK || !r.PeerVerified || r.Outcome != "finished" {
			t.Errorf("exit status %d, %+v", status, r)
		}
	})
}

// TestProbeStartsTLSWithEachServer is the same by the event loop.
func TestProbeStartsTLSWithEachServer(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		if r := probe(t, l, s, p); !r.PeerVerified || r.Outcome != "finished" {
			t.Errorf("%+v", r)
		}
	})
}
