package tlsmsg_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/rawshake/rawshake/tlsmsg"
)

// heard13 is one handshake message of TLS 1.3, in the clear.
type heard13 struct {
	fromClient bool
	name       string
	raw        []byte
	m          tlsmsg.Message
}

// listener13 follows a connection of TLS 1.3 by its key log.
type listener13 struct {
	t       *testing.T
	secrets map[string][]byte
	suite   tlsmsg.CipherSuite
	sides   [2]side13 // the server's, the client's
	heard   []heard13
}

type side13 struct {
	pending  []byte
	messages tlsmsg.Assembler
	label    string // of the secret that is in use
	seq      uint64
}

var epochs13 = [2][2]string{
	{"SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"},
	{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"},
}

func (l *listener13) feed(f flow) {
	who := 0
	if f.fromClient {
		who = 1
	}
	s := &l.sides[who]
	s.pending = append(s.pending, f.data...)
	for {
		rec, n, err := tlsmsg.NextRecord(s.pending)
		must(l.t, err)
		if n == 0 {
			return
		}
		header := s.pending[:tlsmsg.RecordHeaderLen]
		s.pending = s.pending[n:]
		content, typ := rec.Fragment, rec.Type
		if rec.Type == tlsmsg.ContentApplicationData {
			must(l.t, rec.CheckCiphertext13())
			p := l.open(who, header, rec.Fragment)
			content, typ = p.Content, p.Type
		}
		if typ == tlsmsg.ContentHandshake {
			s.messages.Write(content)
			l.messages(who)
		}
	}
}

// open removes a record's protection (RFC 9846, sections 5.2, 5.3 and 7.3).
func (l *listener13) open(who int, header, fragment []byte) tlsmsg.InnerPlaintext {
	s := &l.sides[who]
	hash, keyLen := crypto.SHA256, 16
	switch l.suite {
	case tlsmsg.TLS_AES_256_GCM_SHA384:
		hash, keyLen = crypto.SHA384, 32
	case tlsmsg.TLS_CHACHA20_POLY1305_SHA256:
		keyLen = chacha20poly1305.KeySize
	}
	expand := func(label string, n int) []byte {
		info := join(n>>8, n, len("tls13 ")+len(label), "tls13 "+label, 0)
		key, err := hkdf.Expand(hash.New, l.secrets[s.label], string(info), n)
		must(l.t, err)
		return key
	}
	var aead cipher.AEAD
	var err error
	if key := expand("key", keyLen); l.suite == tlsmsg.TLS_CHACHA20_POLY1305_SHA256 {
		aead, err = chacha20poly1305.New(key)
	} else {
		block, blockErr := aes.NewCipher(key)
		must(l.t, blockErr)
		aead, err = cipher.NewGCM(block)
	}
	must(l.t, err)
	nonce := expand("iv", aead.NonceSize())
	var seq [12]byte
	binary.BigEndian.PutUint64(seq[4:], s.seq)
	for i := range nonce {
		nonce[i] ^= seq[i]
	}
	s.seq++
	plain, err := aead.Open(nil, nonce, fragment, header)
	must(l.t, err)
	p, err := tlsmsg.ParseInnerPlaintext(plain)
	must(l.t, err)
	if !bytes.Equal(p.Append(nil), plain) {
		l.t.Errorf("% x became %+v", plain, p)
	}
	return p
}

// messages demands of each message that it encodes to the same bytes, from its
// fields, and that each extension stands where it may.
func (l *listener13) messages(who int) {
	s := &l.sides[who]
	for {
		raw, err := s.messages.Next()
		must(l.t, err)
		if raw == nil {
			return
		}
		m, err := tlsmsg.ParseMessage(raw, tls13)
		must(l.t, err)
		checkMessage(l.t, raw, tls13)
		l.heard = append(l.heard, heard13{who == 1, tlsmsg.Form(raw).Heading(), raw, m})
		list, in := extensionsOf13(m)
		for _, e := range list {
			if may, known := e.Type.MayStandIn(in, tlsmsg.VersionTLS13); known && !may {
				l.t.Errorf("%s in %s", e.Type, in.Heading())
			}
			if v := tlsmsg.NewExtensionData(e.Type); v != nil {
				if err := e.Decode(v, in); err != nil || !bytes.Equal(v.AppendData(nil, in), e.Data) {
					l.t.Errorf("%s in %s: % x became %+v, %v", e.Type, in.Heading(), e.Data, v, err)
				}
			}
		}
		switch m := m.(type) {
		case *tlsmsg.ServerHello:
			if !m.IsHelloRetryRequest() {
				l.suite = m.CipherSuite
				l.sides[0].label, l.sides[1].label = epochs13[0][0], epochs13[1][0]
			}
		case *tlsmsg.Finished:
			s.label, s.seq = epochs13[who][1], 0
		}
	}
}

func extensionsOf13(m tlsmsg.Message) (list []tlsmsg.Extension, in tlsmsg.HandshakeType) {
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		return m.Extensions, m.Type()
	case *tlsmsg.ServerHello:
		return m.Extensions, m.Form()
	case *tlsmsg.EncryptedExtensions:
		return m.Extensions, m.Type()
	case *tlsmsg.CertificateRequest:
		return m.Extensions, m.Type()
	case *tlsmsg.NewSessionTicket:
		return m.Extensions, m.Type()
	case *tlsmsg.Certificate:
		for _, e := range m.EntryExtensions {
			list = append(list, e...)
		}
		return list, m.Type()
	}
	return nil, 0
}

