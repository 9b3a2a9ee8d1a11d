package handshake_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Early data reaches the server with the ClientHello and is told from what comes
// later; it is refused, and the connection goes on, where the server takes none, has
// seen the ticket with some before, wants another ClientHello, or speaks another
// protocol or suite now.
func TestEarlyData(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(c *handshake.Config, s *handshake.ServerConfig, w *worker.Worker)
		want handshake.EarlyData
	}{
		"taken": {func(*handshake.Config, *handshake.ServerConfig, *worker.Worker) {}, handshake.EarlyDataAccepted},
		"taken, and empty": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) {
			c.EarlyData = []byte{}
		}, handshake.EarlyDataAccepted},
		"none taken any more": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) { s.EarlyData = 0 }, handshake.EarlyDataRefused},
		"the ticket not known any more": {func(_ *handshake.Config, _ *handshake.ServerConfig, w *worker.Worker) {
			w.Sessions = &worker.Sessions{Key: bytes.Repeat([]byte{1}, 32)}
		}, handshake.EarlyDataRefused},
		"another ClientHello": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) { s.Cookie = []byte("again") }, handshake.EarlyDataRefused},
		"another group": {func(_ *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
			s.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp521r1}
		}, handshake.EarlyDataRefused},
		"another protocol": {func(c *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
			s.ALPN = []string{"http/1.1"}
		}, handshake.EarlyDataRefused},
		"another suite": {func(c *handshake.Config, s *handshake.ServerConfig, _ *worker.Worker) {
			s.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_CHACHA20_POLY1305_SHA256}
		}, handshake.EarlyDataRefused},
		"an age that is not the ticket's": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) {
			session := *c.Session
			session.Age = 3600_000
			c.Session = &session
		}, handshake.EarlyDataRefused},
		"no session": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) { c.Session = nil }, handshake.EarlyDataNone},
		"too much": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) {
			c.EarlyData = make([]byte, 1001)
		}, handshake.EarlyDataNone},
		"a suite that is not offered any more": {func(c *handshake.Config, _ *handshake.ServerConfig, _ *worker.Worker) {
			c.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_CHACHA20_POLY1305_SHA256}
		}, handshake.EarlyDataNone},
	} {
		t.Run(name, func(t *testing.T) {
			a := theAuthority()
			cfg, cw := a.client(t, "")
			cfg.MaxVersion, cfg.ALPN, cfg.EarlyData = tlsmsg.VersionTLS13, []string{"h2", "http/1.1"}, []byte("early")
			scfg, sw := a.serverConfig(t, "ecdsa256")
			scfg.MaxVersion, scfg.Tickets, scfg.EarlyData, scfg.ALPN = tlsmsg.VersionTLS13, true, 1000, []string{"h2"}
			sw.Sessions = newSessions()
			first := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
			if err := first.shake(); err != nil {
				t.Fatal(err)
			}
			if st := first.c.State(); st.EarlyData != handshake.EarlyDataNone || st.Session.MaxEarly != 1000 {
				t.Fatalf("%+v", st)
			}
			cfg.Session = first.c.State().Session
			tc.edit(&cfg, &scfg, sw)
			for round, want := range []handshake.EarlyData{tc.want, min(tc.want, handshake.EarlyDataRefused)} { // the second time as a replay
				cfg.Random, scfg.Random = randomBytes(), randomBytes()
				p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
				p.c.Start()
				p.run()
				if got := p.s.Peek(); want == handshake.EarlyDataAccepted && (!bytes.Equal(got, cfg.EarlyData) || p.s.Early() != (len(got) > 0)) {
					t.Errorf("round %d: read %q early, as such %v", round, got, p.s.Early())
				} else if want != handshake.EarlyDataAccepted && got != nil {
					t.Errorf("round %d: read %q", round, got)
				}
				if len(p.s.Peek()) > 0 {
					if p.s.Stage() == handshake.StageFinished || p.s.Write([]byte("half")) != 4 {
						t.Errorf("round %d: %v before the early data is read", round, p.s.Stage())
					}
					p.s.Discard(len(p.s.Peek()))
					p.run()
					if got := string(p.c.Peek()); got != "half" || p.c.Stage() != handshake.StageFinished {
						t.Errorf("round %d: the client reads %q", round, got)
					}
					p.c.Discard(4)
				}
				if err := errOf(p); err != nil || p.s.State().EarlyData != want || p.c.State().EarlyData != want || p.s.Early() {
					t.Fatalf("round %d: client %v, server %v, expected %v, %v", round, p.c.State().EarlyData, p.s.State().EarlyData, want, err)
				}
				sendBothWays(t, p)
			}
		})
	}
}

