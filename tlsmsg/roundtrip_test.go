package tlsmsg_test

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

var (
	tls12ECDHE = tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeECDHE}
	tls12DHE   = tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeDHE}
	tls12RSA   = tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeRSA}
	tls11ECDHE = tlsmsg.Context{Version: tlsmsg.VersionTLS11, KeyExchange: tlsmsg.KeyExchangeECDHE}
	tls13      = tlsmsg.Context{Version: tlsmsg.VersionTLS13}
	ssl30RSA   = tlsmsg.Context{Version: tlsmsg.VersionSSL30, KeyExchange: tlsmsg.KeyExchangeRSA}
)

// helloRetryRandom is SHA-256 of "HelloRetryRequest" (RFC 9846, section 4.2.3).
var helloRetryRandom = func() []byte {
	sum := sha256.Sum256([]byte("HelloRetryRequest"))
	return sum[:]
}()

// handWritten are all messages in all their forms, each with its body written
// by hand from the RFC's presentation.
var handWritten = []struct {
	name string
	ctx  tlsmsg.Context
	m    tlsmsg.Message
	body []byte
}{
	{"HelloRequest", tls12ECDHE, &tlsmsg.HelloRequest{}, nil},
	{"ServerHelloDone", tls12ECDHE, &tlsmsg.ServerHelloDone{}, nil},
	{
		"ClientHello", tlsmsg.Context{},
		&tlsmsg.ClientHello{
			Version: tlsmsg.VersionTLS12, Random: [32]byte{1, 31: 2}, SessionID: []byte{7, 8},
			CipherSuites:       []tlsmsg.CipherSuite{0xC02B, 0x0A0A},
			CompressionMethods: []tlsmsg.CompressionMethod{0},
			Extensions:         []tlsmsg.Extension{{Type: 23, Data: []byte{}}, {Type: 0xFAFA, Data: []byte{9}}},
			HasExtensions:      true,
		},
		join(3, 3, 1, make([]byte, 30), 2, 2, 7, 8, 0, 4, 0xC0, 0x2B, 0x0A, 0x0A, 1, 0, 0, 9, 0, 23, 0, 0, 0xFA, 0xFA, 0, 1, 9),
	},
	{
		"ClientHello without extensions", tlsmsg.Context{},
		&tlsmsg.ClientHello{
			Version: tlsmsg.VersionTLS10, SessionID: []byte{},
			CipherSuites: []tlsmsg.CipherSuite{5}, CompressionMethods: []tlsmsg.CompressionMethod{1, 0},
		},
		join(3, 1, make([]byte, 32), 0, 0, 2, 0, 5, 2, 1, 0),
	},
	{
		"ClientHello with an empty extension block", tlsmsg.Context{},
		&tlsmsg.ClientHello{
			Version: tlsmsg.VersionTLS10, SessionID: []byte{}, HasExtensions: true, Extensions: []tlsmsg.Extension{},
			CipherSuites: []tlsmsg.CipherSuite{5}, CompressionMethods: []tlsmsg.CompressionMethod{0},
		},
		join(3, 1, make([]byte, 32), 0, 0, 2, 0, 5, 1, 0, 0, 0),
	},
	{
		"ServerHello without extensions", tlsmsg.Context{},
		&tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: [32]byte{3}, SessionID: []byte{1}, CipherSuite: 0x009C},
		join(3, 3, 3, make([]byte, 31), 1, 1, 0, 0x9C, 0),
	},
	{"Certificate", tls12RSA, &tlsmsg.Certificate{Chain: [][]byte{{1, 2}, {3}}}, join(0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 1, 3)},
	{"empty Certificate", tls12RSA, &tlsmsg.Certificate{}, join(0, 0, 0)},
	{
		"ServerKeyExchange ECDHE", tls12ECDHE,
		&tlsmsg.ServerKeyExchange{
			CurveType: tlsmsg.CurveNamed, Group: tlsmsg.GroupX25519, PublicKey: []byte{1, 2, 3},
			Params: []byte{3, 0, 29, 3, 1, 2, 3}, Scheme: tlsmsg.SchemeEd25519, Signature: []byte{4, 5},
		},
		join(3, 0, 29, 3, 1, 2, 3, 8, 7, 0, 2, 4, 5),
	},
	{
		"ServerKeyExchange ECDHE, TLS 1.1", tls11ECDHE,
		&tlsmsg.ServerKeyExchange{
			CurveType: tlsmsg.CurveNamed, Group: tlsmsg.GroupSecp256r1, PublicKey: []byte{4},
			Params: []byte{3, 0, 23, 1, 4}, Signature: []byte{5},
		},
		join(3, 0, 23, 1, 4, 0, 1, 5),
	},
	{
		"ServerKeyExchange DHE", tls12DHE,
		&tlsmsg.ServerKeyExchange{
			DHPrime: []byte{23}, DHGenerator: []byte{5}, DHPublic: []byte{8, 9},
			Params: []byte{0, 1, 23, 0, 1, 5, 0, 2, 8, 9}, Scheme: tlsmsg.SchemeRSAPKCS1SHA256, Signature: []byte{6},
		},
		join(0, 1, 23, 0, 1, 5, 0, 2, 8, 9, 4, 1, 0, 1, 6),
	},
	{
		"ServerKeyExchange with an explicit curve", tls12ECDHE,
		&tlsmsg.ServerKeyExchange{CurveType: tlsmsg.CurveExplicitPrime, Raw: []byte{1, 9, 9}},
		join(1, 9, 9),
	},
	{"ServerKeyExchange of an unknown exchange", tlsmsg.Context{}, &tlsmsg.ServerKeyExchange{Raw: []byte{1, 2}}, join(1, 2)},
	{
		"CertificateRequest", tls12RSA,
		&tlsmsg.CertificateRequest{
			CertificateTypes: []tlsmsg.ClientCertificateType{1, 64},
			Schemes:          []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256},
			Authorities:      [][]byte{{0x30, 0}, {0x31}},
		},
		join(2, 1, 64, 0, 2, 4, 3, 0, 7, 0, 2, 0x30, 0, 0, 1, 0x31),
	},
	{
		"CertificateRequest, TLS 1.1", tls11ECDHE,
		&tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{1}},
		join(1, 1, 0, 0),
	},
	{
		"CertificateVerify", tls12RSA,
		&tlsmsg.CertificateVerify{Scheme: tlsmsg.SchemeRSAPSSRSAESHA256, Signature: []byte{1, 2}},
		join(8, 4, 0, 2, 1, 2),
	},
	{"CertificateVerify, TLS 1.1", tls11ECDHE, &tlsmsg.CertificateVerify{Signature: []byte{1}}, join(0, 1, 1)},
	{
		"ClientKeyExchange ECDHE", tls12ECDHE,
		&tlsmsg.ClientKeyExchange{KeyExchange: tlsmsg.KeyExchangeECDHE, PublicKey: []byte{1, 2}},
		join(2, 1, 2),
	},
	{
		"ClientKeyExchange DHE", tls12DHE,
		&tlsmsg.ClientKeyExchange{KeyExchange: tlsmsg.KeyExchangeDHE, PublicKey: []byte{1, 2}},
		join(0, 2, 1, 2),
	},
	{
		"ClientKeyExchange RSA", tls12RSA,
		&tlsmsg.ClientKeyExchange{KeyExchange: tlsmsg.KeyExchangeRSA, EncryptedPreMasterSecret: []byte{1, 2}},
		join(0, 2, 1, 2),
	},
	{
		"ClientKeyExchange RSA, SSL 3.0", ssl30RSA,
		&tlsmsg.ClientKeyExchange{KeyExchange: tlsmsg.KeyExchangeRSA, EncryptedPreMasterSecret: []byte{1, 2}},
		join(1, 2),
	},
	{"ClientKeyExchange of an unknown exchange", tlsmsg.Context{}, &tlsmsg.ClientKeyExchange{Raw: []byte{1}}, join(1)},
	{"Finished", tls12RSA, &tlsmsg.Finished{VerifyData: []byte("twelve bytes")}, []byte("twelve bytes")},
	{"Finished, SSL 3.0", ssl30RSA, &tlsmsg.Finished{VerifyData: make([]byte, 36)}, make([]byte, 36)},
	{
		"CertificateStatus", tls12RSA,
		&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: []byte{0x30, 0}},
		join(1, 0, 0, 2, 0x30, 0),
	},
	{
		"CertificateStatus of another type", tls12RSA,
		&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSPMulti, Response: []byte{1, 2, 3}},
		join(2, 1, 2, 3),
	},
	{
		"NewSessionTicket", tls12RSA,
		&tlsmsg.NewSessionTicket{LifetimeHint: 0x01020304, Ticket: []byte{5, 6}},
		join(1, 2, 3, 4, 0, 2, 5, 6),
	},
	{
		"HelloRetryRequest", tlsmsg.Context{},
		&tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: tlsmsg.HelloRetryRequestRandom(), SessionID: []byte{1}, CipherSuite: 0x1301,
			HasExtensions: true, Extensions: []tlsmsg.Extension{{Type: 51, Data: []byte{0, 23}}}},
		join(3, 3, helloRetryRandom, 1, 1, 0x13, 1, 0, 0, 6, 0, 51, 0, 2, 0, 23),
	},
	{
		"EncryptedExtensions", tls13,
		&tlsmsg.EncryptedExtensions{Extensions: []tlsmsg.Extension{{Type: 10, Data: []byte{0, 2, 0, 29}}, {Type: 0, Data: []byte{}}}},
		join(0, 12, 0, 10, 0, 4, 0, 2, 0, 29, 0, 0, 0, 0),
	},
	{"empty EncryptedExtensions", tls13, &tlsmsg.EncryptedExtensions{}, join(0, 0)},
	{
		"Certificate, TLS 1.3", tls13,
		&tlsmsg.Certificate{
			RequestContext: []byte{7}, Chain: [][]byte{{1, 2}, {3}},
			EntryExtensions: [][]tlsmsg.Extension{{{Type: 18, Data: []byte{9}}, {Type: 5, Data: []byte{}}}, {{Type: 99, Data: []byte{4}}}},
		},
		join(1, 7, 0, 0, 27, 0, 0, 2, 1, 2, 0, 9, 0, 18, 0, 1, 9, 0, 5, 0, 0, 0, 0, 1, 3, 0, 5, 0, 99, 0, 1, 4),
	},
	{"empty Certificate, TLS 1.3", tls13, &tlsmsg.Certificate{RequestContext: []byte{7, 8}}, join(2, 7, 8, 0, 0, 0)},
	{
		"CertificateRequest, TLS 1.3", tls13,
		&tlsmsg.CertificateRequest{RequestContext: []byte{5}, Extensions: []tlsmsg.Extension{{Type: 13, Data: []byte{0, 2, 8, 4}}}},
		join(1, 5, 0, 8, 0, 13, 0, 4, 0, 2, 8, 4),
	},
	{
		"CertificateVerify, TLS 1.3", tls13,
		&tlsmsg.CertificateVerify{Scheme: tlsmsg.SchemeEd25519, Signature: []byte{1, 2}},
		join(8, 7, 0, 2, 1, 2),
	},
	{"Finished, TLS 1.3", tls13, &tlsmsg.Finished{VerifyData: make([]byte, 32)}, make([]byte, 32)},
	{
		"NewSessionTicket, TLS 1.3", tls13,
		&tlsmsg.NewSessionTicket{LifetimeHint: 0x01020304, AgeAdd: 0x05060708, Nonce: []byte{0}, Ticket: []byte{9, 9},
			Extensions: []tlsmsg.Extension{{Type: 42, Data: []byte{0, 0, 1, 0}}}},
		join(1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 2, 9, 9, 0, 8, 0, 42, 0, 4, 0, 0, 1, 0),
	},
	{"EndOfEarlyData", tls13, &tlsmsg.EndOfEarlyData{}, nil},
	{"KeyUpdate", tls13, &tlsmsg.KeyUpdate{Request: tlsmsg.UpdateRequested}, join(1)},
	{"MessageHash", tls13, &tlsmsg.MessageHash{Hash: []byte{1, 2, 3}}, join(1, 2, 3)},
	{
		"CompressedCertificate", tls13,
		&tlsmsg.CompressedCertificate{Algorithm: tlsmsg.CompressionBrotli, UncompressedLength: 0x010203, Message: []byte{4, 5}},
		join(0, 2, 1, 2, 3, 0, 0, 2, 4, 5),
	},
	{"unknown message", tls12RSA, &tlsmsg.UnknownMessage{HandshakeType: 99, Body: []byte{1}}, join(1)},
}

