package dissect_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// everyExtension is one of each kind that has a decoder, and one that has none.
func everyExtension(in tlsmsg.HandshakeType) []tlsmsg.Extension {
	list := []tlsmsg.Extension{{Type: 0x1a1a, Data: []byte{1}}, {Type: tlsmsg.ExtensionPadding, Data: []byte{1, 2}}}
	name, _ := tlsmsg.NewServerName("lab.test")
	protocol, _ := tlsmsg.NewALPN("h2")
	for _, v := range []tlsmsg.ExtensionData{
		&name, &protocol,
		&tlsmsg.StatusRequest{StatusType: tlsmsg.StatusTypeOCSP, ResponderIDs: [][]byte{{1}}, RequestExtensions: []byte{1}, Response: []byte{0x30, 3, 10, 1, 0}},
		&tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{29}}, &tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{0}},
		&tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{0x403}},
		&tlsmsg.SignatureAlgorithmsCert{Schemes: []tlsmsg.SignatureScheme{0x403}},
		&tlsmsg.SignedCertificateTimestamps{List: [][]byte{{1, 2, 3}, append(make([]byte, 43), 4, 3, 0, 1, 9)}},
		&tlsmsg.Padding{Length: 3}, &tlsmsg.EncryptThenMAC{}, &tlsmsg.ExtendedMasterSecret{},
		&tlsmsg.RecordSizeLimit{Limit: 1000}, &tlsmsg.SessionTicket{Ticket: []byte{1, 2}},
		&tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{0x304}},
		&tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{1}},
		&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: 29, KeyExchange: []byte{1}}}},
		&tlsmsg.PreSharedKey{Identities: []tlsmsg.PSKIdentity{{Identity: []byte{1}}}, Binders: [][]byte{make([]byte, 32)}},
		&tlsmsg.EncryptedClientHello{Enc: []byte{1}, Payload: []byte{1}, Confirmation: make([]byte, tlsmsg.ECHConfirmationLen), RetryConfigs: []tlsmsg.ECHConfig{
			{Version: tlsmsg.ECHVersion, PublicKey: []byte{1}, Suites: make([]tlsmsg.HPKESuite, 1), PublicName: []byte("a"), Extensions: []tlsmsg.Extension{{Type: 1, Data: []byte{1}}}},
			{Version: 1, Contents: []byte{1}},
		}},
		&tlsmsg.ECHOuterExtensions{Types: []tlsmsg.ExtensionType{10}},
		&tlsmsg.EarlyData{MaxSize: 1}, &tlsmsg.Cookie{Cookie: []byte{1}}, &tlsmsg.PostHandshakeAuth{},
		&tlsmsg.CertificateAuthorities{Authorities: [][]byte{{0x30, 0}, {1}}},
		&tlsmsg.OIDFilters{Filters: []tlsmsg.OIDFilter{{OID: []byte{1}, Values: []byte{1}}}},
		&tlsmsg.CompressCertificate{Algorithms: []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionZlib}},
		&tlsmsg.RenegotiationInfo{RenegotiatedConnection: []byte{1, 2}},
	} {
		list = append(list, tlsmsg.NewExtension(v, in))
	}
	return list
}

