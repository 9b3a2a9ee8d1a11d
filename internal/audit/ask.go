// What is asked in one connection, and what came of it.

package audit

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Question takes one connection. Exactly one of Hello, V2 and Config is set.
type Question struct {
	About string // what is found out, in words: "cipher suites of TLS 1.2"

	// Hello is a ClientHello alone: the server's first flight is read, and the
	// connection is closed.
	Hello *Hello
	V2    bool // a CLIENT-HELLO of SSL 2.0

	// Config is a handshake to its end. The driver sets Random.
	Config      *handshake.Config
	Tickets     bool // wait for what a server of TLS 1.3 sends after it
	Renegotiate bool // then begin another one inside the connection
}

// An Outcome is what came of a question.
type Outcome uint8

// What came of a question.
const (
	NotAsked    Outcome = iota // the budget is spent, or the audit has ended
	Agreed                     // a ServerHello, or a HelloRetryRequest
	Refused                    // an alert
	Closed                     // the server has ended the connection without a word
	Reset                      // by a RST
	Silent                     // it did not answer in time
	Strange                    // it answered with something else
	Unreachable                // there is no connection
)

var outcomes = []string{"not asked", "agreed", "alert", "closed", "reset", "no answer", "not TLS", "unreachable"}

// String is an outcome in words.
func (o Outcome) String() string { return outcomes[o] }

// An Answer is what a server said to a question.
type Answer struct {
	Outcome Outcome
	Err     error // why it is neither Agreed nor Refused
	Alert   tlsmsg.Alert
	// Doubtful: it may be a limiter's, and says nothing about the offer.
	Doubtful bool

	// Of a Question with a Hello:
	Hello       *tlsmsg.ServerHello
	Chain       [][]byte
	KeyExchange *tlsmsg.ServerKeyExchange
	Request     *tlsmsg.CertificateRequest
	Status      []byte // an OCSP response

	V2 *ServerHelloV2

	// Of one with a Config, and KeyExchange:
	State        *handshake.State
	More         *handshake.Details13
	Retry        *tlsmsg.ServerHello // the HelloRetryRequest, if one came
	Request13    *tlsmsg.CertificateRequest
	Share        []byte // the server's key of TLS 1.3
	Finished     bool
	Sessions     []*handshake.Session // that came, with their age at the end
	Lifetime     uint32               // of the first ticket, in seconds
	Renegotiated *bool
}

// Version is the version that was agreed on.
func (a *Answer) Version() tlsmsg.Version {
	switch {
	case a.State != nil:
		return a.State.Version
	case a.Hello == nil:
		return 0
	}
	var v tlsmsg.SupportedVersions
	if found, err := a.Hello.DecodeExtension(&v); found && err == nil && len(v.Versions) == 1 {
		return v.Versions[0]
	}
	return a.Hello.Version
}

// agreed reports whether the server took the offer.
func (a *Answer) agreed() bool { return a.Outcome == Agreed }

// refused reports whether the server declined what was offered, rather than
// this connection: by an alert, or by closing, as some do. A timeout or a
// packet filter's RST says nothing about it.
func (a *Answer) refused() bool {
	return a.Outcome == Refused || a.Outcome == Closed || a.Outcome == Strange && !a.turnedAway()
}

// turnedAway reports whether the connection did not come as far as TLS: what a mail
// server says that has too many says nothing about an offer that it did not see.
func (a *Answer) turnedAway() bool { return errors.As(a.Err, new(*starttls.Error)) }

// known reports whether the answer says anything about the offer. A RST is what
// some stacks send for a ClientHello that they do not like.
func (a *Answer) known() bool {
	return !a.Doubtful && (a.agreed() || a.refused() || a.Outcome == Reset)
}

// String says in a few words what came.
func (a *Answer) String() string {
	switch {
	case a.Hello != nil && a.Version() == tlsmsg.VersionTLS13:
		return fmt.Sprintf("%v, %v, %v", a.Version(), a.Hello.CipherSuite, groupOf(a.Hello))
	case a.Hello != nil:
		return fmt.Sprintf("%v, %v", a.Version(), a.Hello.CipherSuite)
	case a.V2 != nil:
		return "SSL 2.0"
	case a.Outcome == Refused:
		return "alert " + a.Alert.Description.String()
	case a.State != nil && a.Finished:
		return fmt.Sprintf("%v, %v, finished", a.State.Version, a.State.CipherSuite)
	case a.Err != nil:
		return a.Outcome.String() + ": " + a.Err.Error()
	}
	return a.Outcome.String()
}