func credential13(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rawshake.test"}, DNSNames: []string{"rawshake.test", "secret.test", "public.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return tls.Certificate{
		Certificate: [][]byte{der, der}, PrivateKey: key,
		OCSPStaple: []byte("an OCSP response"), SignedCertificateTimestamps: [][]byte{[]byte("one"), []byte("two")},
	}
}

// overhear13 runs a TLS 1.3 connection of Go's client with Go's server, which
// sends one byte, and returns its messages.
func overhear13(t *testing.T, client, server *tls.Config) (heard []heard13, state tls.ConnectionState, clientErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a pipe holds nothing, and both may write at once
	must(t, err)
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	must(t, err)
	defer near.Close()
	far, err := listener.Accept()
	must(t, err)
	defer far.Close()
	var keys bytes.Buffer
	client.MinVersion, server.MinVersion, client.KeyLogWriter = tls.VersionTLS13, tls.VersionTLS13, &keys
	wire := &tap{Conn: near}
	c, s := tls.Client(wire, client), tls.Server(far, server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close()
		if s.Handshake() == nil {
			_, _ = s.Write([]byte("a"))
		}
	}()
	if clientErr = c.Handshake(); clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	state = c.ConnectionState()
	near.Close()
	<-done
	l := listener13{t: t, secrets: map[string][]byte{}}
	for line := range strings.Lines(keys.String()) {
		f := strings.Fields(line)
		secret, err := hex.DecodeString(f[2])
		must(t, err)
		l.secrets[f[0]] = secret
	}
	for _, f := range wire.flows {
		l.feed(f)
	}
	return l.heard, state, clientErr
}

func names13(heard []heard13) string {
	var names []string
	for _, h := range heard {
		names = append(names, h.name)
	}
	return strings.Join(names, " ")
}

// message13 is the first message of a name and a side.
func message13[T tlsmsg.Message](t *testing.T, heard []heard13, name string, fromClient bool) (m T, raw []byte) {
	t.Helper()
	for _, h := range heard {
		if h.name == name && h.fromClient == fromClient {
			return h.m.(T), h.raw
		}
	}
	t.Fatalf("no %s in %s", name, names13(heard))
	return m, nil
}

