// The hellos of TLS 1.3 from the server's side (RFC 9846, sections 4.2 and
// 4.3.8).

package handshake

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// exchange13 is what a server of TLS 1.3 keeps between its messages, and lets go of
// at the end of the handshake.
type exchange13 struct {
	first  [sha256.Size]byte    // of what a second ClientHello repeats
	asked  tlsmsg.NamedGroup    // by a HelloRetryRequest; 0: it did not ask
	share  tlsmsg.KeyShareEntry // the client's
	answer []byte               // our share of it
	agreed []byte               // with it, until the secrets are made of it

	psk  offeredPSK
	used *usedPSK // nil: none
	kept []byte   // the identity that was taken before a HelloRetryRequest, which the client may not drop; nil: none

	hello []byte // the hash of the ClientHello, where early data is taken
	early uint32 // bytes of it that may still come
}

// clientHello13 takes a ClientHello that leads to TLS 1.3, the first or one after a
// HelloRetryRequest.
func (s *Server) clientHello13(raw []byte) error {
	hello := &s.offer.hello
	if hello.Version != tlsmsg.VersionTLS12 { // RFC 9846, section 4.2.2
		return refuse(tlsmsg.AlertProtocolVersion, "ClientHello.legacy_version", "%v, expected %v with %v in supported_versions", hello.Version, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13)
	}
	if !slices.Equal(hello.CompressionMethods, nullCompression) {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.legacy_compression_methods", "%v, expected %v alone", hello.CompressionMethods, tlsmsg.CompressionNull)
	}
	if s.tls13 == nil {
		s.tls13 = new(tls13)
		s.exchange13 = new(exchange13)
	}
	s.table, s.out.version = &server13, tlsmsg.VersionTLS12 // RFC 9846, section 5.1
	if len(s.cfg.CompressCertificates) > 0 {
		s.table = &server13Compressed
	}
	s.in.skip = 0
	if err := s.takeExtensions(); err != nil {
		return err
	}
	if err := s.checkOffer13(); err != nil {
		return err
	}
	if err := s.chooseSuite13(); err != nil {
		return err
	}
	if err := s.takePSKs(raw); err != nil {
		return err
	}
	s.after = (*Server).answerHello13
	return nil
}

// retried reports whether this side has asked for a second ClientHello.
func (s *Server) retried() bool { return s.tls13 != nil && s.tls13.retry != 0 }

// chooseSuite13 sets the suite: the first that both sides speak, those with the
// hash of an external PSK that is offered before others.
func (s *Server) chooseSuite13() error {
	prefer, among := s.cfg.CipherSuites, s.offer.hello.CipherSuites
	if s.cfg.ClientPreference {
		prefer, among = among, prefer
	}
	hash := s.externalHash()
	var chosen *suite.Suite
	for _, id := range prefer {
		candidate := suite.Lookup13(id)
		if candidate == nil || !slices.Contains(among, id) {
			continue
		}
		if chosen == nil || chosen.Hash != hash && candidate.Hash == hash {
			chosen = candidate
		}
	}
	switch {
	case chosen == nil:
		return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.cipher_suites", "none that this server speaks in %v", s.state.Version)
	case s.retried() && chosen.ID != s.tls13.retry:
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.cipher_suites", "they lead to %v, and led to %v before the HelloRetryRequest", chosen.ID, s.tls13.retry)
	}
	s.state.CipherSuite = chosen.ID
	if !s.retried() {
		s.suite = chosen
	}
	return nil
}

// answerHello13 answers the ClientHello once it is in the transcript: with a PSK
// where it offers one that is known.
func (s *Server) answerHello13() error {
	if err := s.flightOver(); err != nil {
		return err
	}
	if !s.retried() {
		s.useSuite(s.suite)
	}
	return s.lookUpPSK()
}

