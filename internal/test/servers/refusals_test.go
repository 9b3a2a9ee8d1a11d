package servers

import (
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

func TestServersWithoutTLSAreNamed(t *testing.T) {
	each(t, Options{WithoutTLS: true}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		r, status := connect(t, l, s, p, "--timeout", "10s")
		t.Logf("exit status %d, %+v", status, r)
	})
}

func TestServersWithoutKey(t *testing.T) {
	each(t, Options{NoKey: true}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		r, status := connect(t, l, s, p, "--timeout", "10s")
		t.Logf("%s exit status %d, %+v", p.Protocol, status, r)
	})
}
