// Reading from a pipe that an interrupt can end.

package explain

import (
	"context"
	"io"
	"slices"
)

// An interruptible reader stops waiting for a silent pipe when its context is
// done. The data that it waited for is then lost, but the process is about to
// end.
type interruptible struct {
	ctx  context.Context
	from io.Reader
	buf  []byte // lent to the reading goroutine
	rest []byte // the part of it that was not taken yet
	err  error
	come chan arrived
}

type arrived struct {
	n   int
	err error
}

// Interruptible returns a reader of a pipe that fails with the context's error
// once the context is done. An input that can seek never waits, and is returned
// as it is.
func Interruptible(ctx context.Context, from io.Reader) io.Reader {
	if s, ok := from.(io.Seeker); ok {
		if _, err := s.Seek(0, io.SeekCurrent); err == nil {
			return from
		}
	}
	return &interruptible{ctx: ctx, from: from, buf: make([]byte, 64<<10), come: make(chan arrived, 1)}
}

func (r *interruptible) Read(b []byte) (int, error) {
	if len(r.rest) == 0 && r.err == nil {
		r.wait()
	}
	if len(r.rest) == 0 {
		return 0, r.err
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// wait reads once, or until the context is done.
func (r *interruptible) wait() {
	go func(from io.Reader, buf []byte) {
		n, err := from.Read(buf)
		r.come <- arrived{n, err}
	}(r.from, r.buf)
	select {
	case a := <-r.come:
		r.rest, r.err = slices.Clip(r.buf[:a.n]), a.err
	case <-r.ctx.Done():
		r.err = r.ctx.Err()
	}
}