// chooseGroup13 has a key agreed on, or asks for a share that it can be agreed on
// with. Without it a PSK is used alone.
func (s *Server) chooseGroup13() error {
	if s.exchange13.used != nil && !s.exchange13.used.withDHE {
		return s.sendServerHello13()
	}
	group, share := s.pickGroup13()
	switch {
	case group == 0:
		return refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.supported_groups", "none that this server makes keys in")
	case share == nil || s.cfg.Cookie != nil && !s.retried():
		return s.retry(group, share == nil)
	}
	s.state.Group, s.exchange13.share = group, *share
	if suite.IsHybrid(group) {
		s.yield(SharedSecretWork{Encapsulate: group, PeerKey: share.KeyExchange}, (*Server).agreed13)
		return nil
	}
	s.yield(KeyPairWork{Group: group, Share: true}, (*Server).shareMade13)
	return nil
}

// pickGroup13 picks the group: the first that both sides speak and the client has
// sent a key in, but not one without ML-KEM where one with it can be asked for. If
// the client's preference counts, it is the client's first, with a key or without
// (RFC 9846, section 4.3.8).
func (s *Server) pickGroup13() (group tlsmsg.NamedGroup, share *tlsmsg.KeyShareEntry) {
	prefer, among := s.cfg.Groups, s.offer.groups
	if s.cfg.ClientPreference {
		prefer, among = among, prefer
	}
	for _, g := range prefer {
		if !suite.Shares(g) || !slices.Contains(among, g) {
			continue
		}
		i := slices.IndexFunc(s.offer.shares, func(e tlsmsg.KeyShareEntry) bool { return e.Group == g })
		switch {
		case i < 0 && s.cfg.ClientPreference:
			return g, nil
		case i >= 0 && (group == 0 || !suite.IsHybrid(group) || suite.IsHybrid(g)):
			return g, &s.offer.shares[i]
		case group == 0:
			group = g
		}
	}
	return group, nil
}

// retry asks for a second ClientHello (RFC 9846, section 4.2.4).
func (s *Server) retry(group tlsmsg.NamedGroup, share bool) error {
	if s.retried() {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHello.key_share", "no key in %v, which the HelloRetryRequest asks for", group)
	}
	t := s.tls13
	extensions := []tlsmsg.ExtensionData{versionTLS13}
	if share {
		s.exchange13.asked = group
		extensions = append(extensions, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: group}}})
	}
	if s.cfg.Cookie != nil {
		t.cookie = s.cfg.Cookie
		extensions = append(extensions, &tlsmsg.Cookie{Cookie: t.cookie})
	}
	t.retry = s.state.CipherSuite
	s.transcript.ReplaceByHash()
	if x := s.exchange13; x.used != nil {
		x.kept = bytes.Clone(x.psk.Identities[x.used.selected].Identity)
	}
	t.schedule, s.exchange13.used = nil, nil
	s.state.Resumed, s.state.PSKIdentity, s.state.Chain = false, nil, nil
	s.decide("hello_retry", "another ClientHello is asked for: %s", (&tls13{asked: s.exchange13.asked, cookie: t.cookie}).wish())
	if err := s.sendHello13(tlsmsg.HelloRetryRequestRandom(), extensions); err != nil {
		return err
	}
	if err := s.spec13(); err != nil {
		return err
	}
	s.phase = phaseClientHello
	if s.offer.early {
		s.refuseEarly("another ClientHello is asked for")
	}
	s.skipEarly(false)
	s.out.flush()
	return nil
}

var versionTLS13 = &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{tlsmsg.VersionTLS13}}

// sendHello13 makes a ServerHello or a HelloRetryRequest.
func (s *Server) sendHello13(random [32]byte, extensions []tlsmsg.ExtensionData) error {
	hello := tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: random, SessionID: s.offer.hello.SessionID,
		CipherSuite: s.state.CipherSuite, HasExtensions: true}
	for _, v := range extensions {
		hello.Extensions = append(hello.Extensions, tlsmsg.NewExtension(v, hello.Form()))
	}
	s.confirmECH(&hello)
	if !hello.IsHelloRetryRequest() {
		s.state.ServerRandom = hello.Random
	}
	return s.send(&hello)
}

// spec13 makes the ChangeCipherSpec for the sake of those on the way, where the
// client wants it by a session_id (RFC 9846, appendix E.4).
func (s *Server) spec13() error {
	if len(s.offer.hello.SessionID) == 0 {
		return nil
	}
	return s.sendSpec(s.tls13)
}

