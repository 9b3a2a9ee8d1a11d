// Names that could not be looked up.

package goal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
)

// Unresolved is the outcome of a name that could not be looked up.
const Unresolved = "unresolved"

// A NameError says that a name could not be looked up, and why.
type NameError struct {
	Name     string
	Versions string // the IP versions that were asked for: "IP", "IPv4", "IPv6"
	Err      error  // the resolver's; nil: it knows no address
}

func (e *NameError) Error() string {
	return fmt.Sprintf("the name %s could not be looked up: %s", e.Name, e.why())
}

// Unwrap returns the resolver's error, or nil.
func (e *NameError) Unwrap() error { return e.Err }

// Timeout reports whether nobody answered in time.
func (e *NameError) Timeout() bool {
	var dns *net.DNSError
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.As(e.Err, &dns) && dns.IsTimeout
}

// why is the resolver's error in our words. For what it met on the network the
// resolver has only text.
func (e *NameError) why() string {
	var dns *net.DNSError
	if !errors.As(e.Err, &dns) {
		dns = &net.DNSError{IsNotFound: e.Err == nil}
	}
	server := "the name server"
	if dns.Server != "" {
		server += " " + dns.Server
	}
	met := func(what string) bool { return strings.Contains(dns.Err, what) }
	switch {
	case dns.IsNotFound:
		return fmt.Sprintf("there is no such name, or it has no %s address", e.Versions)
	case e.Timeout():
		return server + " does not answer"
	case met("connection refused"):
		return "nobody serves names at " + strings.TrimPrefix(server, "the name server ")
	case met("unreachable"), met("no route"):
		return server + " cannot be reached from here"
	case dns.IsTemporary, met("misbehaving"):
		return server + " could not find it out"
	case met("invalid"):
		return "it is not a name that can be asked for"
	}
	return server + " gave no answer that can be used"
}

// NameReason returns the error as a reason.
func (e *NameError) NameReason() transcript.Reason {
	return transcript.Reason{Code: codeUnresolved, Layer: transcript.Link, What: e.Error(), Sure: transcript.Certain,
		Remedy: fmt.Sprintf("Give its address with --resolve %s:ADDR, or see to the name server (/etc/resolv.conf).", e.Name)}
}

const codeUnresolved = "name_unresolved"