func TestMessagesEncodeAndDecodeAsWrittenByHand(t *testing.T) {
	covered := map[tlsmsg.HandshakeType]bool{}
	for _, tc := range handWritten {
		t.Run(tc.name, func(t *testing.T) {
			covered[tc.m.Type()] = true
			raw := join(int(tc.m.Type()), 0, len(tc.body)>>8, len(tc.body), tc.body)
			if got := tlsmsg.Append([]byte("before"), tc.m, tc.ctx); !bytes.Equal(got, join("before", raw)) {
				t.Errorf("encoded\n% x\nwant\n% x", got, join("before", raw))
			}
			got, err := tlsmsg.ParseMessage(raw, tc.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(plain(got), plain(tc.m)) {
				t.Errorf("decoded\n%+v\nwant\n%+v", got, tc.m)
			}
			tree, err := tlsmsg.Explain(raw, tc.ctx)
			must(t, err)
			checkLeaves(t, tree, raw)
		})
	}
	for v := range 256 {
		m := tlsmsg.New(tlsmsg.HandshakeType(v))
		if _, unknown := m.(*tlsmsg.UnknownMessage); !unknown && !covered[m.Type()] {
			t.Errorf("no hand-written %s", m.Type().Heading())
		}
	}
}

// plain makes empty lists nil, which decoding does not promise to tell apart.
func plain(m tlsmsg.Message) any {
	v := reflect.ValueOf(m).Elem()
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range out.NumField() {
		if f := out.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
	return out.Interface()
}

func TestDecodingIntoAUsedValueLeavesNothingBehind(t *testing.T) {
	used := map[tlsmsg.HandshakeType]tlsmsg.Message{}
	for range 2 {
		for _, tc := range handWritten {
			m := used[tc.m.Type()]
			if m == nil {
				m = tlsmsg.New(tc.m.Type())
				used[tc.m.Type()] = m
			}
			must(t, tlsmsg.ParseInto(m, tlsmsg.Append(nil, tc.m, tc.ctx), tc.ctx))
			if !reflect.DeepEqual(plain(m), plain(tc.m)) {
				t.Errorf("%s: decoded\n%+v\nwant\n%+v", tc.name, m, tc.m)
			}
		}
	}
}

func TestServerKeyExchangeIsEncodedFromItsFieldsWithoutParams(t *testing.T) {
	for _, tc := range handWritten {
		m, ok := tc.m.(*tlsmsg.ServerKeyExchange)
		if !ok || m.Raw != nil {
			continue
		}
		fields := *m
		fields.Params = nil
		if got := fields.AppendBody(nil, tc.ctx); !bytes.Equal(got, tc.body) {
			t.Errorf("%s: encoded % x, want % x", tc.name, got, tc.body)
		}
		if got := fields.AppendParams(nil, tc.ctx); !bytes.Equal(got, m.Params) {
			t.Errorf("%s: parameters % x, want % x", tc.name, got, m.Params)
		}
	}
}

func TestClientKeyExchangeTakesItsFormFromTheContext(t *testing.T) {
	m := tlsmsg.ClientKeyExchange{PublicKey: []byte{1}}
	if got := m.AppendBody(nil, tls12DHE); !bytes.Equal(got, []byte{0, 1, 1}) {
		t.Errorf("encoded % x", got)
	}
}

func TestContentWhoseLengthCannotBeCountedIsCutNotPanickedOver(t *testing.T) {
	big := make([]byte, 1<<16)
	for _, m := range []tlsmsg.Message{
		&tlsmsg.ServerHello{SessionID: big[:300], Extensions: []tlsmsg.Extension{{Type: 35, Data: big}, {Type: 35, Data: big}}},
		&tlsmsg.ClientHello{CipherSuites: make([]tlsmsg.CipherSuite, 1<<16), CompressionMethods: make([]tlsmsg.CompressionMethod, 300)},
		&tlsmsg.NewSessionTicket{Ticket: big},
		&tlsmsg.Certificate{Chain: [][]byte{make([]byte, 1<<24)}},
	} {
		raw := tlsmsg.Append(nil, m, tls12RSA)
		if n := int(raw[1])<<16 | int(raw[2])<<8 | int(raw[3]); n != len(raw)-4 {
			t.Errorf("%s: header says %d, %d follow", m.Type().Heading(), n, len(raw)-4)
		}
	}
}

func TestChangeCipherSpecAndAlertRoundTrip(t *testing.T) {
	ccs, err := tlsmsg.ParseChangeCipherSpec([]byte{1})
	if err != nil || !bytes.Equal(ccs.Append(nil), []byte{1}) {
		t.Errorf("%+v, %v", ccs, err)
	}
	alert, err := tlsmsg.ParseAlert([]byte{2, 40})
	if err != nil || alert.String() != "fatal handshake_failure" || !bytes.Equal(alert.Append(nil), []byte{2, 40}) {
		t.Errorf("%s, %v", alert, err)
	}
}

// What encodes decodes to itself, and what decodes encodes to the same bytes, is
// tried for all messages and extensions that there are: none is missing in the
// tables. (Every input that a decoder takes is canonical: it refuses what would
// encode to other bytes. The fuzz targets hold it to that.)
func TestNoMessageAndNoExtensionIsMissingInTheRoundTrips(t *testing.T) {
	messages := map[tlsmsg.HandshakeType]bool{}
	for _, tc := range handWritten {
		messages[tc.m.Type()] = true
	}
	for typ := range 256 {
		typ := tlsmsg.HandshakeType(typ)
		if _, unknown := tlsmsg.New(typ).(*tlsmsg.UnknownMessage); !unknown && !messages[typ] {
			t.Errorf("no row for %v", typ)
		}
	}
	extensions := map[tlsmsg.ExtensionType]map[tlsmsg.HandshakeType]bool{}
	for _, tc := range handWrittenExtensions {
		typ := tc.v.ExtensionType()
		if extensions[typ] == nil {
			extensions[typ] = map[tlsmsg.HandshakeType]bool{}
		}
		extensions[typ][tc.in] = true
	}
	for typ := range 1 << 16 {
		typ := tlsmsg.ExtensionType(typ)
		if tlsmsg.NewExtensionData(typ) == nil {
			continue
		}
		for _, in := range everywhere {
			may, _ := typ.MayStandIn(in, tlsmsg.VersionTLS12)
			may13, _ := typ.MayStandIn(in, tlsmsg.VersionTLS13)
			if (may || may13) && !extensions[typ][in] {
				t.Errorf("no row for %v in %s", typ, in.Heading())
			}
		}
	}
}
