package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A meetup13 is one handshake of TLS 1.3 with crypto/tls.
type meetup13 struct {
	kind, client string
	id           tlsmsg.CipherSuite // 0: any
	group        tlsmsg.NamedGroup  // that the server takes alone
	share        tlsmsg.NamedGroup  // that the client has a key for
	older        bool               // offer TLS 1.2 beside it
	chunk        int
}

func (m meetup13) String() string {
	return fmt.Sprintf("%s/%v/%v/share=%v/client=%s/older=%v/chunk=%d", m.kind, m.id, m.group, m.share, m.client, m.older, m.chunk)
}

// secrets collects what a client tells of its secrets, as a key log has it.
func secrets(into *[]string) func(handshake.Event) {
	return func(e handshake.Event) {
		if s, ok := e.(handshake.SecretEvent); ok && s.Label != suite.SecretExporter {
			*into = append(*into, fmt.Sprintf("%s %x %x", s.Label, s.ClientRandom, s.Secret))
		}
	}
}

func (m meetup13) run(t *testing.T) {
	a := theAuthority()
	var theirs bytes.Buffer
	var ours []string
	server := a.server(m.kind)
	server.MaxVersion, server.NextProtos, server.KeyLogWriter = tls.VersionTLS13, []string{"h2", "http/1.1"}, &theirs
	server.CurvePreferences = []tls.CurveID{tls.CurveID(m.group)}
	cfg := handshake.Config{Random: randomBytes(), ServerName: serverName, ALPN: []string{"http/1.1"},
		MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13, Events: secrets(&ours)}
	if m.older {
		cfg.MinVersion = tlsmsg.VersionTLS12
	}
	if m.id != 0 {
		cfg.CipherSuites = []tlsmsg.CipherSuite{m.id}
	}
	if m.share != 0 {
		cfg.KeyShares = []tlsmsg.NamedGroup{m.share}
	}
	w := a.worker()
	if m.client != "" {
		server.ClientAuth = tls.RequireAndVerifyClientCert
		cred, key := a.credential(t, m.client)
		cfg.Credentials, w.Signers = []handshake.Credential{cred}, []crypto.Signer{key}
	}
	stream, s := serve(t, server)
	d := &driver{c: handshake.NewClient(cfg), w: w, stream: stream, chunk: m.chunk}
	if err := d.handshake(); err != nil {
		t.Fatalf("%v (server: %v)", err, <-s.done)
	}
	got := d.c.State()
	if m.id != 0 && got.CipherSuite != m.id || got.Group != m.group || got.Version != tlsmsg.VersionTLS13 || got.ALPN != "http/1.1" ||
		!got.Verified() || (got.Credential == 0) != (m.client != "") || got.Scheme == 0 {
		t.Errorf("state %+v", got)
	}
	exchangeData(t, d, s, 48<<10)
	logged := strings.Split(strings.TrimSpace(theirs.String()), "\n")
	slices.Sort(logged)
	slices.Sort(ours)
	if !slices.Equal(logged, ours) {
		t.Errorf("secrets\n%s\nthe server's\n%s", strings.Join(ours, "\n"), strings.Join(logged, "\n"))
	}
}

func TestHandshakesOfTLS13WithGo(t *testing.T) {
	for _, id := range suite.IDs13() {
		for _, kind := range []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
			m := meetup13{kind: kind, id: id, group: tlsmsg.GroupX25519, older: kind == "rsa"}
			t.Run(m.String(), m.run)
		}
	}
	for _, group := range slices.Concat(suite.HybridGroups(), suite.Groups()) {
		for _, share := range []tlsmsg.NamedGroup{group, 0} { // 0: the first, so that the server asks for another
			m := meetup13{kind: "ecdsa256", group: group, share: share, older: true, chunk: 1}
			t.Run(m.String(), m.run)
		}
	}
	for _, client := range []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
		m := meetup13{kind: "ecdsa256", group: tlsmsg.GroupSecp256r1, client: client, older: true}
		t.Run(m.String(), m.run)
	}
}

// Both sides export the same for a label and a context, and nothing before the
// handshake is done.
func TestBothSidesExportTheSame(t *testing.T) {
	server := theAuthority().server("ecdsa256")
	server.MaxVersion = tls.VersionTLS13
	stream, s := serve(t, server)
	cfg := config13(tlsmsg.VersionTLS13)
	cfg.Random, cfg.ServerName = randomBytes(), serverName
	d := &driver{c: handshake.NewClient(cfg), w: theAuthority().worker(), stream: stream}
	if d.c.Export("label", nil, 32) != nil {
		t.Error("exported before there is a handshake")
	}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	exchangeData(t, d, s, 16)
	state := s.conn.ConnectionState()
	for _, context := range [][]byte{nil, {}, []byte("context")} {
		want, err := state.ExportKeyingMaterial("EXPERIMENTAL-label", context, 100)
		if got := d.c.Export("EXPERIMENTAL-label", context, 100); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%x, expected %x, %v", got, want, err)
		}
	}
}
