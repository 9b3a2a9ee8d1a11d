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

func TestHandshakesWithGoAcrossSuitesGroupsAndKeys(t *testing.T) {
	a := theAuthority()
	for _, kind := range []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
		for _, id := range suite.IDs() {
			if !goSpeaks(id) || suite.Lookup(id).KeyExchange != tlsmsg.KeyExchangeECDHE {
				continue
			}
			if (suite.Lookup(id).Authentication == suite.AuthRSA) != (kind == "rsa") {
				continue
			}
			for _, group := range suite.Groups() {
				for _, ems := range []bool{true, false} {
					for _, client := range []string{"", "rsa", "ecdsa256", "ed25519"} {
						t.Run(fmt.Sprintf("%s/%v/%v/ems=%v/client=%s", kind, id, group, ems, client), func(t *testing.T) {
							server := a.server(kind)
							server.CipherSuites = []uint16{uint16(id)}
							server.NextProtos = []string{"h2", "http/1.1"}
							cfg := handshake.Config{Random: randomBytes(), ServerName: serverName, ALPN: []string{"http/1.1"},
								CipherSuites: []tlsmsg.CipherSuite{id}, Groups: []tlsmsg.NamedGroup{group}}
							if !ems {
								cfg.Omit = []tlsmsg.ExtensionType{tlsmsg.ExtensionExtendedMasterSecret}
							}
							w := a.worker()
							if client != "" {
								server.ClientAuth = tls.RequireAndVerifyClientCert
								cred, key := a.credential(t, client)
								cfg.Credentials, w.Signers = []handshake.Credential{cred}, []crypto.Signer{key}
							}
							stream, s := serve(t, server)
							d := &driver{c: handshake.NewClient(cfg), w: w, stream: stream}
							if err := d.handshake(); err != nil {
								t.Fatalf("%v (server: %v)", err, <-s.done)
							}
							got := d.c.State()
							if got.CipherSuite != id || got.Group != group || got.Version != tlsmsg.VersionTLS12 ||
								got.ALPN != "http/1.1" || got.ExtendedMasterSecret != ems || !got.Verified() ||
								!got.SecureRenegotiation || (got.Credential == 0) != (client != "") {
								t.Errorf("state %+v", got)
							}
							exchangeData(t, d, s, 64)
						})
					}
				}
			}
		}
	}
}

// goSpeaks reports whether crypto/tls knows a suite, by default or not.
func goSpeaks(id tlsmsg.CipherSuite) bool {
	return slices.ContainsFunc(append(tls.CipherSuites(), tls.InsecureCipherSuites()...), func(s *tls.CipherSuite) bool {
		return s.ID == uint16(id) && slices.Contains(s.SupportedVersions, tls.VersionTLS12)
	})
}
