package goal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// Whatever the resolver met is reported in our own words, with the name server
// if it is known, and without Go's.
func TestANameThatCannotBeLookedUpIsToldInOurWords(t *testing.T) {
	const server = "192.0.2.1:53"
	for want, err := range map[string]error{
		"no such name, or it has no IPv4 address": nil,
		"has no IPv4 address":                     &net.DNSError{Err: "no such host", Name: "a.test", Server: server, IsNotFound: true},
		"name server " + server + " does not":     &net.DNSError{Err: "read udp 10.0.0.1:4->" + server + ": i/o timeout", Server: server, IsTimeout: true},
		"the name server does not answer":         fmt.Errorf("lookup a.test: %w", context.DeadlineExceeded),
		"serves names at " + server:               &net.DNSError{Err: "read udp 10.0.0.1:4->" + server + ": read: connection refused", Server: server, IsTemporary: true},
		server + " cannot be reached":             &net.DNSError{Err: "dial udp " + server + ": connect: network is unreachable", Server: server},
		server + " could not find it out":         &net.DNSError{Err: "server misbehaving", Server: server, IsTemporary: true},
		"the name server gave no answer":          errors.New("dnsmessage: unpacking struct { x int }"),
	} {
		e := &NameError{Name: "a.test", Versions: "IPv4", Err: err}
		text := e.Error()
		if !strings.Contains(text, want) || !strings.Contains(text, "a.test") {
			t.Errorf("%v: %q, want %q", err, text, want)
		}
		for _, gos := range []string{"lookup", "udp", "dial", "->", "deadline", "struct", "no such host"} {
			if strings.Contains(text, gos) {
				t.Errorf("%q quotes Go's %q", text, gos)
			}
		}
		if got := Outcome(Finished, e); got != Unresolved {
			t.Errorf("%v: outcome %s", err, got)
		}
	}
}

// An unresolved name has the same code in a result of probe and for connect.
func TestTheCodesOfANameAreTheSame(t *testing.T) {
	for _, err := range []error{nil, context.DeadlineExceeded} {
		e := &NameError{Name: "a.test", Versions: "IP", Err: err}
		f := Facts{Outcome: Outcome(Finished, e)}
		if reasons := f.Reasons(nil); len(reasons) != 1 || reasons[0].Code != e.NameReason().Code {
			t.Errorf("%v: probe says %v, connect %q", err, reasons, e.NameReason().Code)
		}
	}
}
