// Command conformance builds docs/rfc9293.md: a row for each requirement of
// RFC 9293's Appendix B, with the code that meets it and the tests named for
// it, or the reason why it does not apply. It runs those tests, and fails on a
// row that has none.
//
// A test is named for a requirement by a line in its doc comment:
//
//	// Requirements: MUST-13, SHLD-4
//
// and code by a comment that holds the requirement's name.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

const (
	ledger = "docs/rfc9293.md"
	total  = 119 // RFC 9293, Appendix B: 69 MUST, 31 SHLD, 18 MAY, 1 REC
	// maxExcused bounds the requirements that are said not to apply.
	maxExcused = 12
)

func main() {
	check := flag.Bool("check", false, "fail where the ledger in docs is not what would be written")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	rows, err := readRequirements()
	if err != nil {
		return err
	}
	found, err := scan(".")
	if err != nil {
		return err
	}
	if err := attach(rows, found); err != nil {
		return err
	}
	accounted, complaints := judge(rows)
	for _, c := range complaints {
		fmt.Println(c)
	}
	text := render(rows)
	if check {
		old, err := os.ReadFile(ledger)
		if err != nil {
			return err
		}
		if string(old) != text {
			return fmt.Errorf("%s is not what the tests say: run make conformance", ledger)
		}
	} else if err := os.WriteFile(ledger, []byte(text), 0o644); err != nil {
		return err
	}
	if err := runTests(rows); err != nil {
		return err
	}
	fmt.Printf("%d of %d accounted for\n", accounted, total)
	if len(complaints) > 0 {
		return fmt.Errorf("%d requirements have neither a test nor a reason", len(complaints))
	}
	return nil
}

// judge counts the rows that are accounted for, and complains of the others.
func judge(rows []*requirement) (accounted int, complaints []string) {
	for _, r := range rows {
		switch {
		case r.excuse == "" && len(r.tests) == 0:
			complaints = append(complaints, fmt.Sprintf("%s has no test: %s", r.id, strings.ToLower(r.level)+" "+r.text))
		case r.excuse == "" && len(r.code) == 0:
			complaints = append(complaints, fmt.Sprintf("%s is named by no code: %s", r.id, r.text))
		default:
			accounted++
		}
	}
	return accounted, complaints
}
