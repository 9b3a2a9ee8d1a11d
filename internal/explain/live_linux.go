// Shows the next matching connection on an interface.

package explain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/capture"
)

const (
	// tick is how often to check, while nothing arrives, whether the capture is
	// over.
	tick = 100 * time.Millisecond
	// afterwards is how long packets are still taken after both sides have
	// ended a connection, so that the last acknowledgment is seen.
	afterwards = 300 * time.Millisecond
)

// Interface listens on an interface, or "any", and shows the next connection
// that begins and matches, until it has ended or ctx is done. It sends nothing.
// The error wraps ErrNoInterface or ErrNotAllowed, or says why reading failed.
func Interface(ctx context.Context, name string, o Options) (*Report, error) {
	s := &secrets{log: keyLog{path: o.KeyLog}}
	if err := s.log.check(); err != nil {
		return nil, err
	}
	tap, err := listen(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(tap.fd)
	if o.Listening != nil {
		o.Listening()
	}
	r := &Report{}
	w := newWatch(&o, s, r)
	w.follow, w.fresh, w.single = true, true, true
	var p capture.Packet
	var closed time.Time
	for ctx.Err() == nil {
		err := tap.next(&p)
		if w.chosen != nil && w.chosen.Closed() {
			if closed.IsZero() {
				closed = time.Now()
			} else if time.Since(closed) > afterwards {
				break
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			r.Broken = fmt.Errorf("listening on %s: %w", name, err)
			w.end("")
			return r, nil
		default:
			w.packet(&p)
		}
	}
	w.end("Nobody listened any longer")
	w.tellUnread()
	r.Dropped = tap.dropped()
	return r, nil
}
