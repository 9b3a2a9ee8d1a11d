//go:build linux

// Why a server could not be audited, in the words of `connect`.

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// unresolved is the report of a host whose name has no address: the others are
// audited all the same.
func (f *auditFlags) unresolved(t target, serverName string, err error) (*audit.Report, error) {
	var name *goal.NameError
	if !errors.As(err, &name) {
		return nil, failure(err)
	}
	r := audit.New(audit.Options{ServerName: serverName, Time: time.Now(), Random: func([]byte) {}}).Report(nil)
	r.Connections, r.NotAsked = 0, nil
	r.Host, r.Port, r.STARTTLS = t.host, t.port, f.preamble.starttls
	r.Cause, r.Error, r.Failure = err, err.Error(), audit.Unreachable
	if name.Timeout() {
		r.Failure = audit.Silent
	}
	return r, nil
}

// sayFailure says why a server agreed to nothing, and what to do about it.
func sayFailure(r *audit.Report) {
	fmt.Fprintf(os.Stderr, "rawshake: %s: %v\n", serverOf(r), remedied(r.Cause, failureReasons(r)))
}

// serverOf names a report's server, harmless to a terminal.
func serverOf(r *audit.Report) string {
	return plain.Escape(net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))))
}

// failureReasons are the reasons that connect would give.
func failureReasons(r *audit.Report) []transcript.Reason {
	var name *goal.NameError
	var timeout *goal.TimeoutError
	if errors.As(r.Cause, &name) {
		return []transcript.Reason{name.NameReason()}
	}
	f := goal.Facts{Outcome: failureOutcome(r), Port: r.Port, Alert: r.Alert}
	if f.Outcome == goal.Alert && r.Alert.Description != tlsmsg.AlertUnrecognizedName {
		return []transcript.Reason{nothingTaken}
	}
	before := f.Outcome == goal.Closed || f.Outcome == goal.Unreachable
	if errors.As(r.Cause, &timeout) {
		before = !timeout.Connected
		if timeout.Preceding {
			f.Waiting = timeout.Waiting
		}
	}
	preceding := f.Waiting != "" || errors.As(r.Cause, new(*starttls.Error))
	f.Answered = !before
	if !before && !preceding {
		f.Stage, f.After = handshake.StageHelloSent, "our ClientHello"
		f.Agreed = r.STARTTLS != ""
		f.Heard = f.Outcome == goal.NotTLS || f.Outcome == goal.Alert
	}
	return f.Reasons(r.Cause)
}

// nothingTaken is the reason where all was offered, and all refused.
var nothingTaken = transcript.Reason{Code: "nothing_taken", Layer: transcript.TLS, Sure: transcript.Guess,
	Means:  "of all that there is from SSL 2.0 to TLS 1.3 the server took nothing: it may serve another name only, have no certificate, or refuse this address",
	Remedy: "Give the name that it serves, --servername NAME; look into the server's log."}

// failureOutcome is what came of the first connection, in connect's words. The
// errors of a stream of the kernel's are not ours.
func failureOutcome(r *audit.Report) string {
	outcome := goal.Outcome(goal.Finished, r.Cause)
	if outcome != goal.Failed {
		return outcome
	}
	switch r.Failure {
	case audit.Reset:
		return goal.Reset
	case audit.Silent:
		return goal.Timeout
	case audit.Unreachable:
		return goal.Unreachable
	case audit.Closed, audit.Strange:
		return goal.Protocol
	}
	return outcome
}
