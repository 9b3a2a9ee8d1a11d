package handshake_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Client that was used before, and stopped anywhere, begins as a new one.
func TestAResetClientBeginsAnew(t *testing.T) {
	want := func() []byte {
		c := handshake.NewClient(handshake.Config{ServerName: "one.test", Random: [32]byte{7}})
		c.Start()
		return append([]byte(nil), c.Next()...)
	}()
	profile := handshake.NewProfile(handshake.Config{})
	used := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: "another.test", GREASE: true})
	for _, garbage := range []string{"", "\x16\x03\x03\x40\x00\x02", "HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x03\x00\x02\x02\x28"} {
		used.Start()
		used.Receive([]byte(garbage))
		used.Reset(profile, handshake.Identity{ServerName: "one.test", Random: [32]byte{7}})
		if used.Err() != nil || used.Stage() != handshake.StageNew || used.Next() != nil {
			t.Fatalf("after %q: %v, %v", garbage, used.Err(), used.Stage())
		}
		used.Start()
		if got := used.Next(); string(got) != string(want) {
			t.Errorf("after %q: another ClientHello than a new client's", garbage)
		}
	}
}

// What one client of a profile sends and learns changes nothing for another.
func TestClientsOfAProfileShareNothingElse(t *testing.T) {
	cfg := handshake.Config{GREASE: true, PadTo: 600}
	profile := handshake.NewProfile(cfg)
	hello := func(c *handshake.Client) string {
		c.Start()
		return string(c.Next())
	}
	session := &handshake.Session{ServerName: "two.test", Ticket: []byte("ticket"), Version: tlsmsg.VersionTLS12,
		CipherSuite: tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Chain: [][]byte{{1}}}
	for range 2 {
		for _, id := range []handshake.Identity{
			{ServerName: "one.test", Random: [32]byte{1}},
			{ServerName: "two.test", Random: [32]byte{0xF0, 0xF0, 0xF0}, Session: session},
			{ServerName: "three.test", Session: session}, // not for this one
			{},
		} {
			cfg.ServerName, cfg.Random, cfg.Session = id.ServerName, id.Random, id.Session
			var c handshake.Client
			c.Reset(profile, id)
			if hello(&c) != hello(handshake.NewClient(cfg)) {
				t.Errorf("%q: another ClientHello than with a Config of its own", id.ServerName)
			}
		}
	}
}
