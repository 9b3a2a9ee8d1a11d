// Receives an HTTP/1.1 reply within bounds, and judges whether it is whole.

package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/conn/http1"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Bounds on a whole reply, if the Options set none.
const (
	DefaultMaxTime = 10 * time.Minute
	DefaultMaxSize = 1 << 30 // bytes
)

// speaksHTTP refuses to speak HTTP/1.1 if the server chose another protocol.
func (r *run) speaksHTTP() error {
	if !r.HTTP {
		return nil
	}
	chosen := r.machine.TLS().State().ALPN
	if chosen == "" || strings.HasPrefix(chosen, "http/") {
		return nil
	}
	return &goal.ProtocolChoiceError{Chosen: chosen}
}

// A download is a reply on its way to the output, within its bounds.
type download struct {
	reply  http1.Reply
	to     io.Writer
	left   int64         // that may still come
	all    bool          // whether to pass on what follows the reply, too
	method func() string // the request's method, as far as it is known; nil: GET
}

// whole reports whether the reply to a single request is whole.
func (d *download) whole() bool {
	return d.reply.Complete() && d.reply.Extra() == 0 && (d.method == nil || d.method() != "")
}

// cut says what is missing from the reply to a single request, or nothing.
func (d *download) cut() string {
	if d.method != nil && d.method() == "" {
		return ""
	}
	return d.reply.Missing()
}

var errTooLarge = errors.New("too large")

// Write passes on the bytes that belong to the reply.
func (d *download) Write(p []byte) (int, error) {
	if d.method != nil {
		d.reply.Method = d.method()
	}
	extra := d.reply.Extra()
	d.reply.Write(p)
	mine := p
	if !d.all {
		mine = p[:len(p)-int(d.reply.Extra()-extra)]
	}
	fits := mine[:min(int64(len(mine)), d.left)]
	d.left -= int64(len(fits))
	if n, err := d.to.Write(fits); err != nil {
		return n, err
	}
	if len(fits) < len(mine) {
		return len(fits), errTooLarge
	}
	return len(p), nil
}

// receiveHTTP copies a reply to the output and judges whether it is whole. A
// reply that states its length is whole once all of it came, whether or not the
// peer then closes as it should (RFC 9112, section 9.8), and not before.
func (r *run) receiveHTTP(ctx context.Context) error {
	maxTime, maxSize := r.MaxTime, r.MaxSize
	if maxTime <= 0 {
		maxTime = DefaultMaxTime
	}
	if maxSize <= 0 {
		maxSize = DefaultMaxSize
	}
	d := &download{to: output{r.Output}, left: maxSize}
	end := time.Now().Add(maxTime)
	n, err := r.receive(ctx, d, func() time.Time {
		patience := r.Timeout
		if d.reply.Complete() && r.Gate == nil { // only the end of the connection is left
			patience = min(patience, closeTimeout)
		}
		if next := time.Now().Add(patience); next.Before(end) || r.Gate != nil {
			return next
		}
		return end
	})
	if d.reply.Contradicts() {
		r.note("tls", "http_contradiction", "the reply has both a Content-Length and a Transfer-Encoding, which counts: somebody may want to smuggle another reply (RFC 9112, section 6.3)")
	}
	if extra := d.reply.Extra(); extra > 0 {
		r.note("tls", "http_extra", fmt.Sprintf("%d bytes after the end of the reply are left out", extra))
	}
	var failed *OutputError
	switch {
	case errors.As(err, &failed):
		return err
	case errors.Is(err, errTooLarge):
		return &goal.ReplyLimitError{Size: maxSize, Got: maxSize}
	case d.reply.Complete():
		r.noteEnd(err)
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(end) && r.Gate == nil:
		return &goal.ReplyLimitError{Time: maxTime, Got: n}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &goal.TimeoutError{After: r.Timeout, Waiting: fmt.Sprintf("the rest of the reply, of which %d bytes came", n), Connected: true}
	case err == nil && n == 0:
		return goal.ErrNoReply
	case d.reply.Missing() != "" && (err == nil || errors.Is(err, handshake.ErrTruncated)):
		return &goal.ReplyCutError{Missing: d.reply.Missing(), Err: err}
	}
	return err
}

// noteEnd notes how the peer closed after a whole reply, if not in good order.
func (r *run) noteEnd(err error) {
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.note("tls", "kept_open", "the reply is whole by its own length, and the peer keeps the connection open: we end it")
	default:
		r.note("tls", "no_close_notify", "the reply is whole by its own length (RFC 9112, section 9.8), and then: "+err.Error())
	}
}

// asked follows the request, so that its reply can be judged.
type asked struct {
	mu      sync.Mutex
	request http1.Request
}

func (a *asked) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.request.Write(p)
}

// Method is the method of the only request that was sent, or empty.
func (a *asked) Method() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.request.Method()
}
