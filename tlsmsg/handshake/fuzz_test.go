package handshake_test

import (
	"crypto"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// easyWorker lets everything pass, so that fuzzed bytes come far.
type easyWorker struct{ key any }

func (w easyWorker) finish(c *handshake.Client) {
	for work, ok := c.Work(); ok; work, ok = c.Work() {
		switch work.(type) {
		case handshake.AgreeWork:
			c.Resume(handshake.AgreeResult{PublicKey: make([]byte, 65), PreMasterSecret: make([]byte, 32)})
		case handshake.VerifyChainWork:
			c.Resume(handshake.VerifyChainResult{PublicKey: w.key})
		case handshake.VerifySignatureWork:
			c.Resume(handshake.VerifySignatureResult{})
		case handshake.SignWork:
			c.Resume(handshake.SignResult{Signature: []byte("signature")})
		}
	}
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
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), byte(0))
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40}, byte(3))
	w := easyWorker{key: theAuthority().cert("ecdsa256").PrivateKey.(crypto.Signer).Public()}
	f.Fuzz(func(t *testing.T, data []byte, chunk byte) {
		run := func(chunk int, events func(handshake.Event)) *handshake.Client {
			c := handshake.NewClient(handshake.Config{ServerName: serverName, SessionTicket: true, Events: events,
				Credentials: []handshake.Credential{{Chain: [][]byte{{1}}, Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}}}})
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
		if whole.Stage() != cut.Stage() {
			t.Errorf("at once: %v, %v\nin pieces of %d: %v, %v", whole.Stage(), whole.Err(), chunk, cut.Stage(), cut.Err())
		}
		if out > 12 {
			t.Errorf("%d messages sent to one flight", out)
		}
	})
}
