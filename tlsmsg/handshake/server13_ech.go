// A ClientHello inside another, from the side of the server that can read it (RFC
// 9849, section 7).

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// An ECHKey is the public half of a key that clients encrypt their ClientHello to;
// ECHOpenWork asks the driver for the private half.
type ECHKey struct {
	Config tlsmsg.ECHConfig
	Retry  bool // offer it to clients that have encrypted to none of the keys
}

// An ECHOpener decrypts one ClientHello after the other under one context of HPKE, as
// *hpke.Recipient does.
type ECHOpener interface {
	Open(aad, ciphertext []byte) ([]byte, error)
}

// ECHOpenWork asks to decrypt a ClientHello with the private key of
// ServerConfig.ECHKeys[Key]. Result: ECHOpenResult.
type ECHOpenWork struct {
	Key               int
	Config            *tlsmsg.ECHConfig
	Suite             tlsmsg.HPKESuite
	Enc, AAD, Payload []byte
}

// ECHOpenResult is the outcome of ECHOpenWork.
type ECHOpenResult struct {
	Inner  []byte // EncodedClientHelloInner
	Opener ECHOpener
	Err    error // it was not encrypted to this key
}

func (ECHOpenWork) work()     {}
func (ECHOpenResult) result() {}

// echServer is what a server keeps of an encrypted ClientHello.
type echServer struct {
	status ECH
	raw    []byte // the outer ClientHello, while keys are tried
	key    int    // that is tried, or that has opened it
	offer  tlsmsg.EncryptedClientHello
	random [32]byte  // of the inner one
	opener ECHOpener // nil: it was read by somebody before us
}

// ECH returns what became of an encrypted ClientHello so far: ECHRejected where none of
// the keys opens it, as with one that nobody can open.
func (s *Server) ECH() ECH {
	if s.ech == nil {
		return ECHNone
	}
	return s.ech.status
}

// readECH looks for an encrypted ClientHello in the one that was decoded. It reports
// whether the handshake goes on another way for it.
func (s *Server) readECH(raw []byte) (another bool, err error) {
	if s.retried() {
		return s.readSecondECH()
	}
	var offer tlsmsg.EncryptedClientHello
	found, err := s.offer.hello.DecodeExtension(&offer)
	switch {
	case s.cfg.omits(tlsmsg.ExtensionEncryptedClientHello) || !found && err == nil:
		return false, nil
	case err != nil:
		return false, malformed(err)
	case offer.Form == tlsmsg.ECHInner && len(s.cfg.ECHKeys) == 0: // read by a server before us
		s.ech = &echServer{status: ECHOffered, random: s.offer.hello.Random}
		return false, nil
	case offer.Form == tlsmsg.ECHInner:
		return false, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.encrypted_client_hello", "%v, which stands inside an encrypted ClientHello alone", offer.Form)
	case offer.Form != tlsmsg.ECHOuter:
		return false, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.encrypted_client_hello", "of type %v, expected %v", offer.Form, tlsmsg.ECHOuter)
	case len(s.cfg.ECHKeys) == 0:
		return false, nil
	}
	s.ech = &echServer{status: ECHOffered, raw: raw, key: -1, offer: offer}
	return s.tryNextKey(), nil
}

// tryNextKey has the next key tried that the client may mean, or reports that there is
// none: then the outer ClientHello counts.
func (s *Server) tryNextKey() bool {
	e := s.ech
	for e.key++; e.key < len(s.cfg.ECHKeys); e.key++ {
		config := &s.cfg.ECHKeys[e.key].Config
		if config.ConfigID == e.offer.ConfigID && slices.Contains(config.Suites, e.offer.Suite) && suite.OpensECH(e.offer.Suite) {
			s.yield(ECHOpenWork{Key: e.key, Config: config, Suite: e.offer.Suite, Enc: e.offer.Enc, AAD: outerAAD(&s.offer.hello, e.offer, s.ctx), Payload: e.offer.Payload},
				(*Server).keyTried)
			return true
		}
	}
	e.status = ECHRejected
	s.decide("ech_rejected", "no key here opens the encrypted ClientHello: the one around it is answered, with the configurations of today")
	return false
}

// outerAAD is an outer ClientHello with zeros in place of what is encrypted (RFC 9849,
// section 5.2).
func outerAAD(outer *tlsmsg.ClientHello, offer tlsmsg.EncryptedClientHello, c tlsmsg.Context) []byte {
	blank := *outer
	blank.Extensions = slices.Clone(outer.Extensions)
	offer.Payload = make([]byte, len(offer.Payload))
	blank.Extensions[tlsmsg.FindExtension(blank.Extensions, tlsmsg.ExtensionEncryptedClientHello)] = tlsmsg.NewExtension(&offer, inHello)
	return blank.AppendBody(nil, c)
}

func (s *Server) keyTried(r Result) error {
	result, ok := r.(ECHOpenResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		if s.tryNextKey() {
			return nil
		}
		return s.takeInstead(s.ech.raw)
	}
	inner, err := s.innerHello(result.Inner)
	if err != nil {
		return err
	}
	e := s.ech
	e.status, e.opener = ECHAccepted, result.Opener
	s.decide("ech_accepted", "the encrypted ClientHello is opened with key %d of %d, and is the one that is answered", e.key+1, len(s.cfg.ECHKeys))
	return s.takeInstead(inner)
}

