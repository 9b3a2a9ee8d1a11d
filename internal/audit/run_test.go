// The blocking driver: an audit that is ended early, and what it says of a server
// that it cannot ask.

package audit_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// An audit that is interrupted while several connections are open ends, and says so.
func TestAnInterruptedAuditEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := scripted.Sound(scripted.ChainOf(papers(t).ECDSA))
	d := auditing(t, s.Serve)
	n := 0
	d.Told = func(*audit.Question, *audit.Answer) {
		if n++; n == 3 {
			cancel()
		}
	}
	ended := make(chan *audit.Report)
	go func() { ended <- audit.Run(ctx, d) }()
	select {
	case r := <-ended:
		if len(r.NotAsked) == 0 || r.NotAsked[len(r.NotAsked)-1].Why != "the audit was interrupted" {
			t.Errorf("not asked %v", r.NotAsked)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// What a server does in the place of TLS is said as connect says it.
func TestAServerThatDoesNotSpeakTLSIsNamed(t *testing.T) {
	for name, x := range map[string]struct {
		serve func(net.Conn)
		want  func(error) bool
	}{
		"a banner": {func(conn net.Conn) { _, _ = conn.Write([]byte("220 mail.test ESMTP\r\n")); scripted.Silence(conn) },
			func(err error) bool {
				var not *handshake.NotTLSError
				return errors.As(err, &not) && not.Plain && string(not.First) == "220 mail.test ESMTP\r\n"
			}},
		"it closes":         {heard(scripted.Close), func(err error) bool { return errors.Is(err, handshake.ErrClosed) }},
		"it says nothing":   {scripted.Silence, func(err error) bool { return errors.Is(err, tcb.ErrTimeout) }},
		"it sends an alert": {saying([]byte{21, 3, 3, 0, 2, 2, 40}), func(err error) bool { return errors.Is(err, handshake.ErrAlertReceived) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := auditing(t, x.serve)
			d.Timeout = 2 * time.Second
			if r := audit.Run(t.Context(), d); r.TLS || !x.want(r.Cause) {
				t.Errorf("TLS %v, %v", r.TLS, r.Cause)
			}
		})
	}
}
