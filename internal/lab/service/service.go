// Package service has what answers in a lab, and outside of one: TLS of this
// project's own, which can do wrong on purpose, and of crypto/tls; servers that
// speak no TLS; ports that answer nothing. It is behind the kernel's TCP, and
// knows listeners, not namespaces.
//
// service.go says what there is, in the words of a topology file; fault.go what
// our own server does wrong. port.go serves a port; server.go one connection
// after the other, over cryptotls.go's TLS or ours.go's.
package service

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A Service says what answers at a port of a node, or at some of its addresses.
type Service struct {
	Kind Kind   `yaml:"kind"`
	Port uint16 `yaml:"port"`
	// At are the networks of the node at which it answers; none: all. Where
	// two services have a port in common, the narrowest network counts. What is
	// Silent, Closed or Unreachable there is so at every port.
	At []netip.Prefix `yaml:"at,omitempty"`

	// Of TLS and CryptoTLS.
	Key        pki.KeyType `yaml:"key,omitempty"`
	Fault      pki.Fault   `yaml:"fault,omitempty"`
	ClientAuth ClientAuth  `yaml:"client-auth,omitempty"`
	ALPN       []string    `yaml:"alpn,omitempty"`
	Body       string      `yaml:"body,omitempty"` // the reply to a GET
	Suites     []string    `yaml:"suites,omitempty"`
	Groups     []string    `yaml:"groups,omitempty"`
	MinVersion string      `yaml:"min-version,omitempty"`
	MaxVersion string      `yaml:"max-version,omitempty"`
	Tickets    bool        `yaml:"tickets,omitempty"` // CryptoTLS always gives them
	ECH        string      `yaml:"ech,omitempty"`     // the public name of encrypted ClientHellos, which it then reads

	// Of TLS.
	SessionIDs     bool   `yaml:"session-ids,omitempty"`
	HandshakeFault string `yaml:"misbehave,omitempty"` // see ServerFault
	EarlyData      bool   `yaml:"early-data,omitempty"`
	KeyUpdate      bool   `yaml:"key-update,omitempty"` // before a reply

	// Of both.
	ReceiveBuffer int           `yaml:"receive-buffer,omitempty"`
	ReadPause     time.Duration `yaml:"read-pause,omitempty"`
	Linger        time.Duration `yaml:"linger,omitempty"`

	// Text is what a Banner says.
	Text string `yaml:"text,omitempty"`
	// Command is a Command's program and arguments. In them {address}, {port},
	// {cert}, {key} and {ca} stand for what the program should use.
	Command []string `yaml:"command,omitempty"`
}

// A Kind is what a service does.
type Kind string

// The kinds of services.
const (
	TLS         Kind = "tls"         // TLS of this project's own
	CryptoTLS   Kind = "crypto-tls"  // TLS of Go's crypto/tls
	HTTP        Kind = "http"        // answers anything with a plain HTTP error
	Banner      Kind = "banner"      // answers anything with a text
	Echo        Kind = "echo"        // says back what it hears
	Mute        Kind = "mute"        // takes connections and says nothing
	Tarpit      Kind = "tarpit"      // takes connections and says a byte a second, without end
	Hangup      Kind = "hangup"      // takes connections and ends them at once
	Silent      Kind = "silent"      // answers nothing at all
	Closed      Kind = "closed"      // answers with RST
	Unreachable Kind = "unreachable" // an ICMP message says that there is no such host
	Command     Kind = "command"     // a program of its own
)

// Kinds are all kinds of services.
var Kinds = []Kind{TLS, CryptoTLS, HTTP, Banner, Echo, Mute, Tarpit, Hangup, Silent, Closed, Unreachable, Command}

