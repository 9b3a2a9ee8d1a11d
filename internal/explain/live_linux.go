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
	// tick is how often a quiet interface is left to see whether it is over.
	tick = 100 * time.Millisecond
	// afterwards is how long packets are still taken once both sides have ended
	// a connection: the last acknowledgment is to be seen.
	afterwards = 300 * time.Millisecond
)

// Interface listens on an interface, or "any", and shows the next connection
// that begins and is meant, until it has ended or ctx is done. It sends nothing.
func Interface(ctx context.Context, name string, o Options) (*Report, error) {
	s := &secrets{log: keyLog{path: o.KeyLog}}
	if err := s.log.check(); err != nil {
		return nil, err
	}
	ear, err := listen(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ear.fd)
	if o.Listening != nil {
		o.Listening()
	}
	r := &Report{}
	w := newWatch(&o, s, r)
	w.follow, w.fresh, w.single = true, true, true
	var p capture.Packet
	var closed time.Time
	for ctx.Err() == nil {
		err := ear.next(&p)
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
	r.Dropped = ear.dropped()
	return r, nil
}
