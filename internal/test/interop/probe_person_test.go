package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
)

// probeStatus is what a program reads of --status.
type probeStatus struct {
	Finished                bool
	Total, Targets, Records uint64
	Known                   bool   `json:"total_known"`
	Sent                    uint64 `json:"packets_sent"`
	Outcomes                map[string]uint64
	Unreadable              int               `json:"lines_unreadable"`
	LeftOut                 map[string]uint64 `json:"left_out"`
}

func readStatus(t *testing.T, path string) (s probeStatus) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return s
}

func TestAStatusFileTellsHowAScanGoes(t *testing.T) {
	l := newWide(t)
	dir := t.TempDir()
	status, precious := filepath.Join(dir, "status"), filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, status+".new"); err != nil {
		t.Fatal(err)
	}
	p := runProbe(t, l, "198.18.0.1\nno such thing\n224.0.0.1\n198.18.0.2:444\n", "-q", "--until", "tcp", "--allow-special", "--status", status, "-")
	s := readStatus(t, status)
	if p.status != 0 || !s.Finished || s.Known || s.Records != 2 || s.Outcomes["open"] != 1 || s.Outcomes["closed"] != 1 || s.Unreadable != 1 || s.LeftOut["224.0.0.0/4"] != 1 || s.Sent < 3 {
		t.Errorf("status %d, %+v\n%s", p.status, s, p.err)
	}
	if info, err := os.Stat(precious); err != nil || info.Size() != 0 {
		t.Errorf("written through a link: %v, %v", info, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(precious, link); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]int{"/no/such/folder/status": 2, link: 1} {
		p := runProbe(t, l, "", "-q", "--status", path, "198.18.0.1")
		if p.status != code || !strings.Contains(string(p.err), path+":") || len(p.out) > 0 {
			t.Errorf("%s: status %d, %s", path, p.status, p.err)
		}
	}
}

// On a terminal there is one line that is overwritten again and again.
func TestProgressOnATerminal(t *testing.T) {
	l := newWide(t)
	out := filepath.Join(t.TempDir(), "out")
	cmd := l.Near().Command(needProgram(t, "script"), "-qec",
		fmt.Sprintf("stty cols 200 rows 30; exec %s probe --until tcp --rate 200 -o %s 198.18.0.0/24", program, out), "/dev/null")
	keyboard, err := cmd.StdinPipe() // at whose end script would type an end of file, which is echoed
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	cmd.Env = append(os.Environ(), "TERM=xterm")
	shown, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	lines := bytes.Split(shown, []byte("\r\x1b[K"))
	if len(lines) < 3 || !bytes.Contains(lines[1], []byte(" of 256 (")) || !bytes.Contains(lines[1], []byte("packets/s")) || !bytes.Contains(lines[1], []byte("in flight")) {
		t.Errorf("%d progress lines: %q", len(lines), shown)
	}
	live, _, _ := bytes.Cut(shown, []byte("targets in"))
	if !bytes.Contains(live, []byte("open ")) || !bytes.Contains(live, []byte("  198.18.0.")) || !bytes.Contains(live, []byte("\x1b[5A\r")) {
		t.Errorf("no outcomes or latest results: %q", live)
	}
	if !bytes.Contains(shown, []byte("256 open")) {
		t.Errorf("no summary: %q", shown)
	}
	if b, _ := os.ReadFile(out); len(parseRecords(t, b)) != 256 {
		t.Errorf("%d bytes of records", len(b))
	}
}