func (s *Server) shareMade13(r Result) error {
	result, ok := r.(KeyPairResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "making a key in " + s.state.Group.String(), Err: result.Err}
	}
	s.exchange13.answer = result.PublicKey
	s.yield(SharedSecretWork{Private: result.Private, PeerKey: s.exchange13.share.KeyExchange}, (*Server).agreed13)
	return nil
}

func (s *Server) agreed13(r Result) error {
	result, ok := r.(SharedSecretResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return peerOrInternal(result.Err, suite.ErrPeerKey, tlsmsg.AlertIllegalParameter, "ClientHello.key_share", "agreeing on a key")
	}
	if result.Share != nil {
		s.exchange13.answer = result.Share
	}
	s.exchange13.agreed = result.Secret
	return s.sendServerHello13()
}

// sendServerHello13 makes the ServerHello, and what can be read with the keys of
// the handshake alone (RFC 9846, sections 4.2.3 and 4.4.1).
func (s *Server) sendServerHello13() error {
	x := s.exchange13
	s.judgeEarly()
	extensions := []tlsmsg.ExtensionData{versionTLS13}
	if x.answer != nil {
		extensions = append(extensions, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: s.state.Group, KeyExchange: x.answer}}})
	}
	if x.used != nil {
		extensions = append(extensions, &tlsmsg.PreSharedKey{Selected: x.used.selected})
	}
	if s.state.EarlyData == EarlyDataAccepted {
		x.hello = bytes.Clone(s.transcript.Sum())
	}
	if err := s.sendHello13(s.cfg.Random, extensions); err != nil {
		return err
	}
	s.transcript.Drop() // what is signed is a hash
	s.reach(StageHelloReceived)
	if err := s.spec13(); err != nil {
		return err
	}
	if err := s.handshakeKeys(); err != nil {
		return err
	}
	s.negotiated()
	if err := s.send(&tlsmsg.EncryptedExtensions{Extensions: s.encryptedExtensions()}); err != nil {
		return err
	}
	if x.used == nil {
		return s.sendCredential13()
	}
	s.phase = phaseFinished
	if s.state.EarlyData == EarlyDataAccepted {
		s.phase, s.tls13.half = phaseEarlyData, true
	}
	return s.endFlight13()
}

// handshakeKeys takes the keys of the handshake into use.
func (s *Server) handshakeKeys() error {
	t, x := s.tls13, s.exchange13
	if t.schedule == nil {
		t.schedule = s.suite.NewSchedule13(nil)
	}
	early := s.earlySecret()
	t.schedule.Agreed(x.agreed)
	clear(x.agreed)
	t.theirs, t.ours = t.schedule.Handshake(s.transcript.Sum())
	s.tellSecret13(suite.SecretClientHandshake, t.theirs)
	s.tellSecret13(suite.SecretServerHandshake, t.ours)
	if err := s.protect13(EpochHandshake, t.ours); err != nil {
		return err
	}
	if early != nil {
		return s.unlock13(EpochEarly, early)
	}
	s.in.limit = s.in.next
	s.skipEarly(true)
	return s.unlock13(EpochHandshake, t.theirs)
}

// skipEarly has early data that is not taken skipped, where it is offered (RFC 9846,
// section 4.3.10): before a second ClientHello by its outer type, and with the keys
// of the handshake by what cannot be opened.
func (s *Server) skipEarly(keys bool) {
	if s.in.skip = 0; !s.offer.early {
		return
	}
	s.in.skip, s.in.skipSealed = maxSkipped, keys
}

// encryptedExtensions returns what was taken, to be answered.
func (s *Server) encryptedExtensions() []tlsmsg.Extension {
	if s.state.Resumed { // RFC 6066, section 3
		return slices.DeleteFunc(s.offer.answered, func(e tlsmsg.Extension) bool { return e.Type == tlsmsg.ExtensionServerName })
	}
	return s.offer.answered
}

// equalSecret compares in a time that tells nothing.
func equalSecret(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
