package interop

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/scenario"
)

var updatePages = flag.Bool("update", false, "write docs/scenarios.md anew, from runs")

const scenariosPage = "../../../docs/scenarios.md"

// docs/scenarios.md shows what each scenario shows: the same messages, kinds of
// segments and decisions, in the same order. Times, ports, numbers and random
// values are another run's.
func TestScenariosPageShowsWhatTheRunsShow(t *testing.T) {
	newLab(t) // whether this machine allows it
	shown := make([]string, len(scenario.All()))
	t.Run("runs", func(t *testing.T) {
		for i, s := range scenario.All() {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				shown[i] = demonstrate(t, s.Name)
			})
		}
	})
	if *updatePages {
		if err := os.WriteFile(scenariosPage, []byte(scenarioPage(shown)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(scenariosPage)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scenario.All() {
		block, ok := blockOf(string(text), s)
		if !ok {
			t.Errorf("the page has no %s: make scenarios", s.Name)
			continue
		}
		if faults := differences(drawn(block), drawn(shown[i])); len(faults) > 0 {
			t.Errorf("%s: %s\nIf it should be so: make scenarios\n%s", s.Name, strings.Join(faults, "\n"), shown[i])
		}
	}
}

// demonstrate runs a scenario and returns all that it says but for what it is
// about.
func demonstrate(t *testing.T, name string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, "lab", "demo", name)
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, _ := c.CombinedOutput() // the status is another test's
	s, _ := scenario.Find(name)
	return strings.TrimSpace(strings.TrimPrefix(string(out), s.About)) + "\n"
}

func scenarioPage(shown []string) string {
	var b strings.Builder
	b.WriteString(`# Scenarios

Stories of a handshake, each told by one command in a private network of its own: no root, nothing left behind. This page is written by ` + "`make scenarios`" + `, from runs of them, and a test holds it to what they show.

| scenario | what it shows |
| --- | --- |
`)
	for _, s := range scenario.All() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", s.Name, s.Name, s.Title)
	}
	for i, s := range scenario.All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n%s\n\n", s.Name, upperFirst(s.Title), strings.ReplaceAll(s.About, "\n", " "))
		fmt.Fprintf(&b, "```console\n%s%s```\n\nExit status %d.\n", command0(s), shown[i], s.Steps[len(s.Steps)-1].Exit)
	}
	return b.String()
}

func command0(s *scenario.Scenario) string { return "$ rawshake lab demo " + s.Name + "\n\n" }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// blockOf is what the page shows of a scenario.
func blockOf(text string, s *scenario.Scenario) (string, bool) {
	_, rest, ok := strings.Cut(text, "```console\n"+command0(s))
	block, _, ended := strings.Cut(rest, "```")
	return block, ok && ended
}

// A drawing is what is the same in all runs of a scenario.
type drawing struct {
	out, in []string        // messages, in order
	arrows  map[string]bool // kinds of segments, with their direction
	said    map[string]bool // decisions, by how they begin
	results []string
	// story is all of these in their order, but for FINs: whose comes first is
	// chance where both sides close.
	story []string
}

var (
	arrowLine   = regexp.MustCompile(`[├│](◀?)[─╌]+ ([A-Z-]+) .*?[▶┤]`)
	messageLine = regexp.MustCompile(`^ {23}│( +)?([A-Za-z]+) *│`)
	saidLine    = regexp.MustCompile(`^\s*· (.*)$`)
	resultLine  = regexp.MustCompile(`^([✔✘] [a-z_]+):`)
	digits      = regexp.MustCompile(`[0-9][0-9.:µm]*`)
)

// fleeting begins decisions that hang on timing, on this machine's load, or on
// which guard it allows; and who of two that both close is first.
var fleeting = regexp.MustCompile(`^(packet dropped|segment at|round trip|\S+ octets at|a listening socket|data sent again|window probe|an nftables|.*(FIN-WAIT|CLOSE-WAIT|LAST-ACK|TIME-WAIT|CLOSING))`)

func drawn(text string) drawing {
	d := drawing{arrows: map[string]bool{}, said: map[string]bool{}}
	for line := range strings.Lines(withoutLateGoodbyes(text)) {
		line = strings.TrimRight(line, "\n")
		if m := arrowLine.FindStringSubmatch(line); m != nil {
			// Whether data is pushed, and what is acknowledged alone, is timing.
			if kind := strings.ReplaceAll(m[2], "PSH-", ""); kind != "ACK" {
				d.arrows[m[1]+kind] = true
				if kind != "FIN-ACK" {
					d.story = append(d.story, m[1]+kind)
				}
			}
			continue
		}
		if m := messageLine.FindStringSubmatch(line); m != nil {
			if len(m[1]) <= 1 {
				d.out = append(d.out, m[2])
				d.story = append(d.story, m[2]+" out")
			} else {
				d.in = append(d.in, m[2])
				if m[2] != "NewSessionTicket" { // which waits for nobody
					d.story = append(d.story, m[2]+" in")
				}
			}
			continue
		}
		if m := saidLine.FindStringSubmatch(line); m != nil && !fleeting.MatchString(m[1]) {
			words := strings.Fields(digits.ReplaceAllString(m[1], "N"))
			beginning := strings.Join(words[:min(len(words), 4)], " ")
			d.said[beginning] = true
			d.story = append(d.story, beginning)
		}
		if m := resultLine.FindStringSubmatch(line); m != nil {
			d.results = append(d.results, m[1])
			d.story = append(d.story, m[1])
		}
	}
	return d
}

