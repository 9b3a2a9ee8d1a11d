package main

import (
	"fmt"
	"strings"
)

const preface = `# RFC 9293, requirement by requirement

One row for each requirement of RFC 9293's Appendix B, worded as there: the code that meets it and the tests named for it, or the reason why it does not apply. Written by ` + "`make conformance`" + ` from the sources and the tests, which it runs.

| requirement | | what | code | tests |
| --- | --- | --- | --- | --- |
`

// render writes the ledger.
func render(rows []*requirement) string {
	var b strings.Builder
	b.WriteString(preface)
	for _, r := range rows {
		code, tests := list(r.code, codeLink), list(r.tests, func(t test) string { return "`" + t.name + "`" })
		if r.excuse != "" {
			code, tests = "", "does not apply: "+r.excuse
		}
		fmt.Fprintf(&b, "| %s | %s | %s: %s | %s | %s |\n", r.id, r.level, r.group, r.text, code, tests)
	}
	return b.String()
}

func codeLink(path string) string {
	return fmt.Sprintf("[%s](../%s)", strings.TrimPrefix(path, "rawtcp/"), path)
}

func list[T any](items []T, show func(T) string) string {
	shown := make([]string, len(items))
	for i, item := range items {
		shown[i] = show(item)
	}
	return strings.Join(shown, ", ")
}