func TestEveryMessageOfGoInTLS13IsUnderstood(t *testing.T) {
	credential := credential13(t)
	client := &tls.Config{ServerName: "rawshake.test", InsecureSkipVerify: true, NextProtos: []string{"h2", "x"}, Certificates: []tls.Certificate{credential},
		ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	server := &tls.Config{Certificates: []tls.Certificate{credential}, NextProtos: []string{"h2"}, ClientAuth: tls.RequireAnyClientCert}
	heard, state, err := overhear13(t, client, server)
	must(t, err)
	want := "ClientHello ServerHello EncryptedExtensions CertificateRequest Certificate CertificateVerify Finished " +
		"Certificate CertificateVerify Finished NewSessionTicket"
	if got := names13(heard); got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	hello, _ := message13[*tlsmsg.ServerHello](t, heard, "ServerHello", false)
	var share tlsmsg.KeyShare
	var version tlsmsg.SupportedVersions
	for _, v := range []tlsmsg.ExtensionData{&share, &version} {
		if found, err := hello.DecodeExtension(v); !found || err != nil {
			t.Fatal(found, err)
		}
	}
	same(t, "group", share.Shares[0].Group, state.CurveID)
	same(t, "version", version.Versions[0], state.Version)
	same(t, "suite", hello.CipherSuite, state.CipherSuite)
	encrypted, _ := message13[*tlsmsg.EncryptedExtensions](t, heard, "EncryptedExtensions", false)
	var alpn tlsmsg.ALPN
	if found, err := encrypted.DecodeExtension(&alpn); !found || err != nil || alpn.Protocols[0] != state.NegotiatedProtocol {
		t.Errorf("%+v, %v, %v", alpn, found, err)
	}
	chain, _ := message13[*tlsmsg.Certificate](t, heard, "Certificate", false)
	var status tlsmsg.StatusRequest
	var scts tlsmsg.SignedCertificateTimestamps
	for _, v := range []tlsmsg.ExtensionData{&status, &scts} {
		if found, err := chain.DecodeExtension(0, v); !found || err != nil {
			t.Fatal(found, err)
		}
		if found, err := chain.DecodeExtension(1, v); found || err != nil {
			t.Errorf("beside the second certificate: %v", err)
		}
	}
	_, _ = chain.DecodeExtension(0, &status)
	_, _ = chain.DecodeExtension(0, &scts)
	same(t, "chain", chain.Chain, credential.Certificate)
	same(t, "status", status.Response, state.OCSPResponse)
	same(t, "timestamps", scts.List, state.SignedCertificateTimestamps)
}

func TestAHelloRetryRequestOfGoIsUnderstood(t *testing.T) {
	client := &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}
	server := &tls.Config{Certificates: []tls.Certificate{credential13(t)}, CurvePreferences: []tls.CurveID{tls.CurveP256}, SessionTicketsDisabled: true}
	heard, _, err := overhear13(t, client, server)
	must(t, err)
	want := "ClientHello HelloRetryRequest ClientHello ServerHello EncryptedExtensions Certificate CertificateVerify Finished Finished"
	if got := names13(heard); got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	retry, _ := message13[*tlsmsg.ServerHello](t, heard, "HelloRetryRequest", false)
	var share tlsmsg.KeyShare
	if found, err := retry.DecodeExtension(&share); !found || err != nil || share.Shares[0].Group != tlsmsg.GroupSecp256r1 {
		t.Errorf("%+v, %v, %v", share, found, err)
	}
}

func TestAResumptionOfGoInTLS13IsUnderstood(t *testing.T) {
	credential := credential13(t)
	client := &tls.Config{ServerName: "rawshake.test", InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	server := &tls.Config{Certificates: []tls.Certificate{credential}}
	server.SetSessionTicketKeys([][32]byte{{1}})
	first, _, err := overhear13(t, client, server)
	must(t, err)
	ticket, _ := message13[*tlsmsg.NewSessionTicket](t, first, "NewSessionTicket", false)
	second, state, err := overhear13(t, client, server)
	must(t, err)
	if !state.DidResume {
		t.Fatal("Go did not resume")
	}
	hello, raw := message13[*tlsmsg.ClientHello](t, second, "ClientHello", true)
	var psk tlsmsg.PreSharedKey
	if found, err := hello.DecodeExtension(&psk); !found || err != nil || !bytes.Equal(psk.Identities[0].Identity, ticket.Ticket) {
		t.Fatalf("%+v, %v, %v", psk, found, err)
	}
	n := psk.BindersLen()
	if last := hello.Extensions[len(hello.Extensions)-1]; last.Type != tlsmsg.ExtensionPreSharedKey || !bytes.Equal(raw[len(raw)-n+3:], psk.Binders[0]) {
		t.Errorf("%s is last; binders % x", last.Type, raw[len(raw)-n:])
	}
	answer, _ := message13[*tlsmsg.ServerHello](t, second, "ServerHello", false)
	if found, err := answer.DecodeExtension(&psk); !found || err != nil || psk.Selected != 0 {
		t.Errorf("%+v, %v, %v", psk, found, err)
	}
}

// rejected is Go's word for a server that could not decrypt a ClientHello.
func rejected(err error) []byte {
	var r *tls.ECHRejectionError
	if errors.As(err, &r) {
		return r.RetryConfigList
	}
	return nil
}
