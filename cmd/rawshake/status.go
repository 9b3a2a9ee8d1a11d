// The exit statuses, the same for every subcommand.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/rawshake/rawshake/internal/goal"
)

// The exit statuses, the same for every subcommand.
const (
	exitOK          = 0
	exitError       = 1 // anything else
	exitUsage       = 2
	exitNotAllowed  = 3 // by this machine
	exitUnreachable = 4 // refused, reset or unreachable
	exitTimeout     = 5
	exitTLS         = 6 // not TLS, an alert, or a broken protocol
	exitUnverified  = 7
	// exitNonconforming is audit's alone.
	exitNonconforming = 8
)

// statuses is what each of them means, for the help and the manual pages.
var statuses = []string{
	exitOK:            "as far as asked",
	exitError:         "anything else",
	exitUsage:         "wrong usage",
	exitNotAllowed:    "this machine does not allow it",
	exitUnreachable:   "refused, reset or unreachable",
	exitTimeout:       "timed out",
	exitTLS:           "the peer does not speak TLS, sent an alert, or broke the protocol",
	exitUnverified:    "certificate not verified",
	exitNonconforming: "does not conform (audit --policy)",
}

// A statusError ends the program with a status and, unless err is nil, a
// sentence.
type statusError struct {
	code int
	err  error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// kindOf is the status of an error that means the same in every command: the
// machine forbids something. Other errors are for the command to judge.
func kindOf(err error, otherwise int) int {
	var file *fs.PathError
	if errors.As(err, &file) { // may not be read, say: the command line names another
		return otherwise
	}
	for _, forbidden := range notAllowed {
		if errors.Is(err, forbidden) {
			return exitNotAllowed
		}
	}
	return otherwise
}

// failure gives an error its status.
func failure(err error) error {
	var status *statusError
	if err == nil || errors.As(err, &status) {
		return err
	}
	return &statusError{kindOf(err, exitError), err}
}

func usageError(format string, args ...any) error {
	return &statusError{exitUsage, fmt.Errorf(format, args...)}
}

// fileError says that a file cannot be written. An impossible path is wrong
// usage; a full disk and the like are not.
func fileError(flag string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR) {
		return usageError("%s: %v", flag, err)
	}
	return &statusError{exitError, fmt.Errorf("%s: %w", flag, err)}
}

// outcomeStatus maps a connection's outcome to the exit status.
func outcomeStatus(outcome string) int {
	switch outcome {
	case goal.NotAllowed:
		return exitNotAllowed
	case goal.Closed, goal.Reset, goal.Unreachable, goal.Unresolved:
		return exitUnreachable
	case goal.Timeout:
		return exitTimeout
	case goal.NotTLS, goal.Preamble, goal.Alert, goal.Protocol:
		return exitTLS
	case goal.Unverified:
		return exitUnverified
	}
	return exitError
}
