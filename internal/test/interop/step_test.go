package interop

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// stepThrough runs connect --step, whose ClientHello takes one packet, and gives
// its questions these answers. An answer that is a time is a pause.
func stepThrough(t *testing.T, answers ...string) run {
	t.Helper()
	l := newLab(t)
	server, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := l.Near().CommandContext(ctx, program, "connect", "--step", "--max-version", "1.2", "--ca", server.CAFile(),
		"--servername", pki.ServerName, server.Addr().String())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	in, out := io.Pipe()
	cmd.Stdin = in
	go func() {
		for _, a := range answers {
			if pause, err := time.ParseDuration(a); err == nil {
				time.Sleep(pause)
			} else if _, err := io.WriteString(out, a+"\n"); err != nil {
				return
			}
		}
		out.Close()
	}()
	err = cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("it hangs\n%s%s", &stdout, &stderr)
	}
	in.Close() // lets the writer go
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func TestSteppingStopsAtEachPacketAndSaysWhatComesNext(t *testing.T) {
	r := stepThrough(t, "", "?", "", "h", "", "f", "", "l", "c").want(t, 0)
	r.says(t, "about to send: SYN\n", "We ask for a connection", "arrived: SYN-ACK", "go on without stopping",
		"about to send: ACK", "TCP.acknowledgment_number", "The third packet", "about to send: PSH-ACK with ClientHello", "server_name_list")
	if !strings.Contains(r.stdout, "✔ finished") {
		t.Errorf("the ladder does not end well:\n%s", r.stdout)
	}
}

func TestADroppedPacketComesAgain(t *testing.T) {
	r := stepThrough(t, "d", "", "c").want(t, 0)
	r.says(t, "the SYN was dropped by hand", "about to send: SYN, seen before")
	if !strings.Contains(r.stdout, "SYN sent again (attempt 2)") || !strings.Contains(r.stdout, "retransmission") {
		t.Errorf("the ladder does not show the retransmission:\n%s", r.stdout)
	}
}

// While a person looks at the SYN-ACK, the server sends it again: it comes to be
// looked at too, and our own timers have not counted the time.
func TestThePeerDoesNotWait(t *testing.T) {
	r := stepThrough(t, "", "1500ms", "", "", "", "", "c").want(t, 0)
	r.says(t, "arrived: SYN-ACK\n", "SYN-ACK, seen before")
	if strings.Contains(r.stdout, "SYN sent again") || strings.Contains(r.stdout, "timed out") {
		t.Errorf("our timers counted the pause:\n%s", r.stdout)
	}
}

func TestSteppingCanBeAborted(t *testing.T) {
	r := stepThrough(t, "", "q")
	if r.status != 1 || !strings.Contains(r.stderr, "interrupted") {
		t.Errorf("status %d\n%s", r.status, r.stderr)
	}
}

// A connection that fails while somebody steps through it, or after that, ends
// with its diagnosis, as without --step: the reason, its code and the remedy.
func TestSteppingEndsWithTheDiagnosis(t *testing.T) {
	l := newLab(t)
	server, err := l.StartTLSServer(service.Options{ClientAuth: service.RequireClient})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"connect", "--ca", server.CAFile(), "--servername", pki.ServerName, server.Addr().String()}
	for name, how := range map[string]struct {
		answers string
		flags   []string
	}{
		"without --step":   {"", nil},
		"packet by packet": {strings.Repeat("\n", 40), []string{"--step"}},
		"not stopping":     {"c\n", []string{"--step"}},
		"without a view":   {"c\n", []string{"--step", "-q"}},
	} {
		r := execute(t, func(ctx context.Context) *netns.Cmd {
			cmd := l.Near().CommandContext(ctx, program, append(args, how.flags...)...)
			if how.answers != "" {
				cmd.Stdin = strings.NewReader(how.answers)
			}
			return cmd
		}).want(t, 6)
		if said := r.stdout + r.stderr; !strings.Contains(said, "client_certificate_required") || !strings.Contains(said, "--cert FILE") {
			t.Errorf("%s: no diagnosis:\n%s", name, said)
		}
	}
}
