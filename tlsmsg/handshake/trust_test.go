package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// What is only for the right server does not leave for another one: neither a
// credential nor application data. --insecure makes the verdict a remark.
func TestNothingIsGivenToAServerThatDoesNotVerify(t *testing.T) {
	a := theAuthority()
	for _, insecure := range []bool{false, true} {
		server := a.server("ecdsa256")
		server.ClientAuth = tls.RequestClientCert
		cred, key := a.credential(t, "ecdsa256")
		var decisions []string
		var verdict error
		cfg := handshake.Config{Random: randomBytes(), ServerName: "other.example", AllowUnverified: insecure,
			Credentials: []handshake.Credential{cred},
			Events: func(e handshake.Event) {
				switch e := e.(type) {
				case handshake.DecisionEvent:
					decisions = append(decisions, e.Name)
				case handshake.VerdictEvent:
					verdict = e.Err
				}
			}}
		stream, s := serve(t, server)
		w := a.worker()
		w.Signers = []crypto.Signer{key}
		d := &driver{c: handshake.NewClient(cfg), w: w, stream: stream}
		if err := d.handshake(); err != nil {
			t.Fatalf("insecure=%v: %v: the handshake is to be finished", insecure, err)
		}
		state := d.c.State()
		given := state.Credential >= 0
		if given != insecure || d.c.CanWrite() != insecure || (d.c.Write([]byte("GET /")) > 0) != insecure {
			t.Errorf("insecure=%v: credential %d, CanWrite %v", insecure, state.Credential, d.c.CanWrite())
		}
		if len(s.conn.ConnectionState().PeerCertificates) > 0 != insecure {
			t.Errorf("insecure=%v: the server got a certificate: %v", insecure, !insecure)
		}
		want := "[credential_withheld application_data_withheld]"
		if insecure {
			want = "[credential_sent]"
		}
		if got := fmt.Sprint(decisions); got != want {
			t.Errorf("insecure=%v: decisions %s, expected %s", insecure, got, want)
		}
		var v *worker.Verdict
		if !errors.As(verdict, &v) || v.Reason != worker.WrongName || state.Verified() {
			t.Errorf("verdict %v", verdict)
		}
	}
}

// The first credential that fits is sent, and what is decided is told.
func TestTheFirstFittingCredentialAnswersARequest(t *testing.T) {
	a := theAuthority()
	kinds := []string{"rsa", "ecdsa256", "ed25519"}
	for _, tc := range []struct {
		name string
		edit func(*tlsmsg.CertificateRequest)
		want int
		text string
		any  bool // Config.AnyAuthority
	}{
		{"anything", func(r *tlsmsg.CertificateRequest) {}, 0, "certificate 1 of 3 sent, signing with rsa_pss_rsae_sha256", false},
		{"certificate type", func(r *tlsmsg.CertificateRequest) { r.CertificateTypes = r.CertificateTypes[:1] }, 1, "certificate 2 of 3", false},
		{"scheme", func(r *tlsmsg.CertificateRequest) { r.Schemes = []tlsmsg.SignatureScheme{tlsmsg.SchemeEd25519} }, 2, "certificate 3 of 3", false},
		{"issuer", func(r *tlsmsg.CertificateRequest) { r.Authorities = [][]byte{[]byte("somebody else")} }, -1, "number 1: none of its issuers", false},
		{"issuer, and any will do", func(r *tlsmsg.CertificateRequest) { r.Authorities = [][]byte{[]byte("somebody else")} }, 0, "its issuers are not among certificate_authorities", true},
		{"any issuer, and no scheme of ours", func(r *tlsmsg.CertificateRequest) { r.Schemes = []tlsmsg.SignatureScheme{tlsmsg.SchemeEd448} }, -1, "the server takes [ed448]", true},
		{"the right issuer, and any will do", func(r *tlsmsg.CertificateRequest) { r.Authorities = [][]byte{a.root.RawSubject} }, 0, "the first that fits", true},
		{"the right issuer", func(r *tlsmsg.CertificateRequest) { r.Authorities = [][]byte{{1}, a.root.RawSubject} }, 0, "certificate 1", false},
		{"no scheme of ours", func(r *tlsmsg.CertificateRequest) { r.Schemes = []tlsmsg.SignatureScheme{tlsmsg.SchemeEd448} }, -1, "the server takes [ed448]", false},
	} {
		f := newFake(t)
		f.request = anyRequest()
		tc.edit(f.request)
		cfg := f.config()
		cfg.AnyAuthority = tc.any
		var text string
		cfg.Events = func(e handshake.Event) {
			if e, ok := e.(handshake.DecisionEvent); ok {
				text = e.Text
			}
		}
		m := f.meet(cfg)
		for _, kind := range kinds {
			cred, key := a.credential(t, kind)
			cfg.Credentials = append(cfg.Credentials, cred)
			m.w.Signers = append(m.w.Signers, key)
		}
		m.c = handshake.NewClient(cfg)
		m.upTo("")
		if got := m.c.State().Credential; got != tc.want || m.c.Err() != nil || !f.done {
			t.Errorf("%s: credential %d, expected %d (%v)", tc.name, got, tc.want, m.c.Err())
		}
		if !strings.Contains(text, tc.text) {
			t.Errorf("%s: decided %q, expected %q", tc.name, text, tc.text)
		}
	}
}

