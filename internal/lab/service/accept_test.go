package service_test

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/service"
)

// A poor listener has no descriptors at first.
type poorListener struct {
	net.Listener
	poor atomic.Int32
}

func (l *poorListener) Accept() (net.Conn, error) {
	if l.poor.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAServerThatIsOutOfDescriptorsServesOn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	poor := &poorListener{Listener: ln}
	poor.poor.Store(3)
	s, err := service.NewTLSServer(poor, service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", s.Addr().String(), clientConfig(s.PKI, true))
	if err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