// Somebody asks to be excluded while a scan is stopped: the others keep their
// places.
func TestWhatIsLeftOutOfAListMayChangeWhenItGoesOn(t *testing.T) {
	l := newWide(t)
	dir := t.TempDir()
	list, state := filepath.Join(dir, "list"), filepath.Join(dir, "state")
	var lines bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&lines, "198.18.%d.%d\n", i/250, i%250)
	}
	if err := os.WriteFile(list, lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", "--until", "tcp", "--rate", "1000", "--allow-special", "--checkpoint", state, "-f", list}
	first := stopProbe(t, l, state, "", append(args, "--exclude", "198.18.1.0/24")...)
	p := runProbe(t, l, "", append(args, "--exclude", "198.18.7.0/24")...)
	second := p.records(t)
	if p.status != 0 || len(first) == 0 || len(first) >= 1500 {
		t.Fatalf("status %d, %d and %d records: %s", p.status, len(first), len(second), p.err)
	}
	outcomes(t, append(first, second...)) // none has two
	seen := make(map[any]bool)
	for _, r := range append(first, second...) {
		seen[r["addr"]] = true
	}
	for i := range 2000 {
		a := fmt.Sprintf("198.18.%d.%d", i/250, i%250)
		if !seen[a] && i/250 != 1 && i/250 != 7 {
			t.Errorf("%s was lost", a)
		}
	}
	for _, r := range second {
		if strings.HasPrefix(r["addr"].(string), "198.18.7.") {
			t.Errorf("%v was probed", r["addr"])
		}
	}
}

// stopProbe interrupts a scan of a list once its checkpoint speaks of records,
// and gives what it had written.
func stopProbe(t *testing.T, l *lab.Lab, state, stdin string, args ...string) []map[string]any {
	t.Helper()
	cmd := l.Near().Command(program, append([]string{"probe"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-killTime(state, 0)
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	return parseRecords(t, out.Bytes())
}

// A place in a list is a line: a list that has changed is refused, and one that
// has grown is taken up.
func TestAListThatHasChangedIsRefusedWhenAScanGoesOn(t *testing.T) {
	l := newWide(t)
	var lines strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&lines, "198.18.%d.%d\n", i/250, i%250)
	}
	text := lines.String()
	grown, edited := text+"198.18.99.1\n", strings.Replace(text, "198.18.0.7\n", "", 1)
	for _, kind := range []string{"file", "standard input"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			list, state := filepath.Join(dir, "hosts.txt"), filepath.Join(dir, "state")
			args := []string{"-q", "--until", "tcp", "--rate", "1000", "--allow-special", "--checkpoint", state}
			named := "standard input: "
			put := func(text string) (stdin string) { return text }
			if kind == "file" {
				args, named = append(args, "-f", list), list+": "
				put = func(text string) string {
					if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					return ""
				}
			}
			first := stopProbe(t, l, state, put(text), args...)
			if len(first) == 0 || len(first) >= 2000 {
				t.Fatalf("%d records before the stop", len(first))
			}
			p := runProbe(t, l, put(edited), args...)
			if p.status == 0 || !strings.Contains(string(p.err), named+"it is not the list") || !strings.Contains(string(p.err), "put the list back") {
				t.Errorf("edited: status %d, %s", p.status, p.err)
			}
			if kind == "file" && len(p.out) > 0 {
				t.Errorf("a file was not compared before the first packet: %s", p.out)
			}
			p = runProbe(t, l, put(grown), args...)
			seen := make(map[any]bool)
			for _, r := range append(first, p.records(t)...) {
				seen[r["addr"]] = true
			}
			if p.status != 0 || len(seen) != 2001 {
				t.Errorf("grown: status %d, %d targets of 2001: %s", p.status, len(seen), p.err)
			}
		})
	}
}

// The first packet does not wait for a slow rate.
func TestASlowRateBeginsAtOnce(t *testing.T) {
	l := newWide(t)
	done := make(chan *probed, 1)
	go func() { done <- runProbe(t, l, "", "-q", "--rate", "0.01", "--until", "tcp", "198.18.0.1") }()
	select {
	case p := <-done:
		if n := outcomes(t, p.records(t)); n["open"] != 1 {
			t.Errorf("%v %s", n, p.err)
		}
	case <-time.After(time.Minute):
		t.Error("nothing was sent within a minute")
	}
}