// Every field that a TLS decoder names is in the dictionary, also those that no
// connection of the lab shows.
func TestEveryFieldOfEveryMessageIsExplained(t *testing.T) {
	ecdhe := tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeECDHE}
	dhe, rsa, none, tls13 := ecdhe, ecdhe, tlsmsg.Context{}, tlsmsg.Context{Version: tlsmsg.VersionTLS13}
	dhe.KeyExchange, rsa.KeyExchange = tlsmsg.KeyExchangeDHE, tlsmsg.KeyExchangeRSA
	signature := []byte{0x30, 6, 2, 1, 5, 2, 1, 6}
	for _, tc := range []struct {
		m   tlsmsg.Message
		ctx tlsmsg.Context
	}{
		{&tlsmsg.HelloRequest{}, ecdhe}, {&tlsmsg.ServerHelloDone{}, ecdhe},
		{&tlsmsg.ClientHello{SessionID: []byte{1}, CipherSuites: []tlsmsg.CipherSuite{0xc02b}, CompressionMethods: []tlsmsg.CompressionMethod{0},
			HasExtensions: true, Extensions: everyExtension(tlsmsg.TypeClientHello)}, ecdhe},
		{&tlsmsg.ServerHello{HasExtensions: true, Extensions: everyExtension(tlsmsg.TypeServerHello)}, ecdhe},
		{&tlsmsg.ServerKeyExchange{CurveType: tlsmsg.CurveNamed, Group: 29, PublicKey: []byte{1}, Scheme: 0x403, Signature: signature}, ecdhe},
		{&tlsmsg.ServerKeyExchange{DHPrime: []byte{1}, DHGenerator: []byte{1}, DHPublic: []byte{1}, Scheme: 0x401, Signature: []byte{1}}, dhe},
		{&tlsmsg.ServerKeyExchange{Raw: []byte{1, 2}}, none}, {&tlsmsg.ServerKeyExchange{Raw: []byte{1, 2}}, ecdhe},
		{&tlsmsg.ClientKeyExchange{PublicKey: []byte{1}}, ecdhe}, {&tlsmsg.ClientKeyExchange{PublicKey: []byte{1}}, dhe},
		{&tlsmsg.ClientKeyExchange{EncryptedPreMasterSecret: []byte{1}}, rsa}, {&tlsmsg.ClientKeyExchange{Raw: []byte{1}}, none},
		{&tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{1}, Schemes: []tlsmsg.SignatureScheme{0x403}, Authorities: [][]byte{{0x30, 0}, {1}}}, ecdhe},
		{&tlsmsg.CertificateVerify{Scheme: 0x403, Signature: signature}, ecdhe}, {&tlsmsg.Finished{VerifyData: make([]byte, 12)}, ecdhe},
		{&tlsmsg.NewSessionTicket{Ticket: []byte{1}}, ecdhe}, {&tlsmsg.Certificate{Chain: [][]byte{{1}}}, ecdhe},
		{&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: []byte{0x30, 3, 10, 1, 0}}, ecdhe},
		{&tlsmsg.CertificateStatus{StatusType: 2, Response: []byte{1}}, ecdhe},
		{&tlsmsg.UnknownMessage{HandshakeType: 99, Body: []byte{1}}, ecdhe},
		{&tlsmsg.ServerHello{Random: tlsmsg.HelloRetryRequestRandom(), SessionID: []byte{1}, HasExtensions: true,
			Extensions: everyExtension(tlsmsg.TypeHelloRetryRequest)}, none},
		{&tlsmsg.EncryptedExtensions{Extensions: everyExtension(tlsmsg.TypeEncryptedExtensions)}, tls13},
		{&tlsmsg.Certificate{RequestContext: []byte{1}, Chain: [][]byte{{1}}, EntryExtensions: [][]tlsmsg.Extension{everyExtension(tlsmsg.TypeCertificate)}}, tls13},
		{&tlsmsg.CertificateRequest{RequestContext: []byte{1}, Extensions: everyExtension(tlsmsg.TypeCertificateRequest)}, tls13},
		{&tlsmsg.CertificateVerify{Scheme: 0x403, Signature: signature}, tls13}, {&tlsmsg.Finished{VerifyData: make([]byte, 32)}, tls13},
		{&tlsmsg.NewSessionTicket{Nonce: []byte{0}, Ticket: []byte{1}, Extensions: everyExtension(tlsmsg.TypeNewSessionTicket)}, tls13},
		{&tlsmsg.EndOfEarlyData{}, tls13}, {&tlsmsg.KeyUpdate{Request: tlsmsg.UpdateRequested}, tls13},
		{&tlsmsg.CompressedCertificate{Algorithm: tlsmsg.CompressionZlib, UncompressedLength: 1, Message: []byte{1}}, tls13},
		{&tlsmsg.MessageHash{Hash: make([]byte, 32)}, tls13},
	} {
		raw := tlsmsg.Append(nil, tc.m, tc.ctx)
		m := &transcript.Message{Content: tlsmsg.ContentHandshake, Type: tc.m.Type(), Raw: raw, Context: tc.ctx}
		s := new(dissect.Anatomy).Message(nil, m)
		covered(t, s)
		explained(t, s)
	}
	for _, raw := range [][]byte{{1, 0}, {1}, {}} {
		for _, content := range []tlsmsg.ContentType{tlsmsg.ContentAlert, tlsmsg.ContentChangeCipherSpec, tlsmsg.ContentApplicationData, 99} {
			explained(t, new(dissect.Anatomy).Message(nil, &transcript.Message{Content: content, Raw: raw}))
		}
	}
}

