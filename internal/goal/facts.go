// Reasons for a connection of which no transcript is kept.

package goal

import (
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Facts are what is known of a connection of ours without a transcript. They
// can be compared: the same facts have the same reasons.
type Facts struct {
	Outcome     string
	Answered    bool // a SYN-ACK came
	WrongAnswer bool // the answer to a SYN opens no connection
	ICMP        bool // an ICMP message about it came
	KernelSent  bool // this machine's kernel sent a RST from our address and port, before the peer's if there is one
	Heard       bool // data arrived
	Replied     bool // application data came
	Stage       handshake.Stage
	Version     tlsmsg.Version // that the server chose; 0: not known
	Requested   bool           // the server asked for a client certificate; none is sent
	After       string         // the last message, as handshake has it
	Alert       tlsmsg.Alert
	Agreed      bool   // TLS was agreed on in another protocol
	Waiting     string // what precedes TLS and did not come
	Port        uint16 // if its server says nothing until it is asked: see starttls.OfPort
	Blocked     bool   // the server's window is closed
	Unacked     bool   // it does not acknowledge what was retransmitted
	Bare        string // what the SYN-ACK lacks: see BareSYNACK
	Asked       bool   // something was sent behind it that every host answers,
	Behind      bool   // and something came that only a host sends
}

// Reasons are why the connection ended, the weightiest first: those that a
// transcript of it would have given. The error is nil for a silence, or where
// the outcome says it all. What holds where a transcript would be looked at,
// What and Frames, is not to be relied on.
func (f *Facts) Reasons(err error) []transcript.Reason {
	if f.Outcome == Unresolved {
		return []transcript.Reason{{Code: codeUnresolved, Layer: transcript.Link, Sure: transcript.Certain}}
	}
	if err == nil {
		err = &TimeoutError{Waiting: f.Waiting, Preceding: f.Waiting != ""}
	}
	return f.story().Reasons(f.Outcome, err)
}

// story is the story that a transcript would have given.
func (f *Facts) story() *Story {
	s := NewStory(false)
	at := mark{set: true}
	s.syn, s.syns = at, 1
	s.odd.set, s.icmp.set, s.kernel.set = f.WrongAnswer, f.ICMP, f.KernelSent
	s.synACK.set, s.opened.set = f.Answered, f.Answered
	s.moment, s.last, s.version = f.moment(), f.After, f.Version
	s.requestAt.set = f.Requested
	s.data[transcript.In].set = f.Replied
	s.rst[transcript.In].set = f.Outcome == Reset || f.Outcome == Closed
	s.zero, s.port, s.preceded = f.Blocked, f.Port, f.Waiting != ""
	s.bare, s.prompted.set, s.behind = f.Bare, f.Asked, f.Behind || f.Heard
	if f.Agreed {
		s.notes["tls_begins"] = note{text: transcript.BeginsText(0, 0, "STARTTLS"), count: 1}
	}
	if f.Heard {
		s.octets[transcript.In], s.payload[transcript.In] = 1, at
	}
	if f.Unacked {
		s.octets[transcript.Out], s.repeated = 1, 1
	}
	if f.Alert != (tlsmsg.Alert{}) {
		s.alerts = []alert{{dir: transcript.In, Alert: f.Alert, mark: at, when: s.when(transcript.In), after: f.After}}
	}
	return s
}

func (f *Facts) moment() moment {
	switch {
	case f.Stage == handshake.StageNew:
		return beforeHello
	case f.Stage == handshake.StageHelloSent:
		return afterHello
	case f.Stage < handshake.StageHelloDone:
		return inServerFlight
	case f.Stage == handshake.StageFinished:
		return connected
	case strings.HasSuffix(f.After, tlsmsg.TypeServerHelloDone.Heading()):
		return afterServerFlight
	}
	return afterClientFlight
}
