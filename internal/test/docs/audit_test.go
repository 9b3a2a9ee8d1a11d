package docs

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rawshake/rawshake/internal/audit"
)

const auditPage = "../../../docs/audit.md"

func pki24(addr string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(addr), 24) }

// What docs/audit.md says is done as it says it, command by command, those of its CI
// jobs too.
func TestTheCommandsOfTheAuditPage(t *testing.T) {
	page, err := os.ReadFile(auditPage)
	try(t, err)
	s := newSite(t)
	jobs := 0
	for _, b := range blocks(string(page)) {
		switch b.language {
		case "console":
			b.run(t, s.kept, s.shell)
		case "meanwhile":
			s.meanwhile(t, b.text[0])
		case "yaml":
			jobs++
			s.job(t, &b)
		default:
			t.Errorf("line %d: nobody knows how to run %q", b.line, b.language)
		}
	}
	if jobs != 2 {
		t.Errorf("%d CI jobs", jobs)
	}
}

// meanwhile does what the page says that somebody does between two commands.
func (s *site) meanwhile(t *testing.T, what string) {
	t.Helper()
	lines, ok := strings.CutPrefix(what, "nginx gets ")
	if !ok {
		t.Fatalf("nobody knows how to do this: %s", what)
	}
	s.serveWeb(t, lines)
}

// installs is the step of a CI job that a lab without a network cannot do.
const installs = "go install github.com/rawshake/rawshake/cmd/rawshake@latest"

// job runs the commands of a CI job, as GitHub's and GitLab's runners do: each must end
// with status 0. What it then hands on must be there.
func (s *site) job(t *testing.T, b *block) {
	t.Helper()
	var job struct {
		Jobs map[string]struct {
			Steps []struct {
				Run  string
				With struct {
					SARIF string `yaml:"sarif_file"`
				}
			}
		}
		TLS struct {
			Script    []string
			Artifacts struct {
				Reports struct{ JUnit string }
			}
		} `yaml:"tls"`
	}
	try(t, yaml.Unmarshal([]byte(strings.Join(b.text, "\n")), &job))
	commands, files := job.TLS.Script, []string{job.TLS.Artifacts.Reports.JUnit}
	for _, j := range job.Jobs {
		for _, step := range j.Steps {
			commands, files = append(commands, step.Run), append(files, step.With.SARIF)
		}
	}
	ran := 0
	for _, c := range commands {
		if c == "" || c == installs {
			continue
		}
		ran++
		if said := s.shell(t, "set -e\n"+c+"\necho done"); !strings.HasSuffix(said, "\ndone\n") {
			t.Errorf("line %d: %s\nfails:\n%s", b.line, c, said)
		}
	}
	for _, f := range files {
		if f == "" {
			continue
		}
		if text, err := os.ReadFile(s.dir + "/" + f); err != nil || len(text) == 0 {
			t.Errorf("line %d: %s was not written: %v", b.line, f, err)
		}
	}
	if ran == 0 || !slices.ContainsFunc(files, func(f string) bool { return f != "" }) {
		t.Errorf("line %d: a job that runs %d commands, and hands %q on", b.line, ran, files)
	}
}

// The page's lists are those of the program.
func TestTheListsOfTheAuditPage(t *testing.T) {
	var weaknesses, tolerance strings.Builder
	weaknesses.WriteString("| word | severity | |\n| --- | --- | --- |\n")
	for _, id := range audit.WeaknessIDs() {
		name, severity := audit.WeaknessName(id)
		fmt.Fprintf(&weaknesses, "| `%s` | %s | %s |\n", id, severity, name)
	}
	tolerance.WriteString("| word | |\n| --- | --- |\n")
	for _, x := range audit.Tolerances() {
		fmt.Fprintf(&tolerance, "| `%s` | %s |\n", x.Name, x.How)
	}
	page, err := os.ReadFile(auditPage)
	try(t, err)
	fresh := filled(t, filled(t, string(page), "weaknesses", weaknesses.String()), "tolerance", tolerance.String())
	if *update {
		try(t, os.WriteFile(auditPage, []byte(fresh), 0o644))
	} else if fresh != string(page) {
		t.Error("the lists of docs/audit.md are no longer true: go test ./internal/test/docs -update writes them anew")
	}
}

// filled puts a list between its two marks.
func filled(t *testing.T, page, name, list string) string {
	t.Helper()
	begin, end := "<!-- made by go test ./internal/test/docs -update: "+name+" -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("the page has no place for %s", name)
	}
	return before + begin + list + end + after
}
