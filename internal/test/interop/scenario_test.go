package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
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
// "in server_hello", "in FIN", the names of decisions.
//
// Which segment carries what is timing: a FIN goes with the last data or alone,
// and segments that come in together are shown before the messages in them. So
// a message stands behind the segment that completes it, and the end of a
// direction, "FIN", behind its last message.
func shape(ladder []entry) (lines []string) {
	completed := map[int][]string{} // by frame
	for _, e := range ladder {
		if e.Type == "message" {
			completed[e.Frame] = append(completed[e.Frame], e.Dir+" "+e.Message)
		}
	}
	for _, e := range ladder {
		switch e.Type {
		case "segment":
			lines = append(lines, e.Dir+" "+kind(e.Flags))
			lines = append(lines, completed[e.Frame]...)
			if slices.Contains(e.Flags, "FIN") {
				lines = append(lines, e.Dir+" FIN")
			}
		case "decision":
			lines = append(lines, e.Name)
		}
	}
	return lines
}

// kind is what a segment is for, whether or not it pushes data and ends its
// direction: SYN, SYN-ACK, ACK, RST, RST-ACK.
func kind(flags []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == "PSH" || f == "FIN" }), "-")
}

// A ladder in another legal order has the same shape.
func TestTheShapeOfALadderIsThatOfEachLegalOrder(t *testing.T) {
	segment := func(frame int, dir string, flags ...string) entry {
		return entry{Type: "segment", Frame: frame, Dir: dir, Flags: flags}
	}
	reply := entry{Type: "message", Frame: 1, Dir: "in", Message: "application_data"}
	want := []string{"in application_data", "in FIN", "out ACK", "out FIN"}
	for name, ladder := range map[string][]entry{
		"each alone":            {segment(1, "in", "PSH", "ACK"), reply, segment(2, "in", "FIN", "ACK"), segment(3, "out", "ACK"), segment(4, "out", "FIN", "ACK")},
		"data and FIN together": {segment(1, "in", "FIN", "PSH", "ACK"), reply, segment(2, "out", "FIN", "ACK")},
		"read after the FIN":    {segment(1, "in", "ACK"), segment(2, "in", "FIN", "ACK"), reply, segment(3, "out", "FIN", "ACK")},
	} {
		if missing := inOrder(shape(ladder), want); missing != "" {
			t.Errorf("%s: no %q in its place: %q", name, missing, shape(ladder))
		}
	}
	early := []entry{segment(1, "out", "FIN", "ACK"), segment(2, "in", "PSH", "ACK"), {Type: "message", Frame: 2, Dir: "in", Message: "application_data"}, segment(3, "in", "FIN", "ACK")}
	if inOrder(shape(early), want) == "" {
		t.Error("a client that ends before the reply came is taken for one that ends after it")
	}
}

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
