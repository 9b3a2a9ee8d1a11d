// Runs the tests that the ledger names.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// runTests runs the tests that the ledger names. A test that go test does not
// run, or skips, counts as missing.
func runTests(root string, rows []*requirement) error {
	wanted := make(map[string]map[string]bool) // by package, then name: whether it has passed
	all := make(map[string]bool)
	for _, r := range rows {
		for _, t := range r.tests {
			if wanted[t.pkg] == nil {
				wanted[t.pkg] = make(map[string]bool)
			}
			wanted[t.pkg][t.name], all[t.name] = false, true
		}
	}
	args := []string{"test", "-count=1", "-json", "-run", "^(" + strings.Join(sorted(all), "|") + ")$"}
	for _, pkg := range sorted(wanted) {
		args = append(args, "./"+pkg)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, failed := cmd.Output()
	var said strings.Builder
	for line := range bytes.Lines(out) {
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		said.WriteString(e.Output)
		for pkg, tests := range wanted {
			if _, ours := tests[e.Test]; ours && e.Action == "pass" && strings.HasSuffix(e.Package, "/"+pkg) {
				tests[e.Test] = true
			}
		}
	}
	if failed != nil {
		fmt.Print(said.String())
		return fmt.Errorf("the tests fail: %w", failed)
	}
	return passed(wanted)
}

// passed fails unless all wanted tests passed.
func passed(wanted map[string]map[string]bool) error {
	for _, pkg := range sorted(wanted) {
		for _, name := range sorted(wanted[pkg]) {
			if !wanted[pkg][name] {
				return fmt.Errorf("%s of %s did not run", name, pkg)
			}
		}
		fmt.Printf("ok\t%s\t%d tests\n", pkg, len(wanted[pkg]))
	}
	return nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
