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
//
// With -mutate it removes each behaviour from the code, as the file mutations
// says, and fails if a test does not notice. Names of requirements after the
// flag choose some of them.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	check := flag.Bool("check", false, "only say whether the ledger in docs is what would be written")
	mutating := flag.Bool("mutate", false, "take each behaviour out, or those of the requirements named, and see its tests fail")
	flag.Parse()
	if err := run(*check, *mutating, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run is the command, in the directory of the module.
func run(check, mutating bool, ids []string) error {
	const root = "."
	rows, err := account(root)
	switch {
	case err != nil:
		return err
	case mutating:
		return mutate(root, rows, ids)
	case check:
		return checkLedger(root, rows)
	}
	if err := writeLedger(root, rows); err != nil {
		return err
	}
	if err := runTests(root, rows); err != nil {
		return err
	}
	accounted, complaints := judge(rows)
	for _, c := range complaints {
		fmt.Println(c)
	}
	fmt.Printf("%d of %d accounted for\n", accounted, total)
	if len(complaints) > 0 {
		return fmt.Errorf("%d requirements have neither a test and its code, nor a reason", len(complaints))
	}
	return nil
}