// errOf says what ended either side, or that it has not finished.
func errOf(p *pair) error {
	if p.c.Err() != nil || p.s.Err() != nil || p.c.Stage() != handshake.StageFinished || p.s.Stage() != handshake.StageFinished {
		return fmt.Errorf("client %v, %v; server %v, %v", p.c.Stage(), p.c.Err(), p.s.Stage(), p.s.Err())
	}
	return nil
}

// OpenSSL's client sends early data, once, and again as what it was recorded.
func TestEarlyDataOfOpenSSLs(t *testing.T) {
	cfg, w := theAuthority().serverConfig(t, "ecdsa256")
	cfg.MaxVersion, cfg.Tickets, cfg.EarlyData = tlsmsg.VersionTLS13, true, 1000
	w.Sessions = newSessions()
	session, early := filepath.Join(t.TempDir(), "session"), filepath.Join(t.TempDir(), "early")
	if err := os.WriteFile(early, []byte("early\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for round, want := range []handshake.EarlyData{handshake.EarlyDataNone, handshake.EarlyDataAccepted, handshake.EarlyDataRefused} {
		args := []string{"-tls1_3", "-sess_in", session, "-early_data", early}
		if round == 0 {
			args = []string{"-tls1_3", "-sess_out", session}
		}
		cfg.Random = randomBytes()
		s := handshake.NewServer(cfg)
		said := sClient(t, s, w, "", args...)
		if s.State().EarlyData != want || strings.Contains(said, "\nearly\n") != (want == handshake.EarlyDataAccepted) {
			t.Errorf("round %d: %v\n%s", round, s.State().EarlyData, said)
		}
	}
}

// OpenSSL's server takes early data of ours, once.
func TestEarlyDataToOpenSSL(t *testing.T) {
	a := theAuthority()
	server := startOpenSSL(t, a.cert("ecdsa256"), "-tls1_3", "-early_data", "-max_early_data", "1000")
	cfg := config13(tlsmsg.VersionTLS13)
	for round, want := range []handshake.EarlyData{handshake.EarlyDataNone, handshake.EarlyDataAccepted, handshake.EarlyDataRefused} {
		cfg.Random, cfg.ServerName, cfg.EarlyData = randomBytes(), serverName, []byte("early\n")
		stream, err := net.Dial("tcp", server.addr)
		if err != nil {
			t.Fatal(err)
		}
		d := &driver{c: handshake.NewClient(cfg), w: a.worker(), stream: stream}
		if err := d.handshake(); err != nil {
			t.Fatal(round, err)
		}
		if err := d.until(func() bool { return d.c.State().Session != nil }); err != nil {
			t.Fatal(err)
		}
		if got := d.c.State(); got.EarlyData != want || got.Resumed != (round == 1) {
			t.Errorf("round %d: %v, resumed %v", round, got.EarlyData, got.Resumed)
		}
		if round == 0 {
			cfg.Session = d.c.State().Session
		}
		d.c.CloseWrite() // else it lets go of the session
		if _, err := stream.Write(d.c.Next()); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, stream)
		stream.Close()
	}
}
