package handshake_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// config13 is that of a client of TLS 1.3, with TLS 1.2 beside it or not.
func config13(least tlsmsg.Version) handshake.Config {
	return handshake.Config{MinVersion: least, MaxVersion: tlsmsg.VersionTLS13}
}

func TestHandshakesOfTLS13WithOpenSSL(t *testing.T) {
	a := theAuthority()
	ca := pemFile(t, "ca.pem", "CERTIFICATE", a.root.Raw)
	for name, args := range map[string][]string{
		"plain":       {"-tls1_3"},
		"both":        nil,
		"a cookie":    {"-stateless"},
		"P-384 alone": {"-groups", "P-384"},
		"a client's":  {"-Verify", "1", "-verify_return_error", "-CAfile", ca},
		"no spec":     {"-no_middlebox"},
		"padding":     {"-record_padding", "512"},
		"GREASE":      nil,
		"a limit":     nil,
		"a field":     {"-groups", "ffdhe2048"},
		"short":       {"-split_send_frag", "512", "-max_send_frag", "512"},
	} {
		for _, kind := range []string{"rsa", "ecdsa384"} {
			server := startOpenSSL(t, a.cert(kind), args...)
			for _, id := range suite.IDs13() {
				t.Run(fmt.Sprintf("%s/%s/%v", name, kind, id), func(t *testing.T) {
					cfg := config13(tlsmsg.VersionTLS13)
					cfg.CipherSuites = []tlsmsg.CipherSuite{id}
					cred, key := a.credential(t, "ecdsa384")
					cfg.GREASE = name == "GREASE"
					if name == "a limit" { // this OpenSSL does not know it, and sends what it likes
						cfg.RecordSizeLimit = 64
					}
					if name == "a client's" {
						cfg.Credentials = []handshake.Credential{cred}
					}
					got := server.visit(t, cfg, key)
					if got.Version != tlsmsg.VersionTLS13 || got.CipherSuite != id || !got.Verified() || (got.Credential == 0) != (name == "a client's") {
						t.Errorf("state %+v", got)
					}
				})
			}
		}
	}
}

// One ClientHello offers both versions, and the server that knows one of them
// alone finds it.
func TestOneClientHelloForBothVersions(t *testing.T) {
	for _, args := range [][]string{{"-tls1_2"}, {"-tls1_3"}, nil} {
		server := startOpenSSL(t, theAuthority().cert("ecdsa256"), args...)
		got := server.visit(t, config13(tlsmsg.VersionTLS12))
		if want := args != nil && args[0] == "-tls1_2"; (got.Version == tlsmsg.VersionTLS12) != want || !got.Verified() {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// OpenSSL's server updates its keys, and wants ours updated, when its operator
// types K, and its own alone by k.
func TestKeysAreUpdatedWithOpenSSL(t *testing.T) {
	a := theAuthority()
	addr, typed, lines := operatedOpenSSL(t, a.cert("rsa"), "-tls1_3")
	updates := [2]int{}
	cfg := config13(tlsmsg.VersionTLS13)
	cfg.Random, cfg.ServerName = randomBytes(), serverName
	cfg.Events = func(e handshake.Event) {
		if m, ok := e.(handshake.MessageEvent); ok && m.Content == tlsmsg.ContentHandshake && m.Type == tlsmsg.TypeKeyUpdate {
			updates[m.Dir]++
		}
	}
	d := &driver{w: a.worker(), stream: dialPeer(t, addr), c: handshake.NewClient(cfg)}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	heard := func() {
		t.Helper()
		if err := d.write([]byte("heard\n")); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() && lines.Text() != "heard" {
		}
	}
	said := func() {
		t.Helper()
		if _, err := typed.Write([]byte("said\n")); err != nil {
			t.Fatal(err)
		}
		if got, err := d.read(5); err != nil || !bytes.Equal(got, []byte("said\n")) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for _, tc := range []struct {
		key  string
		want [2]int
	}{{"K\n", [2]int{handshake.In: 1, handshake.Out: 1}}, {"k\n", [2]int{handshake.In: 2, handshake.Out: 1}}, {"K\n", [2]int{handshake.In: 3, handshake.Out: 2}}} {
		if _, err := typed.Write([]byte(tc.key)); err != nil {
			t.Fatal(err)
		}
		if err := d.until(func() bool { return updates[handshake.In] == tc.want[handshake.In] }); err != nil {
			t.Fatal(err)
		}
		heard()
		if updates != tc.want {
			t.Errorf("%d KeyUpdates came, %d were sent, expected %v", updates[handshake.In], updates[handshake.Out], tc.want)
		}
		said()
	}
	d.c.UpdateKeys(true)
	heard()
	said() // its KeyUpdate goes out with what it says next
	if updates != [2]int{handshake.In: 4, handshake.Out: 3} {
		t.Errorf("%d KeyUpdates came, %d were sent", updates[handshake.In], updates[handshake.Out])
	}
	heard()
}
