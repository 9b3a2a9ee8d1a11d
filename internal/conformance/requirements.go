package main

import (
	_ "embed"
	"fmt"
	"strings"
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
type test struct{ pkg, name string }

func readRequirements() ([]*requirement, error) {
	var rows []*requirement
	byID := make(map[string]*requirement)
	for _, f := range fields(requirementsTSV, 4) {
		r := &requirement{id: f[0], level: f[1], group: f[2], text: f[3]}
		rows, byID[r.id] = append(rows, r), r
	}
	if len(byID) != total {
		return nil, fmt.Errorf("%d requirements are listed, RFC 9293 has %d", len(byID), total)
	}
	excused := fields(notApplicableTSV, 2)
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
