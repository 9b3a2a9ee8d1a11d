// Package record is what a scan says of one target: a line of JSON, described
// in docs/record.md and by the schema beside this file.
package record

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/facts/p0f"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Outcomes that are no goal. One that is reached is named for it: open, hello,
// certificate, finished, data.
const (
	OutcomeAudited     = "audited"     // it was asked everything
	OutcomeClosed      = "closed"      // a RST answered the SYN
	OutcomeUnreachable = "unreachable" // ICMP said so, or the next hop does not answer
	OutcomeSilent      = "silent"      // nothing answered the SYN
	OutcomeNotTLS      = "not_tls"     // what came first is no TLS record
	OutcomePreamble    = "preamble"    // what precedes TLS failed, such as STARTTLS
	OutcomeAlert       = "alert"       // the peer's alert ended it
	OutcomeProtocol    = "protocol"    // the peer broke TCP or TLS, or ended it too early
	OutcomeTimeout     = "timeout"     // the goal was not reached in time
	OutcomeReset       = "reset"       // a RST ended an established connection
	OutcomeUnresolved  = "unresolved"  // the host's name could not be looked up
	OutcomeFailed      = "error"       // this side could not do its part
)

// Outcomes lists all that there are: the goals, then the rest.
var Outcomes = outcomes[:]

// OutcomeCount is how many there are.
const OutcomeCount = len(outcomes)

var outcomes = [...]string{"open", "hello", "certificate", "finished", "data", OutcomeAudited,
	OutcomeClosed, OutcomeUnreachable, OutcomeSilent, OutcomeNotTLS, OutcomePreamble, OutcomeAlert, OutcomeProtocol, OutcomeTimeout,
	OutcomeReset, OutcomeUnresolved, OutcomeFailed}

// How a reply ended.
const (
	EndComplete = "complete"     // all of its length came
	EndNotified = "close_notify" // the peer's
	EndClosed   = "closed"       // the connection ended otherwise: the rest may be missing
	EndTimeout  = "timeout"      // nothing more came in time
	EndLimit    = "limit"        // as much as is kept
)

// The steps towards the goal, in order; the first is at 0 by definition.
const (
	StepSYN         = iota // the first SYN left
	StepAnswer             // the SYN-ACK came
	StepHello              // ServerHello
	StepCertificate        // Certificate
	StepFinished           // both Finished
	StepData               // the first application data
	steps
)

// A Result is all that is known of one target. Zero values are what is not
// known, and left out.
type Result struct {
	Addr      netip.Addr
	Port      uint16
	Name      string // server_name, and what the certificate should be for
	Tag       string
	Local     netip.AddrPort
	Time      time.Time // when the first SYN left
	OK        bool
	Outcome   string
	Error     string
	After     string   // the last message before a failure
	Class     string   // of a protocol's failure, or of what precedes TLS: where, in a word
	Reasons   []Reason // why it did not reach the goal
	Repeat    bool     // an earlier run may have probed it already
	Anomalies []string

	SYNs  int
	RTT   time.Duration // negative: not known
	Steps [steps]time.Duration
	TCP   *Answer
	Reset *Reset
	ICMP  *ICMP

	TLS       *handshake.State     // nil: nothing of TLS was heard
	TLS13     *handshake.Details13 // nil: TLS 1.3 was not offered
	Stage     handshake.Stage
	AlertIn   *tlsmsg.Alert
	AlertOut  tlsmsg.AlertDescription
	AlertSent bool
	Preamble  []string // what the peer said before TLS, line by line
	First     []byte   // of a peer that does not speak TLS
	Data      []byte   // the first bytes of the reply
	DataLen   int      // of all that was read of it
	DataEnd   string   // how it ended; empty: there is none

	Audit    []byte // an audit's report, as JSON; nil: there is none
	Evidence Packet
}

// A Reason is why a target did not reach the goal.
type Reason struct {
	Code  string
	Means string // a clause, or ""
	Sure  string // how sure that is
}

// An Answer is what a SYN-ACK says.
type Answer struct {
	TTL       uint8
	IPOptions uint8 // octets of IPv4 options
	IPID      uint16
	Window    uint16
	Quirks    p0f.Quirks
	Flags     wire.Flags
	Mark      wire.ECN // of the packet
	Crossed   bool     // it is a SYN, without an ACK
	Options   wire.Options

	Len    int32 // of data on it
	Resent int32 // segments that the peer sent again
	Bytes  int   // that the peer sent in all
}

// A Reset is the RST that ended a connection.
type Reset struct {
	TTL        uint8
	IPID       uint16
	FromHost   bool // whether both fit the SYN-ACK's,
	Known      bool // and that tells whose it is
	KernelSent bool // it came after one of this machine's kernel: it answers that
}

// An ICMP is the message that ended an attempt.
type ICMP struct {
	From       netip.Addr
	Type, Code uint8
	Text       string
}

// PacketKept is how much of a packet is kept as evidence, in bytes.
const PacketKept = 96

// A Packet is the packet that decided the outcome.
type Packet struct {
	At   time.Duration // from the first SYN
	Len  int           // of the whole packet; 0: there is none
	Data [PacketKept]byte
}

// Set keeps the beginning of a packet.
func (p *Packet) Set(at time.Duration, packet []byte) {
	p.At, p.Len = at, len(packet)
	copy(p.Data[:], packet)
}

// signature fills in the answer for p0f's notation.
func (a *Answer) signature(s *p0f.Signature, from netip.Addr) {
	*s = p0f.Signature{Version: 4, TTL: a.TTL, IPOptions: a.IPOptions, Window: a.Window, Payload: a.Len > 0, Quirks: a.Quirks, Options: a.Options}
	if from.Is6() {
		s.Version = 6
	}
}
