// Package scenario holds the scenarios of `rawshake lab demo`: small stories of
// a handshake, told in a private network. Each says what stands there, which
// connections are made, what a reader should look at, and what must be seen;
// the tests run each and hold it to that, and docs/scenarios.md is written from
// such runs.
//
// To add one, add a value to a file of this folder and its name to all.
package scenario

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/netem"
)

// A Scenario is one story.
type Scenario struct {
	Name  string
	Title string // a line for the list
	About string // what is set up, and what to look at: said before
	// Impairment is that of the link between the two hosts.
	Impairment netem.Impairment
	Serve      func(*lab.Lab) (Server, error)
	Steps      []Step
}

// Topology is the network of the story.
func (s *Scenario) Topology() lab.Topology {
	t := lab.Bare()
	t.Links[0].Impairment = s.Impairment
	return t
}

// A Step is one connection of the story, made by `rawshake connect`.
type Step struct {
	Say   string // before it
	Args  string // beside the host and the CA, in words: "--get / --guard none"
	Input string // sent, where the arguments lead to data without a --get
	Exit  int    // the exit status that it must have
	// Shows is what the ladder must show, in this order, whatever else comes
	// in between: "out SYN", "in server_hello", or a decision's name.
	Shows []string
	Then  string // said after it
}

// A Server is the peer of a scenario.
type Server interface {
	Addr() netip.AddrPort
	CAFile() string
	ClientCertFile() string
	ClientKeyFile() string
	ECHConfigFile() string
	OldECHConfigFile() string
	Close() error
}

// ours serves with this project's own TLS, and asks for no certificate unless it
// is told to.
func ours(o service.Options) func(*lab.Lab) (Server, error) {
	o.ClientAuth = cmp.Or(o.ClientAuth, service.NoClientAuth)
	return func(l *lab.Lab) (Server, error) { return l.StartOurServer(o) }
}

// independent serves with crypto/tls.
func independent(o service.Options) func(*lab.Lab) (Server, error) {
	return func(l *lab.Lab) (Server, error) { return l.StartTLSServer(o) }
}

// all are the scenarios, in the order in which they are best read. The first is
// what `lab demo` shows.
var all = []*Scenario{
	&mutualTLS, &rsa, &dhe, &ecdhe, &resumption,
	&tls13, &helloRetry, &resumption13, &earlyData, &clientAuth13, &postHandshakeAuth, &keyUpdate, &downgrade, &postQuantum, &ech,
	&badCertificate, &badFinished, &alert,
	&rstWar, &synLoss, &reorder, &jitter, &mtuBlackHole, &zeroWindow, &halfClose,
}

// All are the scenarios, in the order in which they are best read.
func All() []*Scenario { return slices.Clone(all) }

// Find returns the scenario of a name; the empty name is the first one's.
func Find(name string) (*Scenario, error) {
	if name == "" {
		return all[0], nil
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("there is no scenario %q: there are %s", name, strings.Join(names, ", "))
}

// mutual are the thirteen steps of a full handshake with client
// authentication: the messages of RFC 5246, figure 1. Some are the key
// exchange's.
func mutual(serverKeyExchange bool) []string {
	flight := []string{"out SYN", "in SYN-ACK", "out ACK", "out client_hello", "in server_hello", "in certificate"}
	if serverKeyExchange {
		flight = append(flight, "in server_key_exchange")
	}
	return append(flight,
		"in certificate_request", "in server_hello_done",
		"out certificate", "out client_key_exchange", "out certificate_verify", "out change_cipher_spec", "out finished",
		"in change_cipher_spec", "in finished")
}