func TestASignerThatFailsEndsTheHandshakeWithItsReason(t *testing.T) {
	f := newFake(t)
	f.request = anyRequest()
	cfg := f.config()
	cred, _ := theAuthority().credential(t, "rsa")
	cfg.Credentials = []handshake.Credential{cred}
	m := f.meet(cfg) // its worker has no signer
	m.c.Start()
	for _, p := range f.first(m.c.Next()) {
		m.feed(p.wire())
	}
	if err := m.c.Err(); !errors.Is(err, handshake.ErrInternal) || !strings.Contains(err.Error(), "no private key for certificate 1") {
		t.Error(err)
	}
}

// A server that speaks TLS 1.3 alone says so by its alert.
func TestAServerOfTLS13AloneEndsWithItsProtocolVersionAlert(t *testing.T) {
	server := theAuthority().server("ecdsa256")
	server.MinVersion, server.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
	stream, _ := serve(t, server)
	d := &driver{c: handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: serverName}), w: theAuthority().worker(), stream: stream}
	var e *handshake.AlertError
	if err := d.handshake(); !errors.As(err, &e) || e.Alert.Description != tlsmsg.AlertProtocolVersion {
		t.Error(err)
	}
}

// The events hold every byte of both directions, in order, at the offsets that
// they tell, and the secret that they carry is the one that the server logs.
func TestEventsAccountForEveryByteAndTheSecret(t *testing.T) {
	a := theAuthority()
	var keyLog bytes.Buffer
	server := a.server("rsa")
	server.KeyLogWriter = &keyLog
	var records [2][]byte
	var messages []string
	var secret handshake.SecretEvent
	cfg := handshake.Config{Random: randomBytes(), ServerName: serverName, Events: func(e handshake.Event) {
		switch e := e.(type) {
		case handshake.RecordEvent:
			if e.Offset != int64(len(records[e.Dir])) {
				t.Errorf("record at %d, expected %d", e.Offset, len(records[e.Dir]))
			}
			records[e.Dir] = append(records[e.Dir], e.Wire...)
		case handshake.MessageEvent:
			name := e.Content.Heading()
			if e.Content == tlsmsg.ContentHandshake {
				name = e.Type.Heading()
				if m, err := tlsmsg.ParseMessage(e.Raw, e.Context); err != nil || m.Type() != e.Type {
					t.Errorf("%s does not decode in its context: %v", name, err)
				}
			}
			if e.Offset >= e.End || e.End != int64(len(records[e.Dir])) {
				t.Errorf("%s from %d to %d, the stream is at %d", name, e.Offset, e.End, len(records[e.Dir]))
			}
			messages = append(messages, [2]string{handshake.In: "<", handshake.Out: ">"}[e.Dir]+name)
		case handshake.SecretEvent:
			secret = e
		}
	}}
	stream, s := serve(t, server)
	tap := &tap{ReadWriter: stream}
	d := &driver{c: handshake.NewClient(cfg), w: a.worker(), stream: tap}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	exchangeData(t, d, s, 16)
	if !bytes.Equal(records[handshake.In], tap.in.Bytes()) || !bytes.Equal(records[handshake.Out], tap.out.Bytes()) {
		t.Error("the records are not what passed over the stream")
	}
	want := ">ClientHello <ServerHello <Certificate <ServerKeyExchange <ServerHelloDone >ClientKeyExchange " +
		">ChangeCipherSpec >Finished <ChangeCipherSpec <Finished >ApplicationData <ApplicationData >Alert <Alert"
	if got := strings.Join(messages, " "); got != want {
		t.Errorf("messages %s\nexpected %s", got, want)
	}
	line := fmt.Sprintf("%s %x %x\n", secret.Label, secret.ClientRandom, secret.Secret)
	if line != keyLog.String() {
		t.Errorf("secret %s\nserver  %s", line, keyLog.String())
	}
}

// tap keeps what passes over a stream.
type tap struct {
	io.ReadWriter
	in, out bytes.Buffer
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadWriter.Read(p)
	t.in.Write(p[:n])
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	t.out.Write(p)
	return t.ReadWriter.Write(p)
}
