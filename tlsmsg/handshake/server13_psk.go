// Sessions of TLS 1.3, and other keys that both sides know before (RFC 9846,
// sections 4.3.11 and 4.7.1).

package handshake

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxIdentities bounds how many identities a server looks up.
const maxIdentities = 4

// offeredPSK is pre_shared_key as far as it is of use.
type offeredPSK struct {
	tlsmsg.PreSharedKey
	hash []byte // of the ClientHello up to the binders
	next int    // identity to look up
}

// usedPSK is the one that was taken.
type usedPSK struct {
	selected uint16
	withDHE  bool
	session  *ServerSession // nil: it is external
	age      uint32         // of the session, milliseconds
	once     bool           // it has not come with early data before
}

// externalHash is the hash of an external PSK that the client offers, or 0.
func (s *Server) externalHash() suite.Hash {
	for _, id := range s.offer.psk.Identities[:min(len(s.offer.psk.Identities), maxIdentities)] {
		if k := findPSK(s.cfg.PSKs, id.Identity); k != nil {
			return k.hash()
		}
	}
	return 0
}

// takePSKs keeps what is offered by pre_shared_key, for after the message is in the
// transcript.
func (s *Server) takePSKs(raw []byte) error {
	o := &s.offer
	s.exchange13.psk = offeredPSK{}
	n := len(o.psk.Identities)
	if err := s.keepsPSK(); n == 0 || err != nil {
		return err
	}
	if last := o.hello.Extensions[len(o.hello.Extensions)-1].Type; last != tlsmsg.ExtensionPreSharedKey {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.pre_shared_key", "%v after it, expected none", last)
	}
	if len(o.psk.Binders) != n {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.pre_shared_key", "%d binders of %d identities", len(o.psk.Binders), n)
	}
	s.exchange13.psk = offeredPSK{PreSharedKey: o.psk, hash: s.transcript.SumWith(s.suite.Hash, raw[:len(raw)-o.psk.BindersLen()])}
	return nil
}

// keepsPSK refuses a second ClientHello that does without the PSK that was taken
// from the first: the client may drop only those that do not fit the suite (RFC
// 9846, section 4.2.2).
func (s *Server) keepsPSK() error {
	kept, list := s.exchange13.kept, s.offer.psk.Identities
	switch {
	case kept == nil:
	case len(list) == 0:
		return refuse(tlsmsg.AlertMissingExtension, "ClientHello.pre_shared_key", "gone after the HelloRetryRequest")
	case !slices.ContainsFunc(list, func(id tlsmsg.PSKIdentity) bool { return bytes.Equal(id.Identity, kept) }):
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.pre_shared_key", "the identity that was taken is gone after the HelloRetryRequest")
	}
	return nil
}

// pskMode says how a PSK may be used: with a key exchange, if both sides can, or
// alone; or not at all.
func (s *Server) pskMode() (withDHE, any bool) {
	switch {
	case slices.Contains(s.offer.pskModes, tlsmsg.PSKModeDHEKE):
		return true, true
	case s.cfg.PSKAlone && slices.Contains(s.offer.pskModes, tlsmsg.PSKModeKE):
		return false, true
	}
	return false, false
}

// lookUpPSK goes through the identities until one is known, and goes on with it or
// without.
func (s *Server) lookUpPSK() error {
	p := &s.exchange13.psk
	withDHE, any := s.pskMode()
	for any && p.next < min(len(p.Identities), maxIdentities) {
		i := p.next
		p.next++
		if k := findPSK(s.cfg.PSKs, p.Identities[i].Identity); k != nil && k.hash() == s.suite.Hash {
			s.exchange13.used = &usedPSK{selected: uint16(i), withDHE: withDHE}
			s.state.PSKIdentity = k.Identity
			return s.takePSK(k.Key, k)
		}
		if s.cfg.Tickets {
			s.yield(LookupSessionWork{Ticket: p.Identities[i].Identity, Early: s.cfg.EarlyData > 0 && s.offer.early}, (*Server).ticketLookedUp)
			return nil
		}
	}
	return s.chooseGroup13()
}

