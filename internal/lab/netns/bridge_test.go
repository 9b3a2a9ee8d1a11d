package netns

import (
	"bytes"
	"errors"
	"net"
	"os"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
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
