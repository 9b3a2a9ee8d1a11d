// Renders docs/rfc9293.md.

package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

const ledger = "docs/rfc9293.md"

const preface = `# RFC 9293, requirement by requirement

What RFC 9293 asks of a TCP, in the order and the words of its Appendix B, and how rawshake's meets it. A row names the code, in ` + "`rawtcp`" + `, whose comments name the requirement, and the tests that hold it; or it says why the requirement does not apply to us.

` + "`make conformance`" + ` writes this page from the sources and the tests, runs those tests, and fails where a row has none. ` + "`make mutate`" + ` takes the behaviour of each row out of the code, and fails where its tests do not notice.

`

// render writes the ledger.
func render(rows []*requirement) string {
	var b strings.Builder
	b.WriteString(preface)
	excused := 0
	for _, r := range rows {
		if r.excuse != "" {
			excused++
		}
	}
	fmt.Fprintf(&b, "%d requirements: %d are met, %d do not apply.\n", len(rows), len(rows)-excused, excused)
	group := ""
	for _, r := range rows {
		if r.group != group {
			group = r.group
			fmt.Fprintf(&b, "\n## %s\n\n| requirement | | code | tests |\n| --- | --- | --- | --- |\n", group)
		}
		code, tests := list(r.code, codeLink), list(r.tests, testLink)
		if r.excuse != "" {
			code, tests = "", "*does not apply:* "+r.excuse
		}
		fmt.Fprintf(&b, "| **%s** | %s: %s | %s | %s |\n", r.id, r.level, r.text, code, tests)
	}
	return b.String()
}

func codeLink(file string) string {
	return fmt.Sprintf("[%s](../%s)", strings.TrimPrefix(file, "rawtcp/"), file)
}

func testLink(t test) string { return fmt.Sprintf("[%s](../%s)", t.name, path.Clean(t.file)) }

func list[T any](items []T, show func(T) string) string {
	shown := make([]string, len(items))
	for i, item := range items {
		shown[i] = show(item)
	}
	return strings.Join(shown, ", ")
}

func writeLedger(root string, rows []*requirement) error {
	return os.WriteFile(filepath.Join(root, ledger), []byte(render(rows)), 0o644)
}

func checkLedger(root string, rows []*requirement) error {
	old, err := os.ReadFile(filepath.Join(root, ledger))
	if err != nil {
		return err
	}
	if string(old) != render(rows) {
		return fmt.Errorf("%s is not what the sources and tests say: run make conformance", ledger)
	}
	return nil
}
