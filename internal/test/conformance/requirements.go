// The requirements of RFC 9293, Appendix B, and whether each is accounted for.

package main

import (
	_ "embed"
	"fmt"
	"strings"
)

const (
	total = 119 // RFC 9293, Appendix B: 69 MUST, 31 SHLD, 18 MAY, 1 REC
	// maxExcused bounds the requirements that are said not to apply.
	maxExcused = 12
)

//go:embed rfc9293.tsv
var requirementsTSV string

//go:embed not-applicable.tsv
var notApplicableTSV string

// A requirement is one row of the ledger.
type requirement struct {
	id, level, group, text string

	excuse string   // why it does not apply
	code   []string // files that name it, relative to the module
	tests  []test
}

// A test is one test function that names a requirement.
type test struct{ file, pkg, name string }

// account returns the rows, with everything that the sources in root say about
// each.
func account(root string) ([]*requirement, error) {
	rows, err := readRequirements(requirementsTSV, notApplicableTSV)
	if err != nil {
		return nil, err
	}
	found, err := scan(root)
	if err != nil {
		return nil, err
	}
	return rows, attach(rows, found)
}

// judge counts the rows that are accounted for, and reports the others.
func judge(rows []*requirement) (accounted int, complaints []string) {
	for _, r := range rows {
		what := fmt.Sprintf("(%s: %s)", strings.ToLower(r.level), r.text)
		switch {
		case r.excuse != "" && len(r.tests) > 0:
			complaints = append(complaints, fmt.Sprintf("%s is said not to apply, and %s tests it", r.id, r.tests[0].name))
		case r.excuse != "":
			accounted++
		case len(r.tests) == 0:
			complaints = append(complaints, fmt.Sprintf("%s has no test %s", r.id, what))
		case len(r.code) == 0:
			complaints = append(complaints, fmt.Sprintf("%s is named by no code %s", r.id, what))
		default:
			accounted++
		}
	}
	return accounted, complaints
}

func readRequirements(requirements, excuses string) ([]*requirement, error) {
	var rows []*requirement
	byID := make(map[string]*requirement)
	for _, f := range fields(requirements, 4) {
		r := &requirement{id: f[0], level: f[1], group: f[2], text: f[3]}
		rows, byID[r.id] = append(rows, r), r
	}
	if len(byID) != total || len(rows) != total {
		return nil, fmt.Errorf("%d requirements are listed, RFC 9293 has %d", len(byID), total)
	}
	excused := fields(excuses, 2)
	if len(excused) > maxExcused {
		return nil, fmt.Errorf("%d requirements are said not to apply, at most %d may be", len(excused), maxExcused)
	}
	for _, f := range excused {
		r := byID[f[0]]
		if r == nil || f[1] == "" {
			return nil, fmt.Errorf("not-applicable.tsv: %q is no requirement, or has no reason", f[0])
		}
		r.excuse = f[1]
	}
	return rows, nil
}

// fields splits a table of n columns, without comments.
func fields(tsv string, n int) [][]string {
	var rows [][]string
	for line := range strings.Lines(tsv) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.SplitN(line, "\t", n)
		for len(row) < n {
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	return rows
}
