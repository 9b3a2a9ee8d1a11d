// How a message finds its step: phases, kinds and the walk through a table.

package handshake

import (
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// phase is what a side waits for.
type phase uint8

const (
	phaseStart phase = iota
	phaseServerHello
	phaseServerHelloAgain // inside a connection
	phaseCertificate
	phaseCertificateStatus // promised, and still optional
	phaseStatusAlone       // the same where no ServerKeyExchange follows
	phaseServerKeyExchange
	phaseUnknownExchange // as much as can be followed of a suite that we cannot finish
	phaseCertificateRequest
	phaseServerHelloDone
	phaseFlight // the driver's work on our flight
	phaseNewSessionTicket
	phaseChangeCipherSpec
	phaseFinished
	phaseConnected
	phaseClientHello
	phaseClientKeyExchange
	phaseCertificateVerify
	phaseEncryptedExtensions
	phaseCertificateOrRequest
	phaseEarlyData
	numPhases
)

var phaseNames = [numPhases]string{"start", "ServerHello", "ServerHello again", "Certificate", "CertificateStatus", "CertificateStatus alone", "ServerKeyExchange",
	"unknown key exchange", "CertificateRequest", "ServerHelloDone", "flight", "NewSessionTicket", "ChangeCipherSpec", "Finished", "connected",
	"ClientHello", "ClientKeyExchange", "CertificateVerify", "EncryptedExtensions", "Certificate or CertificateRequest", "early data"}

func (p phase) String() string { return phaseNames[p] }

// kind is a message as the table knows it: a handshake type, or one of the
// contents that have records of their own. Alerts come at any time.
type kind uint16

const (
	kindChangeCipherSpec kind = 1<<8 + iota
	kindApplicationData
)

func (k kind) String() string {
	switch k {
	case kindChangeCipherSpec:
		return tlsmsg.ContentChangeCipherSpec.Heading()
	case kindApplicationData:
		return tlsmsg.ContentApplicationData.Heading()
	}
	return tlsmsg.HandshakeType(k).Heading()
}

// step is what a side does with a message that it waits for.
type step[S side] struct {
	kind kind
	do   func(S, []byte) error // the whole handshake message, or the record's content
	next phase                 // numPhases: the phase stays
}

// handshakeMessage takes one whole handshake message.
func (c *conn[S]) handshakeMessage(raw []byte) error {
	typ := tlsmsg.HandshakeType(raw[0])
	c.messageArrived(tlsmsg.ContentHandshake, typ, raw)
	c.in.began = c.in.span.start // of the next, if it begins in the same record
	connected := c.phase == phaseConnected
	if err := c.dispatch(kind(typ), raw); err != nil {
		return err
	}
	if typ == tlsmsg.TypeHelloRequest || connected {
		return nil // it belongs to no handshake
	}
	c.transcript.Add(raw)
	c.last = lastMessage{any: true, dir: In, typ: typ}
	if after := c.after; after != nil {
		c.after = nil
		return after(c.self)
	}
	return nil
}

// dispatch looks a message up in the table.
func (c *conn[S]) dispatch(k kind, raw []byte) error {
	for i := range c.steps() {
		s := &c.steps()[i]
		if s.kind != k {
			continue
		}
		before := c.phase
		if err := s.do(c.self, raw); err != nil {
			return err
		}
		if c.phase == before && s.next < numPhases {
			c.phase = s.next
		}
		return nil
	}
	return c.outOfTurn(k)
}

// takes reports whether a message is one that the phase takes.
func (c *conn[S]) takes(k kind) bool {
	return slices.ContainsFunc(c.steps(), func(s step[S]) bool { return s.kind == k })
}

// outOfTurn gives the answer to a message that the phase does not take.
func (c *conn[S]) outOfTurn(k kind) error {
	return refuse(tlsmsg.AlertUnexpectedMessage, k.String(), "after %s, expected %s", c.last, c.expected())
}

func (c *conn[S]) steps() []step[S] {
	if c.table == nil {
		return nil
	}
	return c.table[c.phase]
}

// expected lists what the phase takes, for errors.
func (c *conn[S]) expected() string {
	var names []string
	for _, s := range c.steps() {
		if s.kind != kind(tlsmsg.TypeHelloRequest) {
			names = append(names, s.kind.String())
		}
	}
	if len(names) == 0 {
		return "nothing yet"
	}
	return strings.Join(names, " or ")
}

// decode decodes a message whose type the table has checked.
func (c *conn[S]) decode(m tlsmsg.Message, raw []byte) error {
	if err := tlsmsg.ParseInto(m, raw, c.ctx); err != nil {
		return malformed(err)
	}
	return nil
}

// flightOver checks that nothing follows the last message of the peer's
// flight: it could not know our answer yet (RFC 5246, section 7.3, figure 1).
func (c *conn[S]) flightOver() error {
	if c.in.messages.Pending() {
		return refuse(tlsmsg.AlertUnexpectedMessage, "", "%d bytes of a handshake message after %s, before this side answered",
			c.in.messages.Buffered(), c.last)
	}
	return nil
}
