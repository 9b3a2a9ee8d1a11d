package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"fmt"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// exchangeData sends data there and back, and closes from both sides.
func exchangeData(t *testing.T, d *driver, s *goServer, size int) {
	t.Helper()
	sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	for piece := sent; len(piece) > 0; {
		n := min(len(piece), 8<<10) // net.Pipe has no buffer, and the server echoes at once
		if err := d.write(piece[:n]); err != nil {
			t.Fatal(err)
		}
		got, err := d.read(n)
		if err != nil || !bytes.Equal(got, piece[:n]) {
			t.Fatalf("echo of %d bytes: %d bytes, %v", n, len(got), err)
		}
		piece = piece[n:]
	}
	d.c.CloseWrite()
	if err := d.flush(); err != nil {
		t.Fatal(err)
	}
	if rest, err := d.read(1); err != nil || len(rest) > 0 || !d.c.EOF() {
		t.Fatalf("after close_notify: %q, %v, EOF %v", rest, err, d.c.EOF())
	}
	if err := <-s.done; err != nil {
		t.Fatalf("server: %v", err)
	}
}

// A meetup is one handshake with crypto/tls and what is to come of it.
type meetup struct {
	kind    string // of the server's key
	id      tlsmsg.CipherSuite
	version tlsmsg.Version
	group   tlsmsg.NamedGroup // 0: any, or none
	ems     bool
	client  string // kind of the client's key; "": no certificate
}

func (m meetup) String() string {
	return fmt.Sprintf("%s/%v/%v/%v/ems=%v/client=%s", m.kind, m.id, m.version, m.group, m.ems, m.client)
}

func (m meetup) run(t *testing.T) {
	a := theAuthority()
	server := a.server(m.kind)
	server.CipherSuites = []uint16{uint16(m.id)}
	server.MinVersion = tls.VersionTLS10
	server.NextProtos = []string{"h2", "http/1.1"}
	cfg := handshake.Config{Random: randomBytes(), ServerName: serverName, ALPN: []string{"http/1.1"},
		CipherSuites: []tlsmsg.CipherSuite{m.id}, MinVersion: m.version, MaxVersion: m.version}
	if m.group != 0 {
		cfg.Groups = []tlsmsg.NamedGroup{m.group}
	}
	if !m.ems {
		cfg.Omit = []tlsmsg.ExtensionType{tlsmsg.ExtensionExtendedMasterSecret}
	}
	w := a.worker()
	if m.client != "" {
		server.ClientAuth = tls.RequireAndVerifyClientCert
		cred, key := a.credential(t, m.client)
		cfg.Credentials, w.Signers = []handshake.Credential{cred}, []crypto.Signer{key}
	}
	stream, s := serve(t, server)
	d := &driver{c: handshake.NewClient(cfg), w: w, stream: stream}
	if err := d.handshake(); err != nil {
		t.Fatalf("%v (server: %v)", err, <-s.done)
	}
	got := d.c.State()
	if got.CipherSuite != m.id || m.group != 0 && got.Group != m.group || got.Version != m.version ||
		got.ALPN != "http/1.1" || got.ExtendedMasterSecret != m.ems || !got.Verified() || got.EncryptThenMAC ||
		!got.SecureRenegotiation || (got.Credential == 0) != (m.client != "") {
		t.Errorf("state %+v", got)
	}
	exchangeData(t, d, s, 48<<10)
}

// kindsFor lists the kinds of keys that go with a suite in a version.
func kindsFor(id tlsmsg.CipherSuite, v tlsmsg.Version) []string {
	switch {
	case suite.Lookup(id).Authentication == suite.AuthRSA:
		return []string{"rsa"}
	case v < tlsmsg.VersionTLS12:
		return []string{"ecdsa256", "ecdsa521"}
	}
	return []string{"ecdsa256", "ecdsa384", "ecdsa521", "ed25519"}
}

func TestHandshakesWithGoAcrossVersionsSuitesAndKeys(t *testing.T) {
	var met int
	for _, id := range slices.Concat(suite.IDs(), suite.LegacyIDs()) {
		for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
			if !goSpeaks(id, v) {
				continue
			}
			for _, kind := range kindsFor(id, v) {
				for _, client := range []string{"", "rsa", "ecdsa256"} {
					m := meetup{kind: kind, id: id, version: v, ems: client != "rsa", client: client}
					t.Run(m.String(), m.run)
					met++
				}
			}
		}
	}
	if met < 100 {
		t.Errorf("%d handshakes, expected more", met)
	}
}

func TestHandshakesWithGoAcrossGroupsAndClientKeys(t *testing.T) {
	for _, group := range suite.Groups() {
		for _, ems := range []bool{true, false} {
			for _, client := range []string{"", "rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
				m := meetup{kind: "ecdsa256", id: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
					version: tlsmsg.VersionTLS12, group: group, ems: ems, client: client}
				t.Run(m.String(), m.run)
			}
		}
	}
}

// goSpeaks reports whether crypto/tls knows a suite in a version, by default or
// not.
func goSpeaks(id tlsmsg.CipherSuite, v tlsmsg.Version) bool {
	return slices.ContainsFunc(append(tls.CipherSuites(), tls.InsecureCipherSuites()...), func(s *tls.CipherSuite) bool {
		return s.ID == uint16(id) && slices.Contains(s.SupportedVersions, uint16(v))
	})
}