func (s *Server) ticketLookedUp(r Result) error {
	result, ok := r.(LookupSessionResult)
	if !ok {
		return wrongResult(result, r)
	}
	why := "it is not known"
	if result.Session != nil {
		why = s.unfit13(result.Session)
	}
	if why != "" {
		s.decide("session_unfit", "a session that the client offers is not resumed: %s", why)
		return s.lookUpPSK()
	}
	withDHE, _ := s.pskMode()
	s.exchange13.used = &usedPSK{selected: uint16(s.exchange13.psk.next - 1), withDHE: withDHE, session: result.Session, age: result.Age, once: result.Once}
	s.state.Resumed = true
	return s.takePSK(result.Session.PSK, nil)
}

// unfit13 says why the ClientHello does not resume a session, or "".
func (s *Server) unfit13(old *ServerSession) string {
	known := suite.Lookup13(old.CipherSuite)
	switch {
	case old.Version != s.state.Version || known == nil || len(old.PSK) != known.Hash.Size():
		return "it is of " + old.Version.String()
	case known.Hash != s.suite.Hash:
		return "its hash is not that of " + s.suite.ID.String()
	case old.ServerName != s.offer.name:
		return "it was made for another server name"
	case s.cfg.ClientAuth == ClientAuthRequire && len(old.Chain) == 0:
		return "it holds no client certificate"
	}
	return ""
}

// takePSK checks the binder of the PSK (RFC 9846, section 4.3.11.2), and has the
// client's chain of the first handshake judged anew.
func (s *Server) takePSK(key []byte, external *PSK) error {
	x := s.exchange13
	s.tls13.schedule = s.suite.NewSchedule13(key)
	want := s.suite.VerifyData13(external.binderKey(s.tls13.schedule), x.psk.hash)
	if !equalSecret(want, x.psk.Binders[x.used.selected]) {
		return refuse(tlsmsg.AlertDecryptError, "ClientHello.pre_shared_key", "the binder does not match the identity and the ClientHello")
	}
	if x.used.session == nil || len(x.used.session.Chain) == 0 {
		return s.chooseGroup13()
	}
	s.state.Chain = x.used.session.Chain
	s.yield(VerifyChainWork{Chain: s.state.Chain, Client: true, Resumed: true}, (*Server).resumedChainJudged13)
	return nil
}

func (s *Server) resumedChainJudged13(r Result) error {
	if err := s.chainJudged(r); err != nil {
		return err
	}
	return s.chooseGroup13()
}

// giveTicket has a ticket made, where the client can use it: what its values are
// made of is drawn first.
func (s *Server) giveTicket() error {
	if s.cfg.Tickets && slices.Contains(s.offer.pskModes, tlsmsg.PSKModeDHEKE) {
		s.yield(RandomWork{}, (*Server).ticketDrawn)
	}
	return nil
}

// ticketNonceLen is the length of our ticket_nonce, in bytes.
const ticketNonceLen = 8

func (s *Server) ticketDrawn(r Result) error {
	result, ok := r.(RandomResult)
	if !ok {
		return wrongResult(result, r)
	}
	nonce := result.Random[4 : 4+ticketNonceLen]
	session := s.newSession()
	session.MaxEarly, session.ALPN = s.cfg.EarlyData, s.state.ALPN
	session.PSK, session.AgeAdd = s.suite.TicketPSK(s.tls13.resumption, nonce), binary.BigEndian.Uint32(result.Random[:])
	s.ticket = tlsmsg.NewSessionTicket{AgeAdd: session.AgeAdd, Nonce: nonce}
	if session.MaxEarly > 0 {
		s.ticket.Extensions = []tlsmsg.Extension{tlsmsg.NewExtension(&tlsmsg.EarlyData{MaxSize: session.MaxEarly}, tlsmsg.TypeNewSessionTicket)}
	}
	s.yield(KeepSessionWork{Session: session}, (*Server).ticketMade13)
	return nil
}

// ticketMade13 makes NewSessionTicket (RFC 9846, section 4.7.1).
func (s *Server) ticketMade13(r Result) error {
	result, ok := r.(KeepSessionResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil || len(result.Ticket) == 0 || s.out.closed {
		s.decide("ticket_none", "no ticket is given: %v", result.Err)
		return nil
	}
	s.ticket.Ticket, s.ticket.LifetimeHint = result.Ticket, min(result.LifetimeHint, maxTicketLifetime)
	err := s.sendAfter(&s.ticket)
	s.ticket = tlsmsg.NewSessionTicket{}
	s.out.flush()
	return err
}