// Check says what is wrong with the service.
func (s *Service) Check() error {
	if !slices.Contains(Kinds, s.Kind) {
		return notOneOf("kind", s.Kind, Kinds)
	}
	if s.Kind == Unreachable && len(s.At) == 0 {
		return fmt.Errorf("%s: at is missing: the networks that cannot be reached", s.Kind)
	}
	if (s.Kind == Command) != (len(s.Command) > 0 && s.Command[0] != "") {
		return fmt.Errorf("kind command and the command itself go together")
	}
	if err := errors.Join(known("key", s.Key, pki.KeyTypes), known("fault", s.Fault, pki.Faults), known("client-auth", s.ClientAuth, clientAuths)); err != nil {
		return err
	}
	if s.ReceiveBuffer < 0 || s.ReadPause < 0 || s.Linger < 0 {
		return fmt.Errorf("receive-buffer %d, read-pause %v, linger %v: none of them may be below 0", s.ReceiveBuffer, s.ReadPause, s.Linger)
	}
	for _, name := range s.ALPN {
		if len(name) == 0 || len(name) > maxALPN {
			return fmt.Errorf("alpn: %q has %d octets, expected 1 to %d", name, len(name), maxALPN)
		}
	}
	if s.Kind == CryptoTLS && (s.SessionIDs || s.HandshakeFault != "" || s.EarlyData || s.KeyUpdate || s.ClientAuth == LaterClient) {
		return fmt.Errorf("session-ids, misbehave, early-data, key-update and client-auth later go with kind %s: %s does none of them", TLS, CryptoTLS)
	}
	if s.EarlyData && !s.Tickets {
		return errors.New("early-data goes with tickets: it is a ticket that allows it")
	}
	o, err := s.options()
	if err == nil && o.MaxVersion != 0 && o.MinVersion > o.MaxVersion {
		return fmt.Errorf("min-version %s is above max-version %s", s.MinVersion, s.MaxVersion)
	}
	return err
}

// maxALPN is the longest name of a protocol (RFC 7301, section 3.1).
const maxALPN = 255

// known refuses a word that is none of a list. The empty one is the default.
func known[T ~string](what string, word T, list []T) error {
	if word == "" || slices.Contains(list, word) {
		return nil
	}
	return notOneOf(what, word, list)
}

// options turns names into numbers.
func (s *Service) options() (o Options, err error) {
	o = Options{
		Key: s.Key, ClientKey: s.Key, Fault: s.Fault, ClientAuth: s.ClientAuth, ALPN: s.ALPN,
		SessionIDs: s.SessionIDs, Tickets: s.Tickets, EarlyData: s.EarlyData, KeyUpdate: s.KeyUpdate, ECH: s.ECH,
		ReceiveBuffer: s.ReceiveBuffer, ReadPause: s.ReadPause, Linger: s.Linger,
	}
	if s.Kind == TLS {
		o.ClientAuth = cmp.Or(o.ClientAuth, NoClientAuth)
	}
	if s.Body != "" {
		o.Body = []byte(s.Body)
	}
	if o.CipherSuites, err = parseAll("suites", s.Suites, tlsmsg.ParseCipherSuite); err != nil {
		return o, err
	}
	if o.Groups, err = parseAll("groups", s.Groups, tlsmsg.ParseNamedGroup); err != nil {
		return o, err
	}
	for _, v := range []struct {
		name, text string
		to         *tlsmsg.Version
	}{{"min-version", s.MinVersion, &o.MinVersion}, {"max-version", s.MaxVersion, &o.MaxVersion}} {
		if v.text == "" {
			continue
		}
		if *v.to, err = tlsmsg.ParseVersion(v.text); err != nil {
			return o, fmt.Errorf("%s: %w", v.name, err)
		}
	}
	o.Wrong, err = ParseServerFault(s.HandshakeFault)
	return o, err
}

// parseAll turns the names in a field into numbers.
func parseAll[T any](field string, names []string, parse func(string) (T, error)) (list []T, err error) {
	for _, name := range names {
		id, err := parse(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		list = append(list, id)
	}
	return list, nil
}

// Routed reports whether the service is the network's: nothing of these
// addresses reaches a socket.
func (s *Service) Routed() bool {
	return len(s.At) > 0 && (s.Kind == Silent || s.Kind == Closed || s.Kind == Unreachable)
}

// String says it in a few words: "tls on 443".
func (s Service) String() string {
	text := fmt.Sprintf("%s on %d", s.Kind, s.Port)
	if s.Routed() {
		text = string(s.Kind)
	}
	if s.Fault != "" {
		text += ", " + string(s.Fault)
	}
	if s.HandshakeFault != "" {
		text += ", " + s.HandshakeFault
	}
	for i, at := range s.At {
		if i == 0 {
			text += " at"
		}
		text += " " + at.String()
	}
	return text
}

// ByPort are a node's services grouped by port, in the order of the ports.
func ByPort(services []Service) (groups [][]Service) {
	sorted := slices.Clone(services)
	slices.SortStableFunc(sorted, func(a, b Service) int { return cmp.Compare(a.Port, b.Port) })
	for i, s := range sorted {
		if i == 0 || s.Port != sorted[i-1].Port {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], s)
	}
	return groups
}
