package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A step is a command of a page, and what the page says that it writes.
type step struct {
	line    int
	command string
	output  []string
}

// A block is what stands between two fences.
type block struct {
	line     int
	language string
	text     []string
}

// blocks are a page's, in order. A comment of the form <!-- meanwhile: … --> is one of
// the language "meanwhile".
func blocks(page string) (list []block) {
	inside := false
	for i, line := range strings.Split(page, "\n") {
		if text, ok := strings.CutPrefix(line, "<!-- meanwhile: "); ok && !inside {
			list = append(list, block{i + 1, "meanwhile", []string{strings.TrimSuffix(text, " -->")}})
			continue
		}
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && inside:
			inside = false
		case fence:
			inside = true
			list = append(list, block{i + 1, language, nil})
		case inside:
			b := &list[len(list)-1]
			b.text = append(b.text, line)
		}
	}
	return list
}

// steps are the commands of a block: lines that begin with a dollar sign, with what
// follows a backslash at their end. All else is output.
func (b *block) steps() (list []step) {
	more := false
	for i, line := range b.text {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case more:
			list[len(list)-1].command += "\n" + line
		case begins:
			list = append(list, step{line: b.line + 1 + i, command: command})
		default:
			s := &list[len(list)-1]
			s.output = append(s.output, line)
			continue
		}
		more = strings.HasSuffix(line, `\`)
	}
	return list
}

// A shell runs a script in a folder of its own, and says how it ended.
type shell func(t *testing.T, script string) (said string)

// run runs a block's commands one after the other in one shell, and compares what they
// write. A command ends with status 0, if the next does not ask for its status.
func (b *block) run(t *testing.T, dir string, sh shell) {
	t.Helper()
	list := b.steps()
	var script strings.Builder
	for i, s := range list {
		fmt.Fprintf(&script, "{\n%s\n} >%[2]s/out.%[3]d 2>&1\nstatus=$?; echo $status >%[2]s/status.%[3]d; (exit $status)\n", s.command, dir, i)
	}
	said := sh(t, script.String())
	for i, s := range list {
		out, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("out.%d", i)))
		if err != nil {
			t.Fatalf("line %d: %s\nwas not run: %v\n%s", s.line, s.command, err, said)
		}
		code, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("status.%d", i)))
		status, _ := strconv.Atoi(strings.TrimSpace(string(code)))
		asked := i+1 < len(list) && strings.HasPrefix(list[i+1].command, "echo $?")
		if status != 0 && !asked {
			t.Errorf("line %d: %s\nends with status %d", s.line, s.command, status)
		}
		if missing := quoted(s.output, string(out)); missing != "" || t.Failed() {
			t.Errorf("line %d: %s\ndoes not write %q. It writes\n%s", s.line, s.command, missing, out)
		}
	}
}

// elision stands for lines that the page leaves out.
const elision = "…"

// quoted finds the lines that a page quotes in what a command has written: each
// stretch between elisions as a whole, one after the other. It returns what is not
// there.
func quoted(page []string, written string) string {
	lines := strings.Split(strings.TrimRight(written, "\n"), "\n")
	at, anywhere := 0, false
	for _, stretch := range stretches(page) {
		if len(stretch) == 1 && stretch[0] == elision {
			anywhere = true
			continue
		}
		found := -1
		for i := at; i+len(stretch) <= len(lines) && found < 0 && (anywhere || i == at); i++ {
			if same(stretch, lines[i:i+len(stretch)]) {
				found = i
			}
		}
		if found < 0 {
			return strings.Join(stretch, "\n")
		}
		at, anywhere = found+len(stretch), false
	}
	if !anywhere && at < len(lines) && !(at == 0 && len(page) == 0 && written == "") {
		return "no more than it quotes"
	}
	return ""
}

// stretches cuts lines before and after elisions.
func stretches(page []string) (list [][]string) {
	for i, line := range page {
		if i == 0 || line == elision || page[i-1] == elision {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], line)
	}
	return list
}

// A quotation may end with an elision, which stands for the rest of its line.
func same(page, written []string) bool {
	for i := range page {
		want, rest := strings.CutSuffix(settled(page[i]), elision)
		got := settled(written[i])
		if got != want && !(rest && strings.HasPrefix(got, want)) {
			return false
		}
	}
	return true
}

// unsettled is what is another in each run: moments, and what is measured.
var unsettled = regexp.MustCompile(`\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d( UTC|Z)?)?|\b[0-9a-f]{64}\b|\d+(\.\d+)? (ms|s|connections?|days|left)\b`)

func settled(line string) string {
	return unsettled.ReplaceAllString(strings.TrimRight(line, " "), "#")
}
