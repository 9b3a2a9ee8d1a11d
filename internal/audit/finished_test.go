// Weaknesses that show only once a handshake has come to its end, in servers
// that can do that.

package audit_test

import (
	"context"
	"crypto"
	"io"
	"net"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// finishing is a server of our own, which takes connections to their end.
func finishing(t testing.TB, edit func(*handshake.ServerConfig, *worker.Sessions)) func(net.Conn) {
	return finishingThen(t, edit, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
}

// finishingThen goes on with then.
func finishingThen(t testing.TB, edit func(*handshake.ServerConfig, *worker.Sessions), then func(net.Conn)) func(net.Conn) {
	p := papers(t)
	credential, err := worker.NewServerCredential([][]byte{p.ECDSA.Cert.Raw}, p.ECDSA.Key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := handshake.ServerConfig{
		MaxVersion:   tlsmsg.VersionTLS13,
		CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_AES_128_GCM_SHA256, tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		Groups:       []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1},
		Credentials:  []handshake.ServerCredential{credential},
		Tickets:      true,
	}
	w := &worker.Worker{Signers: []crypto.Signer{p.ECDSA.Key}, Sessions: &worker.Sessions{Key: make([]byte, 32), Lifetime: time.Hour}}
	edit(&cfg, w.Sessions)
	return func(conn net.Conn) {
		cfg := cfg
		edit(&cfg, new(worker.Sessions)) // what is of one connection is made anew
		c := tlsconn.Server(conn, cfg, w)
		defer c.Close()
		if c.Handshake(context.Background()) == nil {
			then(c)
		}
	}
}

// finishedCases are the weaknesses that such a server can have.
func finishedCases(t testing.TB) []weaknessCase {
	sound := finishing(t, func(*handshake.ServerConfig, *worker.Sessions) {})
	month := func(_ *handshake.ServerConfig, s *worker.Sessions) { s.Lifetime = 30 * 24 * time.Hour }
	only := func(v tlsmsg.Version) func(*handshake.ServerConfig, *worker.Sessions) {
		return func(c *handshake.ServerConfig, s *worker.Sessions) { c.MinVersion, c.MaxVersion = v, v }
	}
	return []weaknessCase{
		{id: "early_data", weak: finishing(t, func(c *handshake.ServerConfig, _ *worker.Sessions) { c.EarlyData = 16384 }), sound: sound, judged: "16384 bytes"},
		{id: "long_ticket", weak: finishing(t, month), sound: sound, judged: "2592000 s"},
		{id: "client_renegotiation", weak: finishing(t, renegotiates), sound: finishing(t, only(tlsmsg.VersionTLS12))},
	}
}

// overflowing has a server give the ticket of TLS 1.3 a thousand times.
func overflowing(c *handshake.ServerConfig, _ *worker.Sessions) {
	c.Tamper = &handshake.Tamper{Messages: func(due handshake.Outgoing) (out []handshake.Outgoing) {
		out = append(out, due)
		for kind, ok := due.HandshakeType(); ok && kind == tlsmsg.TypeNewSessionTicket && len(out) < 1000; {
			out = append(out, due)
		}
		return out
	}}
}

// renegotiates has a server answer a second ClientHello with a ServerHello, as
// one does that renegotiates: how that would go on nobody waits for.
func renegotiates(c *handshake.ServerConfig, _ *worker.Sessions) {
	c.MaxVersion = tlsmsg.VersionTLS12
	hellos := 0
	c.Tamper = &handshake.Tamper{Arrived: func(got handshake.Incoming) []handshake.Outgoing {
		if kind, ok := got.HandshakeType(); ok && kind == tlsmsg.TypeClientHello {
			hellos++
		}
		if hellos < 2 {
			return nil
		}
		hello := tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		return []handshake.Outgoing{{Content: tlsmsg.ContentHandshake, Data: tlsmsg.Append(nil, &hello, tlsmsg.Context{})}}
	}}
}