// withoutLateGoodbyes leaves out our close_notify where the peer's alert ends the
// connection: whether we say it before we hear that is timing.
func withoutLateGoodbyes(text string) string {
	const command = "$ rawshake connect "
	parts := strings.Split(text, command)
	for i, part := range parts {
		if !strings.Contains(part, "\n✘ alert") {
			continue
		}
		var kept strings.Builder
		for line := range strings.Lines(part) {
			if !strings.Contains(line, "close_notify") {
				kept.WriteString(line)
			}
		}
		parts[i] = kept.String()
	}
	return strings.Join(parts, command)
}

// differences says what of the page is not in a run. That may have said more, on a
// busy machine.
func differences(page, run drawing) (faults []string) {
	for _, l := range []struct {
		what      string
		page, run []string
	}{{"messages out", page.out, run.out}, {"messages in", page.in, run.in}, {"results", page.results, run.results}} {
		if !slices.Equal(l.page, l.run) || len(l.page) == 0 {
			faults = append(faults, fmt.Sprintf("%s on the page %q, in the run %q", l.what, l.page, l.run))
		}
	}
	for what, pair := range map[string][2]map[string]bool{"segment": {page.arrows, run.arrows}, "decision": {page.said, run.said}} {
		for one := range pair[0] {
			if !pair[1][one] {
				faults = append(faults, fmt.Sprintf("no %s %q in the run", what, one))
			}
		}
		if len(pair[0]) == 0 {
			faults = append(faults, "the page shows no "+what)
		}
	}
	if next := inOrder(run.story, page.story); next != "" && len(faults) == 0 {
		faults = append(faults, fmt.Sprintf("the order is another from %q on: on the page %q, in the run %q", next, page.story, run.story))
	}
	return faults
}

// The comparison is worth what it refuses.
func TestALadderInAnotherOrderIsNotThePages(t *testing.T) {
	const page = "  1    0.1           ├─ SYN ───▶│\n" +
		"  2    0.2           │◀─ SYN-ACK ┤\n" +
		"                       │ ClientHello            │\n" +
		"                       │            ServerHello │\n" +
		"                       · the server's certificate is verified\n" +
		"✔ connected: all is well\n"
	swap := func(a, b string) string { return strings.NewReplacer(a, b, b, a).Replace(page) }
	for name, c := range map[string]struct {
		run  string
		same bool
	}{
		"the same":               {page, true},
		"with more":              {page[:strings.Index(page, "  2")] + page, true}, // a SYN sent again
		"messages the other way": {swap("│ ClientHello            │", "│            ServerHello │"), false},
		"with a ticket":          {strings.Replace(page, "✔", "                       │       NewSessionTicket │\n✔", 1), false},
		"without the SYN-ACK":    {strings.ReplaceAll(page, "SYN-ACK", "RST"), false},
		"decision before":        {swap("                       · the server's certificate is verified\n", "                       │ ClientHello            │\n"), false},
	} {
		if faults := differences(drawn(page), drawn(c.run)); (len(faults) == 0) != c.same {
			t.Errorf("%s: %q", name, faults)
		}
	}
}

// Whether this side says goodbye before it hears the peer's alert is timing.
func TestAGoodbyeBesideAnAlertIsTiming(t *testing.T) {
	const told = "$ rawshake connect x\n  1    0.1           ├─ SYN ───▶│\n" +
		"                       │ ClientHello            │\n" +
		"                       · both Finished messages agree: the handshake is complete\n" +
		"                       · alert close_notify (warning) sent: this side has no more to send\n" +
		"                       │ Alert                  │  warning  close_notify\n" +
		"                       │                  Alert │  fatal  certificate_required\n" +
		"✘ alert: the peer sent the alert certificate_required\n"
	var untold strings.Builder
	for line := range strings.Lines(told) {
		if !strings.Contains(line, "close_notify") {
			untold.WriteString(line)
		}
	}
	if faults := differences(drawn(told), drawn(untold.String())); len(faults) > 0 {
		t.Error(faults)
	}
	good := strings.Replace(told, "✘ alert", "✔ finished", 1)
	if faults := differences(drawn(good), drawn(strings.Replace(untold.String(), "✘ alert", "✔ finished", 1))); len(faults) == 0 {
		t.Error("a goodbye that is missing is not noticed")
	}
}
