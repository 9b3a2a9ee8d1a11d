package lab

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

	// Of TLS.
	Suites     []string `yaml:"suites,omitempty"`
	Groups     []string `yaml:"groups,omitempty"`
	MinVersion string   `yaml:"min-version,omitempty"`
	MaxVersion string   `yaml:"max-version,omitempty"`
	Tickets    bool     `yaml:"tickets,omitempty"`
	SessionIDs bool     `yaml:"session-ids,omitempty"`
	Misbehave  string   `yaml:"misbehave,omitempty"` // see ServerFault

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

var kinds = []Kind{TLS, CryptoTLS, HTTP, Banner, Echo, Mute, Tarpit, Hangup, Silent, Closed, Unreachable, Command}

func (s *Service) check() error {
	if !slices.Contains(kinds, s.Kind) {
		return notOneOf("kind", s.Kind, kinds)
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
	o, err := s.ourOptions()
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

var clientAuths = []ClientAuth{NoClientAuth, RequestClient, RequireClient}

// ourOptions turns names into numbers.
func (s *Service) ourOptions() (o OurServerOptions, err error) {
	o = OurServerOptions{
		Key: s.Key, ClientKey: s.Key, Fault: s.Fault, ClientAuth: s.ClientAuth, ALPN: s.ALPN,
		SessionIDs: s.SessionIDs, Tickets: s.Tickets,
		ReceiveBuffer: s.ReceiveBuffer, ReadPause: s.ReadPause, Linger: s.Linger,
	}
	if s.Body != "" {
		o.Body = []byte(s.Body)
	}
	for _, name := range s.Suites {
		id, err := tlsmsg.ParseCipherSuite(name)
		if err != nil {
			return o, fmt.Errorf("suites: %w", err)
		}
		o.CipherSuites = append(o.CipherSuites, id)
	}
	for _, name := range s.Groups {
		id, err := tlsmsg.ParseNamedGroup(name)
		if err != nil {
			return o, fmt.Errorf("groups: %w", err)
		}
		o.Groups = append(o.Groups, id)
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
	o.Wrong, err = ParseServerFault(s.Misbehave)
	return o, err
}

// String says it in a few words: "tls on 443".
func (s Service) String() string {
	text := fmt.Sprintf("%s on %d", s.Kind, s.Port)
	if s.routed() {
		text = string(s.Kind)
	}
	if s.Fault != "" {
		text += ", " + string(s.Fault)
	}
	if s.Misbehave != "" {
		text += ", " + s.Misbehave
	}
	for i, at := range s.At {
		if i == 0 {
			text += " at"
		}
		text += " " + at.String()
	}
	return text
}

// byPort are a node's services grouped by port, in the order of the ports.
func byPort(services []Service) (groups [][]Service) {
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
