// Errors with their reason and their remedy, as a person reads them.

package main

import (
	"errors"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
)

// remedied turns an error into text for a person: what happened, why, and what
// to do about it. Text from the network is escaped.
func remedied(err error, reasons []transcript.Reason) error {
	var b strings.Builder
	b.WriteString(plain.EscapeError(err))
	for i := range reasons {
		why, remedy := view.Reason(&reasons[i])
		if reasons[i].Means != "" {
			b.WriteString("\n  Why: " + plain.Escape(why))
		}
		for line := range strings.SplitSeq(remedy, "\n") {
			b.WriteString("\n  " + plain.Escape(line))
		}
	}
	return errors.New(b.String())
}

// grant is the command that gives this very program capabilities.
func grant(capabilities string) string { return goal.Grant(capabilities) }
