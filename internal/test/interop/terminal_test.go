package interop

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// patience bounds what a person waits for, on a machine that has a lot to do.
const patience = 5 * time.Minute

// A sitting is a command at a terminal, and the person before it.
type sitting struct {
	t       *testing.T
	own     *os.File // the person's end
	theirs  *os.File // held, so that what was written last can be read
	cmd     *netns.Cmd
	before  unix.Termios
	mu      sync.Mutex
	shown   bytes.Buffer
	seen    int // how much of it the person has read
	changed chan struct{}
}

// sit begins a command in a node, at a terminal of 100 columns that controls it.
func sit(t *testing.T, n *lab.Node, args ...string) *sitting {
	t.Helper()
	return begin(t, n, 100, args...)
}

func begin(t *testing.T, n *lab.Node, columns uint16, args ...string) *sitting {
	t.Helper()
	s := &sitting{t: t, changed: make(chan struct{}, 1)}
	var err error
	if s.own, s.theirs, err = netns.OpenTerminal(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.own.Close(); s.theirs.Close() })
	s.resize(columns)
	s.before = s.state()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	s.cmd = n.CommandContext(ctx, program, args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.theirs, s.theirs, s.theirs
	s.cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "NO_COLOR=1", "SSLKEYLOGFILE=")
	s.cmd.SysProcAttr.Setpgid = false
	s.cmd.SysProcAttr.Setsid, s.cmd.SysProcAttr.Setctty = true, true
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read()
	return s
}

func (s *sitting) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.own.Read(buf)
		s.mu.Lock()
		s.shown.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (s *sitting) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

// reads waits until each text has come, one after the other.
func (s *sitting) reads(texts ...string) *sitting {
	s.t.Helper()
	late := time.After(patience)
	for _, text := range texts {
		for {
			screen := s.screen()
			if i := strings.Index(screen[s.seen:], text); i >= 0 {
				s.seen += i + len(text)
				break
			}
			select {
			case <-s.changed:
			case <-late:
				s.t.Fatalf("%q does not come\n%s", text, screen)
			}
		}
	}
	return s
}

// types presses keys.
func (s *sitting) types(keys string) *sitting {
	s.t.Helper()
	if _, err := s.own.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	return s
}

func (s *sitting) resize(columns uint16) *sitting {
	s.t.Helper()
	if err := unix.IoctlSetWinsize(int(s.own.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}); err != nil {
		s.t.Fatal(err)
	}
	return s
}

func (s *sitting) state() unix.Termios {
	s.t.Helper()
	state, err := unix.IoctlGetTermios(int(s.theirs.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *state
}

// ends waits for the end, checks that the terminal is as it was, and returns all
// that was shown.
func (s *sitting) ends(status int) string {
	s.t.Helper()
	s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.t.Errorf("exit status %d, want %d\n%s", got, status, s.screen())
	}
	if s.state() != s.before {
		s.t.Error("the terminal is not as it was")
	}
	s.theirs.WriteString("the end\n")
	s.reads("the end\n")
	return s.screen()
}

const (
	enter = "\r"
	ctrlC = "\x03"
	ctrlD = "\x04"
	asked = "? help > "
)

// stepAt begins to step through a connection at a terminal, and waits for the
// first question.
func stepAt(t *testing.T) *sitting {
	t.Helper()
	l := newLab(t)
	server, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return sit(t, l.Near(), "connect", "--step", "--max-version", "1.2", "--ca", server.CAFile(), "--servername", pki.ServerName, server.Addr().String()).
		reads("about to send: SYN\n", asked)
}

// Each packet is drawn when it is decided about, before the next is asked about,
// and the ladder takes the terminal's width as it is by then.
func TestAtATerminalEachPacketIsDrawnOnceDecided(t *testing.T) {
	s := stepAt(t).types(enter).reads("├─ SYN", "arrived: SYN-ACK", asked).types(enter).
		reads("◀", "SYN-ACK ─┤", "round trip", "about to send: ACK", asked).types(enter).
		reads("├─ ACK", "about to send: PSH-ACK with ClientHello", asked).resize(60).types("l" + enter)
	from := s.reads("ClientHello: ").seen
	s.reads(asked).types("c"+enter).reads("├─ PSH-ACK", "✔ finished")
	screen := s.ends(0)
	if strings.Contains(screen, "round trip 0s") {
		t.Errorf("a round trip takes no time:\n%s", screen)
	}
	for line := range strings.Lines(screen[from:]) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 60 {
			t.Errorf("%d columns of 60: %s", n, line)
		}
	}
}

func TestAtATerminalADroppedPacketComesAgain(t *testing.T) {
	stepAt(t).types("d"+enter).reads("the SYN was dropped by hand", "about to send: SYN, seen before", asked).
		types("c"+enter).reads("retransmission", "✔ finished").ends(0)
}

// Control-D says no more, and the connection goes on by itself.
func TestAtATerminalTheEndOfInputLetsItGoOn(t *testing.T) {
	stepAt(t).types(ctrlD).reads("no more answers", "✔ finished").ends(0)
}

// However it is left, the terminal is as it was, and what happened is said once.
func TestLeavingATerminal(t *testing.T) {
	for name, keys := range map[string]string{"Ctrl-C": ctrlC, "q": "q" + enter} {
		t.Run(name, func(t *testing.T) {
			screen := stepAt(t).types(enter).reads("arrived: SYN-ACK", asked).types(keys).ends(1)
			if n := strings.Count(screen, "interrupted"); n != 1 || strings.Contains(screen, "context canceled") {
				t.Errorf("it is said %d times that it was interrupted:\n%s", n, screen)
			}
		})
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			s := stepAt(t)
			if err := s.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			s.ends(map[bool]int{true: -1, false: 1}[sig == syscall.SIGKILL])
		})
	}
}

// What the view says at its end is not said again below it, but the way out is.
func TestAnErrorIsSaidOnceAtATerminal(t *testing.T) {
	l := newLab(t)
	for _, view := range []string{"ladder", "fields", "none"} {
		screen := sit(t, l.Near(), "connect", "--view", view, l.Far().Addr().String()+":4").ends(4)
		if n := strings.Count(screen, "connection refused"); n != 1 {
			t.Errorf("--view %s: said %d times:\n%s", view, n, screen)
		}
		if !strings.Contains(screen, "nothing listens on this port") {
			t.Errorf("--view %s: no way out:\n%s", view, screen)
		}
	}
}

// A story is told in lines that fit, however narrow the terminal is.
func TestAtANarrowTerminalADemoIsWrappedAtWords(t *testing.T) {
	l := newLab(t)
	s := begin(t, l.Near(), 60, "lab", "demo", "alert").reads("# ", "✘")
	for line := range strings.Lines(s.ends(6)) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 60 && !strings.HasPrefix(line, "$ ") && !strings.HasPrefix(line, "rawshake: ") {
			t.Errorf("%d columns of 60: %s", n, line)
		}
	}
}
