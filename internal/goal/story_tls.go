// What a diagnosis keeps of TLS's records and messages.

package goal

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func (s *Story) record(e *transcript.Entry) {
	// In TLS 1.3 every encrypted record looks like application data from
	// outside.
	r := e.Record
	if r.Type == tlsmsg.ContentApplicationData && s.version >= tlsmsg.VersionTLS13 && r.Encrypted && r.Plaintext == nil {
		s.sealed13(e)
	}
}

// sealed13 takes note of a record of TLS 1.3 that cannot be decrypted here.
func (s *Story) sealed13(e *transcript.Entry) {
	switch {
	case e.Dir == transcript.In && s.moment < afterServerFlight:
		s.moment = inServerFlight
	case e.Dir == transcript.Out && s.moment < afterClientFlight:
		s.moment = afterClientFlight
	}
	s.lastAt, s.last = markOf(e), fmt.Sprintf("an encrypted record of the %s", side(e.Dir))
}

func (s *Story) message(e *transcript.Entry) {
	m := e.Message
	switch m.Content {
	case tlsmsg.ContentAlert:
		if m.Sealed && !s.sealed[e.Dir].set {
			s.sealed[e.Dir] = markOf(e)
		} else if !m.Sealed {
			s.alerted(e)
		}
		return
	case tlsmsg.ContentApplicationData:
		if s.version >= tlsmsg.VersionTLS13 && m.Sealed {
			return // see record
		}
		s.applicationData(e)
	case tlsmsg.ContentChangeCipherSpec:
		if s.version >= tlsmsg.VersionTLS13 {
			return // it means nothing (RFC 9846, appendix E.4)
		}
		s.encrypted[e.Dir] = true
		s.turn(e.Dir)
	case tlsmsg.ContentHandshake:
		if s.handshake(e) {
			return
		}
	}
	s.lastAt, s.last = markOf(e), fmt.Sprintf("the %s's %s", side(e.Dir), s.name(m, e.Dir))
}

// name is a message's name. The first message under new keys is the Finished
// (RFC 5246, section 7.4.9), even if it cannot be decrypted.
func (s *Story) name(m *transcript.Message, dir transcript.Dir) string {
	if m.Sealed && m.Content == tlsmsg.ContentHandshake && s.moment < connected {
		return tlsmsg.TypeFinished.Heading()
	}
	if m.Content == tlsmsg.ContentApplicationData {
		return "application data"
	}
	return m.Name()
}

// turn takes note that a side has switched to the new keys.
func (s *Story) turn(dir transcript.Dir) {
	if s.moment < connected {
		if dir == transcript.Out {
			s.moment = afterClientFlight
		}
	}
}

func (s *Story) applicationData(e *transcript.Entry) {
	m := e.Message
	if !s.data[e.Dir].set {
		s.data[e.Dir] = markOf(e)
	}
	if e.Dir == transcript.In && !m.Sealed && len(s.dataFirst) < maxText {
		s.dataFirst = append(s.dataFirst, m.Raw[:min(len(m.Raw), maxText-len(s.dataFirst))]...)
	}
}

// handshake takes note of a handshake message, and reports whether it does not
// count.
func (s *Story) handshake(e *transcript.Entry) (ignored bool) {
	m := e.Message
	if m.Sealed {
		return false
	}
	at := markOf(e)
	switch m.Type {
	case tlsmsg.TypeHelloRequest:
		if s.moment == connected && !s.helloRequest.set {
			s.helloRequest = at
		}
		return s.moment < connected // RFC 5246, section 7.4.1.1
	case tlsmsg.TypeClientHello:
		if s.moment == connected { // another handshake; the first one says how the connection began
			s.moment, s.helloRequest, s.again = afterHello, mark{}, true
			s.requestAt, s.credAt, s.credential = mark{}, mark{}, 0
			return false
		}
		s.moment, s.helloAt, s.helloLen = afterHello, at, len(m.Raw)
		if h, err := m.Handshake(); err == nil {
			s.hello, _ = h.(*tlsmsg.ClientHello)
		}
	case tlsmsg.TypeServerHello:
		if s.moment < inServerFlight {
			s.moment = inServerFlight
		}
		s.serverAt = at
		if h, err := m.Handshake(); err == nil {
			s.serverHello, _ = h.(*tlsmsg.ServerHello)
		}
	case tlsmsg.TypeCertificate, tlsmsg.TypeCompressedCertificate:
		s.certificate(e, at)
	case tlsmsg.TypeCertificateRequest:
		s.requestAt = at
		if h, err := m.Handshake(); err == nil {
			s.request, _ = h.(*tlsmsg.CertificateRequest)
		}
	case tlsmsg.TypeServerKeyExchange:
		if h, err := m.Handshake(); err == nil {
			s.exchange, _ = h.(*tlsmsg.ServerKeyExchange)
		}
	case tlsmsg.TypeServerHelloDone:
		s.moment = max(s.moment, afterServerFlight)
	case tlsmsg.TypeClientKeyExchange:
		s.moment = max(s.moment, afterClientFlight)
	}
	return false
}

