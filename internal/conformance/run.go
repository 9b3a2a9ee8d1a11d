package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// runTests runs the tests that the ledger names, package by package. A name
// that go test does not run would be a row without a test.
func runTests(rows []*requirement) error {
	names := make(map[string][]string)
	for _, r := range rows {
		for _, t := range r.tests {
			if !slices.Contains(names[t.pkg], t.name) {
				names[t.pkg] = append(names[t.pkg], t.name)
			}
		}
	}
	for pkg, tests := range names {
		cmd := exec.Command("go", "test", "-count=1", "-v", "-run", "^("+strings.Join(tests, "|")+")$", "./"+pkg)
		out, err := cmd.CombinedOutput()
		if err != nil {
			os.Stdout.Write(out)
			return fmt.Errorf("the tests of %s fail: %w", pkg, err)
		}
		for _, name := range tests {
			if !strings.Contains(string(out), "--- PASS: "+name+" ") {
				return fmt.Errorf("%s of %s did not run", name, pkg)
			}
		}
		fmt.Printf("ok\t%s\t%d tests\n", pkg, len(tests))
	}
	return nil
}
