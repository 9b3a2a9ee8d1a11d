// Turns the TLS machine's events into entries.

package transcript

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// TLS records what the TLS machine did or decided. Outgoing records and
// messages become entries when the frame with their first byte goes by.
func (r *Recorder) TLS(at time.Duration, event handshake.Event) {
	r.learned.tls = true
	if r.base != [2]int64{} {
		event = r.moved(event)
	}
	switch e := event.(type) {
	case handshake.RecordEvent:
		r.carried(at, e.Dir, recordEntry(&e))
	case handshake.MessageEvent:
		r.carried(at, e.Dir, messageEntry(&e))
		r.noteHello(at, &e)
	case handshake.SecretEvent:
		r.t.Secrets = append(r.t.Secrets, Secret{e.Label, e.ClientRandom, e.Secret})
	case handshake.PreMasterEvent:
		if r.t.PreMaster == nil { // of the first handshake, which is the one shown
			r.t.PreMaster = e.Secret
		}
	default:
		if d := r.tlsDecision(at, event); d != nil {
			d.Event = event
			r.decide(at, Local, TLS, nil, d)
		}
	}
}

func recordEntry(e *handshake.RecordEvent) *Entry {
	return &Entry{Type: TypeRecord, Record: &Record{
		Type: e.Type, Version: e.Version, Offset: e.Offset,
		Wire: e.Wire, Encrypted: e.Encrypted, Plaintext: e.Plaintext,
		Epoch: e.Epoch, Inner: e.Inner, Padding: e.Padding,
	}}
}

func messageEntry(e *handshake.MessageEvent) *Entry {
	return &Entry{Type: TypeMessage, Message: &Message{
		Content: e.Content, Type: e.Type, Raw: e.Raw, Encrypted: e.Encrypted,
		Offset: e.Offset, End: e.End, Context: e.Context, MeansNothing: e.MeansNothing, Inner: e.Inner,
	}}
}

// carried adds an incoming record or message with the frame that completed it,
// and lets an outgoing one wait for its frame.
func (r *Recorder) carried(at time.Duration, dir handshake.Direction, e *Entry) {
	e.At, e.Layer = at, TLS
	if dir == handshake.In {
		e.Dir, e.Frame = In, r.halves[In].completed(e.end())
		if e.Frame == nil {
			e.Frame = r.latest[In]
		}
		r.add(e, e.size())
		return
	}
	e.Dir = Out
	// Do not hold what was already sent: a driver may report late.
	if f := r.latest[Out]; f != nil && e.first() < r.halves[Out].next() {
		e.Frame = f
		r.add(e, e.size())
		return
	}
	r.hold(e)
}

func (r *Recorder) noteHello(at time.Duration, e *handshake.MessageEvent) {
	l := &r.learned
	if !l.haveHello && e.Dir == handshake.Out && e.Content == tlsmsg.ContentHandshake && e.Type == tlsmsg.TypeClientHello {
		l.helloAt, l.haveHello = at, true
	}
}

// tlsDecision puts an event into words, and keeps what the result needs.
func (r *Recorder) tlsDecision(at time.Duration, event handshake.Event) *Decision {
	l := &r.learned
	switch e := event.(type) {
	case handshake.AlertEvent:
		return alertDecision(e)
	case handshake.NegotiatedEvent:
		l.result.Version, l.result.CipherSuite, l.result.Group, l.result.ALPN = e.Version, e.CipherSuite, e.Group, e.ALPN
		return &Decision{Name: "negotiated", Text: negotiated(e)}
	case handshake.ChosenEvent:
		l.result.Version, l.result.CipherSuite, l.result.NoSuite = e.Version, e.CipherSuite, e.NoSuite
		return nil
	case handshake.VerdictEvent:
		l.judged, l.verified = true, e.Err == nil
		if e.Err != nil {
			return &Decision{Name: "certificate_not_verified", Text: "the server's certificate is not verified: " + e.Err.Error()}
		}
		return &Decision{Name: "certificate_verified", Text: "the server's certificate chain and name are verified"}
	case handshake.DecisionEvent:
		return &Decision{Name: e.Name, Text: e.Text}
	case handshake.FinishedEvent:
		if l.haveHello && l.handshake == 0 {
			l.handshake = at - l.helloAt
		}
		return &Decision{Name: "handshake_finished", Text: "both Finished messages agree: the handshake is complete"}
	}
	return nil
}

func alertDecision(e handshake.AlertEvent) *Decision {
	d := &Decision{Name: "alert_received", Text: fmt.Sprintf("the peer sent the alert %v (%v)", e.Description, e.Level)}
	if e.Dir == handshake.Out {
		d.Name, d.Text = "alert_sent", fmt.Sprintf("alert %v (%v) sent", e.Description, e.Level)
	}
	if e.Because != "" {
		d.Text += ": " + e.Because
	}
	return d
}

func negotiated(e handshake.NegotiatedEvent) string {
	parts := []string{fmt.Sprintf("agreed on %v with %v", e.Version, e.CipherSuite)}
	if e.Group != 0 {
		parts = append(parts, "key exchange over "+e.Group.String())
	}
	if e.ALPN != "" {
		parts = append(parts, "protocol "+e.ALPN)
	}
	if e.ExtendedMasterSecret {
		parts = append(parts, "extended master secret")
	}
	if e.EncryptThenMAC {
		parts = append(parts, "encrypt-then-MAC")
	}
	if e.Resumed {
		parts = append(parts, "an earlier session resumed")
	}
	return strings.Join(parts, ", ")
}
