// Reads the mutations and applies one to its source.

package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed mutations
var mutationsText string

// A mutation removes a behaviour from the code. Each of its tests must then
// fail.
type mutation struct {
	ids    []string // the requirements that the behaviour meets
	file   string   // relative to the module
	names  []string // of the tests
	before []string // lines of the file, without their indentation
	after  []string // what replaces them
	tests  []test   // those with names, once resolved
}

func (m *mutation) String() string {
	return fmt.Sprintf("%s in %s", strings.Join(m.ids, " "), m.file)
}

// readMutations reads the file mutations, which describes its format at the
// top.
func readMutations(text string) ([]*mutation, error) {
	var all []*mutation
	var m *mutation
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
			m = nil
		case line[0] == '#':
		case line[0] == '-' && m != nil:
			m.before = append(m.before, strings.TrimSpace(line[1:]))
		case line[0] == '+' && m != nil:
			m.after = append(m.after, strings.TrimSpace(line[1:]))
		default:
			head := strings.Split(line, ": ")
			if len(head) != 3 || m != nil {
				return nil, fmt.Errorf("mutations: %q is not REQUIREMENTS: FILE: TESTS", line)
			}
			m = &mutation{ids: strings.Fields(head[0]), file: head[1], names: strings.Fields(head[2])}
			all = append(all, m)
		}
	}
	return all, nil
}

// resolve finds the mutation's tests among those that claim its requirements.
func (m *mutation) resolve(rows []*requirement) error {
	for _, name := range m.names {
		found := len(m.tests)
		for _, r := range rows {
			for _, t := range r.tests {
				if t.name == name && slices.Contains(m.ids, r.id) && !slices.Contains(m.tests, t) {
					m.tests = append(m.tests, t)
				}
			}
		}
		if len(m.tests) == found {
			return fmt.Errorf("mutation of %v: no test %s is named for it", m, name)
		}
	}
	return nil
}

// apply returns the source without the behaviour.
func (m *mutation) apply(source string) (string, error) {
	lines := strings.Split(source, "\n")
	at, n := 0, 0
	for i := range lines {
		if len(m.before) > 0 && m.standsAt(lines[i:]) {
			at, n = i, n+1
		}
	}
	if n != 1 {
		return "", fmt.Errorf("mutation of %v: its lines stand there %d times, not once:\n\t%s", m, n, strings.Join(m.before, "\n\t"))
	}
	return strings.Join(slices.Concat(lines[:at], m.after, lines[at+len(m.before):]), "\n"), nil
}

func (m *mutation) standsAt(lines []string) bool {
	if len(lines) < len(m.before) {
		return false
	}
	for i, want := range m.before {
		if strings.TrimSpace(lines[i]) != want {
			return false
		}
	}
	return true
}

// unmutated returns the claims, "requirement test", that no mutation checks.
func unmutated(rows []*requirement, all []*mutation) []string {
	var claims []string
	for _, r := range rows {
		for _, t := range r.tests {
			tried := func(m *mutation) bool { return slices.Contains(m.ids, r.id) && slices.Contains(m.tests, t) }
			if !slices.ContainsFunc(all, tried) {
				claims = append(claims, r.id+" "+t.name)
			}
		}
	}
	return claims
}
