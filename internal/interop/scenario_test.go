package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/scenario"
)

// Every scenario of `lab demo` ends as it says, and each of its ladders shows
// what it promises, in that order.
func TestEachScenarioShowsWhatItTells(t *testing.T) {
	newLab(t) // whether this machine allows it
	for _, s := range scenario.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			r := command(t, program, "lab", "demo", s.Name, "--json")
			ladders := ladders(t, r.stdout)
			if len(ladders) != len(s.Steps) {
				t.Fatalf("%d connections, want %d\n%s", len(ladders), len(s.Steps), r.stderr)
			}
			for i, step := range s.Steps {
				if missing := inOrder(shape(ladders[i]), step.Shows); missing != "" {
					t.Errorf("connection %d does not show %q in its place:\n%s", i+1, missing, strings.Join(shape(ladders[i]), "\n"))
				}
				if got := ladders[i][len(ladders[i])-1]; got.OK != (step.Exit == 0) {
					t.Errorf("connection %d: %+v", i+1, got)
				}
			}
			r.want(t, s.Steps[len(s.Steps)-1].Exit)
			if !strings.Contains(r.stderr, s.About) {
				t.Errorf("the story is not told:\n%s", r.stderr)
			}
		})
	}
}

// -q leaves of a scenario what it leaves of connect: the reply, and errors.
func TestAQuietDemoSaysOnlyTheReplyAndErrors(t *testing.T) {
	newLab(t)
	for _, test := range []struct {
		scenario, stdout string // what standard output begins with
		errors, status   int
	}{
		{"mutual-tls", "HTTP/1.1 200 OK\r\n", 0, 0},
		{"resumption", "", 0, 0}, // two connections
		{"bad-certificate", "", 1, 7},
		{"rst-war", "", 1, 0}, // of the first of two connections
	} {
		t.Run(test.scenario, func(t *testing.T) {
			t.Parallel()
			r := command(t, program, "lab", "demo", "-q", test.scenario).want(t, test.status)
			if !strings.HasPrefix(r.stdout, test.stdout) || test.stdout == "" && r.stdout != "" {
				t.Errorf("standard output is %q", r.stdout)
			}
			said := 0
			for line := range strings.Lines(r.stderr) {
				switch {
				case strings.HasPrefix(line, "rawshake: "):
					said++
				case !strings.HasPrefix(line, "  "): // the way out
					t.Errorf("standard error has %q", line)
				}
			}
			if said != test.errors {
				t.Errorf("%d errors, want %d:\n%s", said, test.errors, r.stderr)
			}
		})
	}
}

// command runs a program as it is on this machine, at most a minute.
func command(t *testing.T, name string, args ...string) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, &stdout, &stderr)
	}
	return run{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ladders parses the JSON views of several connections, each to its result.
func ladders(t *testing.T, view string) (list [][]entry) {
	t.Helper()
	var current []entry
	for line := range strings.Lines(view) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not a JSON line: %v\n%s", err, line)
		}
		if current = append(current, e); e.Type == "result" {
			list, current = append(list, current), nil
		}
	}
	if len(current) > 0 {
		t.Fatalf("the last view does not end in a result:\n%s", view)
	}
	return list
}

// shape is what a ladder shows but for times and values: "out SYN",
// "in server_hello", the names of decisions.
func shape(ladder []entry) (lines []string) {
	for _, e := range ladder {
		switch e.Type {
		case "segment":
			lines = append(lines, fmt.Sprintf("%s %s", e.Dir, arrow(e.Flags)))
		case "message":
			lines = append(lines, e.Dir+" "+e.Message)
		case "decision":
			lines = append(lines, e.Name)
		}
	}
	return lines
}

// arrow names a segment as the ladder does: SYN-ACK, FIN-PSH-ACK.
func arrow(flags []string) string { return strings.Join(flags, "-") }

// inOrder returns the first of the wanted lines that does not come after those
// before it, or "".
func inOrder(have, want []string) (missing string) {
	for _, line := range have {
		if len(want) > 0 && line == want[0] {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		return want[0]
	}
	return ""
}