// The same for what is in packets.
func TestEveryFieldOfEveryPacketIsExplained(t *testing.T) {
	var segment wire.Segment
	for _, o := range []wire.OptionKind{wire.OptNOP, 99} {
		segment.Options.Add(o, 1)
	}
	segment.Options.AddMSS(1)
	segment.Options.AddWindowScale(1)
	segment.Options.AddTimestamps(1, 1)
	segment.Options.AddSACK(wire.SACKBlock{Left: 1, Right: 2})
	segment.Options.Add(wire.OptEOL)
	segment.Options.Add(wire.OptEOL)
	segment.Payload = []byte("hello")
	four, six := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("2001:db8::1")
	tcp4, tcp6 := segment.AppendTo(nil, four, four), segment.AppendTo(nil, six, six)
	ip4 := func(protocol uint8, payload []byte, options ...byte) []byte {
		h := wire.IPv4{TTL: 1, Protocol: protocol, Src: four, Dst: four, Options: options}
		return append(h.AppendTo(nil, len(payload)), payload...)
	}
	ip6 := func(next uint8, payload []byte) []byte {
		h := wire.IPv6{HopLimit: 1, NextHeader: next, Src: six, Dst: six}
		return append(h.AppendTo(nil, len(payload)), payload...)
	}
	malformed := wire.Segment{}
	malformed.Options.Add(wire.OptMSS, 1, 2, 3)
	broken := malformed.AppendTo(nil, four, four)
	broken[21] = 40
	fragment := wire.IPv4{TTL: 1, Protocol: wire.ProtocolTCP, Src: four, Dst: four, MoreFragments: true}
	rec := transcript.NewRecorder(0, nil)
	for i, packet := range [][]byte{
		ip4(wire.ProtocolTCP, tcp4), ip4(wire.ProtocolTCP, tcp4, 1, 1, 1, 1), ip4(wire.ProtocolTCP, broken), ip4(99, []byte{1}),
		append(fragment.AppendTo(nil, 8), tcp4[:8]...), append(ip4(wire.ProtocolTCP, tcp4), 0, 0), ip4(wire.ProtocolTCP, tcp4[:10]),
		ip4(wire.ProtocolICMP, append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, ip4(wire.ProtocolTCP, tcp4)...)), ip4(wire.ProtocolICMP, []byte{8, 0, 0, 0, 0, 0, 0, 0, 1}),
		ip6(wire.ProtocolTCP, tcp6), ip6(99, []byte{1}), ip6(wire.ProtocolICMPv6, []byte{128, 0, 0, 0, 0, 0, 0, 0, 1}),
		ip6(wire.ProtocolICMPv6, append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, ip6(wire.ProtocolTCP, tcp6)...)),
		ip6(wire.NextHopByHop, append([]byte{wire.NextDestination, 0, 1, 2, 0, 0, 0, 0, wire.NextFragment, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 1}, tcp6...)),
		ip6(wire.NextRouting, []byte{6, 0, 4, 1, 0, 0, 0, 0, 1}), {0x45}, {},
	} {
		f := rec.Packet(time.Duration(i), transcript.In, packet, false)
		s := dissect.Of(rec.Transcript()).Frame(f)
		covered(t, s)
		explained(t, s)
	}
}
