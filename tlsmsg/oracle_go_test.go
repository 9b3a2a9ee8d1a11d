package tlsmsg_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// tap keeps what passes through the client's end of a connection.
type tap struct {
	net.Conn
	mu    sync.Mutex
	flows []flow
}

func (c *tap) keep(fromClient bool, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(b) > 0 {
		c.flows = append(c.flows, flow{fromClient, slices.Clone(b)})
	}
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.keep(false, b[:n])
	return n, err
}

func (c *tap) Write(b []byte) (int, error) {
	c.keep(true, b)
	return c.Conn.Write(b)
}

// overheard is what Go's implementation says of a handshake, at both ends.
type overheard struct {
	flows   []flow
	state   tls.ConnectionState // the client's
	hello   *tls.ClientHelloInfo
	request *tls.CertificateRequestInfo
}

// overhear runs a TLS 1.2 handshake of Go's client with Go's server.
func overhear(t *testing.T) (o overheard) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rawshake.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	credential := tls.Certificate{
		Certificate: [][]byte{der, der}, PrivateKey: key,
		OCSPStaple: []byte("an OCSP response"), SignedCertificateTimestamps: [][]byte{[]byte("one"), []byte("two")},
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{
		Certificates: []tls.Certificate{credential}, NextProtos: []string{"h2"}, MaxVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAnyClientCert, ClientCAs: pool,
		GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
			o.hello = info
			return nil, nil
		},
	})
	wire := &tap{Conn: near}
	client := tls.Client(wire, &tls.Config{
		ServerName: "rawshake.test", NextProtos: []string{"h2", "http/1.1"}, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12,
		GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			o.request = info
			return &credential, nil
		},
	})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	must(t, client.Handshake())
	must(t, <-done)
	o.state, o.flows = client.ConnectionState(), wire.flows
	return o
}

func TestDecodedFieldsAreThoseThatGoSees(t *testing.T) {
	o := overhear(t)
	got := map[string]tlsmsg.Message{}
	for _, c := range clear(t, o.flows) {
		if c.content != tlsmsg.ContentHandshake {
			continue
		}
		m, err := tlsmsg.ParseMessage(c.raw, c.ctx)
		must(t, err)
		name := c.String()
		if c.fromClient && name == "Certificate" {
			name = "client Certificate"
		}
		got[name] = m
	}
	client, ok := got["ClientHello"].(*tlsmsg.ClientHello)
	if !ok {
		t.Fatalf("no ClientHello in %v", got)
	}
	var (
		name     tlsmsg.ServerName
		groups   tlsmsg.SupportedGroups
		points   tlsmsg.ECPointFormats
		schemes  tlsmsg.SignatureAlgorithms
		alpn     tlsmsg.ALPN
		versions tlsmsg.SupportedVersions
	)
	for _, v := range []tlsmsg.ExtensionData{&name, &groups, &points, &schemes, &alpn, &versions} {
		if found, err := client.DecodeExtension(v); !found || err != nil {
			t.Fatalf("%s: found %v, %v", v.ExtensionType(), found, err)
		}
	}
	var types []uint16
	for _, e := range client.Extensions {
		types = append(types, uint16(e.Type))
	}
	same(t, "server name", name.HostName(), o.hello.ServerName)
	same(t, "cipher suites", client.CipherSuites, o.hello.CipherSuites)
	same(t, "groups", groups.Groups, o.hello.SupportedCurves)
	same(t, "point formats", points.Formats, o.hello.SupportedPoints)
	same(t, "schemes", schemes.Schemes, o.hello.SignatureSchemes)
	same(t, "protocols", alpn.Protocols, o.hello.SupportedProtos)
	same(t, "versions", versions.Versions, o.hello.SupportedVersions)
	same(t, "extensions", types, o.hello.Extensions)

	server, ok := got["ServerHello"].(*tlsmsg.ServerHello)
	if !ok {
		t.Fatalf("no ServerHello in %v", got)
	}
	var answer tlsmsg.ALPN
	var scts tlsmsg.SignedCertificateTimestamps
	for _, v := range []tlsmsg.ExtensionData{&answer, &scts} {
		if found, err := server.DecodeExtension(v); !found || err != nil {
			t.Fatalf("%s: found %v, %v", v.ExtensionType(), found, err)
		}
	}
	same(t, "version", server.Version, o.state.Version)
	same(t, "suite", server.CipherSuite, o.state.CipherSuite)
	same(t, "protocol", answer.Protocols, []string{o.state.NegotiatedProtocol})
	same(t, "timestamps", scts.List, o.state.SignedCertificateTimestamps)

	chain := make([][]byte, 0, 2)
	for _, cert := range o.state.PeerCertificates {
		chain = append(chain, cert.Raw)
	}
	same(t, "chain", got["Certificate"].(*tlsmsg.Certificate).Chain, chain)
	same(t, "client chain", got["client Certificate"].(*tlsmsg.Certificate).Chain, chain)
	same(t, "status", got["CertificateStatus"].(*tlsmsg.CertificateStatus).Response, o.state.OCSPResponse)
	same(t, "group", got["ServerKeyExchange"].(*tlsmsg.ServerKeyExchange).Group, o.state.CurveID)
	request := got["CertificateRequest"].(*tlsmsg.CertificateRequest)
	same(t, "requested schemes", request.Schemes, o.request.SignatureSchemes)
	same(t, "authorities", request.Authorities, o.request.AcceptableCAs)
}

// same compares numbers and lists across the two sides' types.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if a, b := bare(reflect.ValueOf(got)), bare(reflect.ValueOf(want)); a != b {
		t.Errorf("%s: %s, Go sees %s", what, a, b)
	}
}

// bare formats a value without its type's String.
func bare(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice:
		s := "["
		for i := range v.Len() {
			s += bare(v.Index(i)) + " "
		}
		return s + "]"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	default:
		return fmt.Sprint(v.Uint())
	}
}
