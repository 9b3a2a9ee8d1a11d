package netns

import (
	"bytes"
	"errors"
	"net"
	"os"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/netem"
)

// A frame that came while the bridge had no time is told of at the end.
func TestFramesThatTheKernelCouldNotKeepAreCounted(t *testing.T) {
	s, err := New()
	if err = Refusal(err); errors.Is(err, ErrForbidden) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	t.Cleanup(func() { _ = s.Close() })
	check(Veth(End{s, "x0", net.HardwareAddr{2, 0, 0, 0, 0, 1}}, End{s, "x1", net.HardwareAddr{2, 0, 0, 0, 0, 2}}, 1500))
	var ends [2]*os.File
	for i, name := range []string{"x0", "x1"} {
		_, err := s.LinkUp(name, 1500)
		check(err)
		ends[i], err = openFrames(s, name)
		check(err)
	}
	for _, name := range []string{"x0", "x1"} {
		check(s.AwaitLink(t.Context(), name))
	}
	var log bytes.Buffer
	b := &Bridge{log: &log, done: make(chan struct{}), ends: [2]*os.File{ends[1]}} // and nobody reads
	raw, err := ends[1].SyscallConn()
	check(err)
	check(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) }))
	check(err)
	frame := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5}, make([]byte, 1000)...) // IEEE 802's local experiments
	for range 100 {
		_, err := ends[0].Write(frame)
		check(err)
	}
	check(ends[0].Close())
	check(b.Close())
	if line := log.String(); !regexp.MustCompile(`^missed     (100|[1-9][0-9]) frames [^\n]*\n$`).MatchString(line) {
		t.Errorf("of 100 frames for a buffer of one the log says %q", line)
	}
}

// What a link does is told before it is another one, however busy it is.
func TestNothingIsToldOfAnImpairmentThatIsNoMore(t *testing.T) {
	bad := netem.Impairment{Duplicate: 1}
	told := &toldTooLate{}
	b := &Bridge{effects: netem.NewEffects(bad, 1, 0), log: told}
	for i := range b.lines {
		b.lines[i] = newFrameLine(bad)
	}
	frame := append([]byte{12: 0x08, 0x00}, make([]byte, 20)...)
	frame[ethernetHeader] = 4<<4 | 5
	frame[ethernetHeader+3] = 20
	frame[ethernetHeader+9] = unix.IPPROTO_UDP
	b.carry(frame, b.lines[0])
	var busy sync.WaitGroup
	for _, line := range b.lines {
		busy.Go(func() {
			for range 20_000 {
				b.carry(frame, line)
			}
		})
	}
	for range 2000 {
		b.Change(netem.Impairment{})
		told.clear.Store(true)
		runtime.Gosched()
		told.clear.Store(false)
		b.Change(bad)
	}
	busy.Wait()
	if told.early == 0 || told.late > 0 {
		t.Errorf("%d lines while the link was bad, %d after it was clear", told.early, told.late)
	}
}

// toldTooLate counts the lines of a log, and those that come when the link is
// clear. The bridge writes one at a time.
type toldTooLate struct {
	clear       atomic.Bool
	early, late int
}

func (l *toldTooLate) Write(p []byte) (int, error) {
	if l.clear.Load() {
		l.late++
	} else {
		l.early++
	}
	return len(p), nil
}
