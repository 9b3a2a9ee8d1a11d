package handshake_test

import (
	"crypto"
	"crypto/x509"
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// easyWorker lets everything pass, so that fuzzed bytes come far.
type easyWorker struct{ key any }

func (w easyWorker) finish(c *handshake.Client) {
	for work, ok := c.Work(); ok; work, ok = c.Work() {
		switch work := work.(type) {
		case handshake.KeyPairWork:
			c.Resume(handshake.KeyPairResult{PublicKey: make([]byte, 65), Private: 1})
		case handshake.SharedSecretWork:
			c.Resume(handshake.SharedSecretResult{Secret: make([]byte, 32)})
		case handshake.EncryptWork:
			c.Resume(handshake.EncryptResult{Encrypted: make([]byte, 256), PreMasterSecret: make([]byte, 48)})
		case handshake.VerifyChainWork:
			key := w.key
			if cert, err := x509.ParseCertificate(work.Chain[0]); err == nil && cert.PublicKey != nil {
				key = cert.PublicKey
			}
			c.Resume(handshake.VerifyChainResult{PublicKey: key})
		case handshake.VerifyStatusWork:
			c.Resume(handshake.VerifyStatusResult{Status: handshake.StatusGood})
		case handshake.VerifySignatureWork:
			c.Resume(handshake.VerifySignatureResult{})
		case handshake.SignWork:
			c.Resume(handshake.SignResult{Signature: []byte("signature")})
		}
	}
}

var fuzzSession = &handshake.Session{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	ExtendedMasterSecret: true, Ticket: []byte("ticket"), ServerName: serverName, Chain: [][]byte{{1}}}

// fuzzConfig takes as much as a Config can.
func fuzzConfig() handshake.Config {
	return handshake.Config{Random: [32]byte{9}, ServerName: serverName, SessionTicket: true, Session: fuzzSession, Legacy: true, GREASE: true,
		MinVersion: tlsmsg.VersionTLS10, MaxVersion: tlsmsg.VersionTLS12, RecordSizeLimit: 1 << 14,
		Extensions:  []tlsmsg.Extension{{Type: 0x1234}},
		Credentials: []handshake.Credential{{Chain: [][]byte{{1}}, Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}}}}
}

// Whatever a server sends, and however it is cut, the client neither panics
// nor hangs, comes to the same end, holds no more than it says, and never
// believes that the handshake is done.
func FuzzClientAgainstAnyServer(f *testing.F) {
	fk := newFake(f)
	fk.status, fk.ticket, fk.request = true, true, anyRequest()
	m := fk.meet(fk.config())
	var seed []byte
	m.c.Start()
	for _, p := range fk.first(m.c.Next()) {
		wire := p.wire()
		m.feed(wire)
		seed = append(seed, wire...)
	}
	f.Add(seed, byte(0))
	f.Add(seed, byte(1))
	for _, p := range fk.second(m.c.Next()) {
		seed = append(seed, p.wire()...)
	}
	f.Add(seed, byte(0))
	for _, setup := range []func(*fake){
		func(f *fake) { f.kind, f.id = "rsa", gcmRSA },
		func(f *fake) { f.kind, f.id = "rsa", gcmDHE },
		func(f *fake) { f.version, f.id = tlsmsg.VersionTLS10, cbcECDSA },
		func(f *fake) { // who does not know the secret, or there would be nothing to fuzz
			other := *fuzzSession
			other.Master[0] = 1
			f.session, f.ticket = &other, true
		},
	} {
		fk := newFake(f)
		setup(fk)
		cfg := fuzzConfig()
		if fk.session == nil {
			cfg.Session = nil
		}
		m := fk.meet(cfg)
		m.c.Start()
		var seed []byte
		for _, p := range fk.first(m.c.Next()) {
			wire := p.wire()
			m.feed(wire)
			seed = append(seed, wire...)
		}
		f.Add(seed, byte(0))
		f.Add(seed, byte(7))
	}
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), byte(0))
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40}, byte(3))
	w := easyWorker{key: theAuthority().cert("ecdsa256").PrivateKey.(crypto.Signer).Public()}
	f.Fuzz(func(t *testing.T, data []byte, chunk byte) {
		run := func(chunk int, events func(handshake.Event)) *handshake.Client {
			cfg := fuzzConfig()
			cfg.Events = events
			if events == nil {
				cfg.Pool = &slab.Pool{Poison: true}
			}
			c := handshake.NewClient(cfg)
			c.Start()
			for rest := data; len(rest) > 0; {
				n := min(max(chunk, 1), len(rest), c.Room())
				if n == 0 || chunk == 0 {
					n = len(rest)
				}
				c.Receive(rest[:n])
				w.finish(c)
				c.Next()
				c.Discard(len(c.Peek()))
				rest = rest[n:]
			}
			c.TransportEOF()
			return c
		}
		var out int
		whole := run(0, func(e handshake.Event) {
			if e, ok := e.(handshake.MessageEvent); ok && e.Dir == handshake.Out {
				out++
			}
		})
		cut := run(int(chunk), nil)
		if whole.Err() == nil || whole.Stage() == handshake.StageFinished || whole.CanWrite() {
			t.Fatalf("stage %v, %v", whole.Stage(), whole.Err())
		}
		if cut.Release(); whole.Stage() != cut.Stage() {
			t.Errorf("at once: %v, %v\nin pieces of %d: %v, %v", whole.Stage(), whole.Err(), chunk, cut.Stage(), cut.Err())
		}
		if out > 12 {
			t.Errorf("%d messages sent to one flight", out)
		}
	})
}