func (s *Story) certificate(e *transcript.Entry, at mark) {
	if e.Dir == transcript.In {
		s.chainAt = at
		return
	}
	s.credAt = at
	s.moment = max(s.moment, afterClientFlight)
	if h, err := e.Message.Handshake(); err == nil {
		switch c := h.(type) {
		case *tlsmsg.Certificate:
			s.credential = len(c.Chain)
		case *tlsmsg.CompressedCertificate: // nobody compresses an empty one
			s.credential = 1
		}
	}
}

// maxAlerts bounds the alerts that are kept.
const maxAlerts = 8

func (s *Story) alerted(e *transcript.Entry) {
	for raw := e.Message.Raw; len(raw) >= 2; raw = raw[2:] {
		parsed, err := tlsmsg.ParseAlert(raw[:2])
		if err != nil {
			return
		}
		if last := maxAlerts - 1; len(s.alerts) == maxAlerts { // an alert that ends the connection matters more than another warning
			if says := s.alerts[last].Alert; parsed.Level != tlsmsg.LevelFatal || says.Level == tlsmsg.LevelFatal {
				return
			}
			s.alerts = s.alerts[:last]
		}
		s.alerts = append(s.alerts, alert{dir: e.Dir, Alert: parsed, mark: markOf(e), when: s.when(e.Dir), after: s.after(),
			plaintext: s.encrypted[e.Dir] && !e.Message.Encrypted})
	}
}

// when is the moment of an alert. In TLS 1.3 a client is done before the server has
// looked at its certificate: until the server says anything else, an alert of its may
// be about that.
func (s *Story) when(dir transcript.Dir) moment {
	if s.moment == connected && s.version >= tlsmsg.VersionTLS13 && dir == transcript.In && s.requestAt.set && !s.data[transcript.In].set {
		return afterClientFlight
	}
	return s.moment
}

// after names the last message, for "after …".
func (s *Story) after() string {
	switch {
	case s.last != "":
		return s.last
	case s.opened.set:
		return "the TCP connection was open"
	case s.synACK.set:
		return "the SYN-ACK"
	case s.syn.set:
		return "the SYN"
	}
	return "nothing"
}

// tlsEvent takes note of what our TLS machine, or an observer, decided.
func (s *Story) tlsEvent(event any) {
	switch event := event.(type) {
	case *starttls.Error:
		s.failedBefore = event
	case handshake.AlertEvent:
		if event.Dir == handshake.Out && event.Level == tlsmsg.LevelFatal {
			s.because = event.Because
		}
	case handshake.VerdictEvent:
		s.verdict, s.judged = event.Err, true
	case handshake.NegotiatedEvent:
		s.version = event.Version
	case handshake.FinishedEvent:
		s.moment = connected
	}
}

// fatal returns the first alert that ended the connection, or nil. One with an
// unknown level counts if there is no other.
func (s *Story) fatal() (first *alert) {
	for i := range s.alerts {
		switch a := &s.alerts[i]; {
		case a.Description == tlsmsg.AlertCloseNotify:
		case a.Level == tlsmsg.LevelFatal:
			return a
		case a.Level != tlsmsg.LevelWarning && first == nil:
			first = a
		}
	}
	return first
}

// warned returns the last warning of a side other than close_notify, or nil.
func (s *Story) warned(dir transcript.Dir) *alert {
	for i := len(s.alerts) - 1; i >= 0; i-- {
		a := &s.alerts[i]
		if a.dir == dir && a.Level == tlsmsg.LevelWarning && a.Description != tlsmsg.AlertCloseNotify {
			return a
		}
	}
	return nil
}

// unfulfilled reports whether the server asked for a client certificate and got
// none.
func (s *Story) unfulfilled() bool {
	return s.requestAt.set && s.credential == 0 && s.moment >= afterClientFlight
}
