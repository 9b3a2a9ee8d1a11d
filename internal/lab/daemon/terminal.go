// The terminal of a command in a lab, which is in another session and cannot be
// controlled by ours: where we have one, it gets one of its own, of which we hold the
// other end, in raw mode, and copy.

package daemon

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// A terminal is what stands between our streams and the command's.
type terminal struct {
	own, theirs *os.File // the two ends, nil where our streams are passed as they are
	was         *term.State
	copied      chan struct{}
}

// openTerminal looks at our streams.
func openTerminal() (*terminal, error) {
	t := &terminal{}
	if !term.IsTerminal(0) || !term.IsTerminal(1) || !term.IsTerminal(2) {
		return t, nil
	}
	var err error
	if t.own, t.theirs, err = netns.OpenTerminal(); err != nil {
		return nil, err
	}
	t.resize()
	return t, nil
}

func (t *terminal) controls() bool { return t.own != nil }

// streams are the command's.
func (t *terminal) streams() []*os.File {
	if t.own == nil {
		return []*os.File{os.Stdin, os.Stdout, os.Stderr}
	}
	return []*os.File{t.theirs, t.theirs, t.theirs}
}

// passes are the signals that the command gets from us. From a terminal of its
// own it hears of its keyboard itself.
func (t *terminal) passes() []os.Signal {
	list := []os.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2}
	if t.own != nil {
		return append(list, unix.SIGWINCH)
	}
	return append(list, unix.SIGINT, unix.SIGQUIT)
}

// handedOver begins to copy, once the command has its end.
func (t *terminal) handedOver() {
	if t.own == nil {
		return
	}
	_ = t.theirs.Close()
	t.was, _ = term.MakeRaw(0)
	t.copied = make(chan struct{})
	go func() { _, _ = io.Copy(t.own, os.Stdin) }()
	go func() {
		defer close(t.copied)
		_, _ = io.Copy(os.Stdout, t.own) // until EIO: the command's side is closed
	}()
}

func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(int(t.own.Fd()), unix.TIOCSWINSZ, size)
	}
}

// lastWords is how long is waited for what is still to be shown.
const lastWords = 200 * time.Millisecond

func (t *terminal) close() {
	if t.own == nil {
		return
	}
	if t.copied != nil {
		select {
		case <-t.copied:
		case <-time.After(lastWords): // something holds the terminal still
		}
	}
	if t.was != nil {
		_ = term.Restore(0, t.was)
	}
	_ = t.own.Close()
}
