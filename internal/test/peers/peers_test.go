package peers

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

func TestPeersThatSpeakNoTLS(t *testing.T) {
	l := live.New(t)
	start := func(kind service.Kind) netip.AddrPort { return Start(t, l, kind) }
	// say sends a line and returns what comes back until the end.
	say := func(p netip.AddrPort, patience time.Duration) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, err := l.Near().Dial(ctx, "tcp", p.String())
		if err != nil {
			return "", err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, "hello\n")
		got, err := io.ReadAll(c)
		return string(got), err
	}
	const long, short = 10 * time.Second, 300 * time.Millisecond

	if _, err := say(start(service.Closed), long); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed port: %v, want ECONNREFUSED", err)
	}
	var dial *net.OpError
	if _, err := say(start(service.Silent), short); !errors.As(err, &dial) || dial.Op != "dial" || !dial.Timeout() {
		t.Errorf("silent port: %v, want a dial that times out", err)
	}
	if got, err := say(start(service.Mute), short); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("mute peer: %q, %v; want nothing until the deadline", got, err)
	}
	if got, err := say(start(service.HTTP), long); got != service.PlainReply || err != nil {
		t.Errorf("plain HTTP: %q, %v", got, err)
	}
	if got, err := say(start(service.Hangup), long); got != "" || err != nil {
		t.Errorf("hangup: %q, %v; want a clean end", got, err)
	}
}