// innerHello makes the ClientHello whole that was encrypted, and checks that it is one
// (RFC 9849, sections 5.1 and 7.1). The outer one is in the offer.
func (s *Server) innerHello(encoded []byte) ([]byte, error) {
	var inner tlsmsg.ClientHello
	if err := tlsmsg.ParseClientHelloInner(&inner, encoded); err != nil {
		return nil, &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Reason: err.Error(), Err: err}
	}
	if err := inner.Expand(&s.offer.hello); err != nil {
		return nil, &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Reason: err.Error(), Err: err}
	}
	var marker tlsmsg.EncryptedClientHello
	found, err := inner.DecodeExtension(&marker)
	if err != nil || !found || marker.Form != tlsmsg.ECHInner {
		return nil, refuse(tlsmsg.AlertIllegalParameter, "ClientHelloInner.encrypted_client_hello", "expected one of type %v", tlsmsg.ECHInner)
	}
	if err := onlyTLS13(&inner); err != nil {
		return nil, err
	}
	s.ech.random = inner.Random
	return tlsmsg.Append(nil, &inner, s.ctx), nil
}

// onlyTLS13 checks that an inner ClientHello offers nothing below TLS 1.3.
func onlyTLS13(inner *tlsmsg.ClientHello) error {
	var versions tlsmsg.SupportedVersions
	found, err := inner.DecodeExtension(&versions)
	below := func(v tlsmsg.Version) bool { return v >= tlsmsg.VersionSSL30 && v < tlsmsg.VersionTLS13 }
	if err != nil || !found || slices.ContainsFunc(versions.Versions, below) {
		return refuse(tlsmsg.AlertIllegalParameter, "ClientHelloInner.supported_versions", "%v, expected %v and nothing below", versions.Versions, tlsmsg.VersionTLS13)
	}
	return nil
}

// takeInstead goes on with a first ClientHello as handshakeMessage would with one that
// has just arrived.
func (s *Server) takeInstead(raw []byte) error {
	outer := s.offer.hello.Random
	s.ech.raw = nil
	s.transcript.Reset()
	if err := s.redecode(raw); err != nil {
		return err
	}
	if err := s.takeHello(raw); err != nil {
		return err
	}
	s.state.ClientRandom = outer
	s.transcript.Add(raw)
	if after := s.after; after != nil {
		s.after = nil
		return after(s)
	}
	return nil
}

func (s *Server) redecode(raw []byte) error {
	s.offer = offer{}
	return s.decode(&s.offer.hello, raw)
}

// readSecondECH opens the second ClientHello where the first was opened (RFC 9849,
// section 7.1.1).
func (s *Server) readSecondECH() (another bool, err error) {
	e := s.ech
	if s.ECH() != ECHAccepted {
		return false, nil
	}
	var offer tlsmsg.EncryptedClientHello
	found, err := s.offer.hello.DecodeExtension(&offer)
	const where = "ClientHello.encrypted_client_hello"
	switch {
	case err != nil:
		return false, malformed(err)
	case !found:
		return false, refuse(tlsmsg.AlertMissingExtension, where, "none, though the first ClientHello was encrypted")
	case e.opener == nil && offer.Form == tlsmsg.ECHInner:
		return false, nil
	case e.opener == nil || offer.Form != tlsmsg.ECHOuter || offer.ConfigID != e.offer.ConfigID || offer.Suite != e.offer.Suite || len(offer.Enc) > 0:
		return false, refuse(tlsmsg.AlertIllegalParameter, where, "it is not for the key and suite of the first ClientHello, or encapsulates another")
	}
	encoded, err := e.opener.Open(outerAAD(&s.offer.hello, offer, s.ctx), offer.Payload)
	if err != nil {
		return false, &ProtocolError{Alert: tlsmsg.AlertDecryptError, Where: where, Reason: "it does not open as the first ClientHello did", Err: err}
	}
	inner, err := s.innerHello(encoded)
	if err != nil {
		return false, err
	}
	return true, s.takeSecond(inner)
}

// takeSecond goes on with a second ClientHello that was encrypted, in whose place the
// outer one joins the transcript.
func (s *Server) takeSecond(inner []byte) error {
	outer := s.offer.hello.Random
	before := s.transcript.Fork()
	if err := s.redecode(inner); err != nil {
		return err
	}
	if err := s.takeHello(inner); err != nil {
		return err
	}
	s.state.ClientRandom = outer
	then := s.after
	s.after = func(s *Server) error {
		s.transcript = *before
		s.transcript.Add(inner)
		return then(s)
	}
	return nil
}

// confirmECH says in a ServerHello or HelloRetryRequest that the encrypted ClientHello
// is the one that it answers (RFC 9849, sections 7.2 and 7.2.1).
func (s *Server) confirmECH(hello *tlsmsg.ServerHello) {
	e := s.ech
	if e == nil || e.status == ECHRejected {
		return
	}
	e.status = ECHAccepted
	retry := hello.IsHelloRetryRequest()
	said := hello.Random[len(hello.Random)-tlsmsg.ECHConfirmationLen:]
	if retry {
		said = make([]byte, tlsmsg.ECHConfirmationLen)
		hello.Extensions = append(hello.Extensions, tlsmsg.Extension{Type: tlsmsg.ExtensionEncryptedClientHello, Data: said})
	}
	clear(said)
	sum := s.transcript.SumWith(s.suite.Hash, tlsmsg.Append(nil, hello, s.ctx))
	copy(said, suite.ECHConfirmation(s.suite.Hash, e.random, sum, retry))
	if e.opener != nil {
		s.tls13.inner = &innerHello{random: e.random}
	}
}

// takeECH answers what was not opened with the configurations that can be.
func takeECH(s *Server, _ *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	if s.ECH() != ECHRejected {
		return nil, nil
	}
	var v tlsmsg.EncryptedClientHello
	for i := range s.cfg.ECHKeys {
		if k := &s.cfg.ECHKeys[i]; k.Retry {
			v.RetryConfigs = append(v.RetryConfigs, k.Config)
		}
	}
	if v.RetryConfigs == nil {
		return nil, nil
	}
	return &v, nil
}
