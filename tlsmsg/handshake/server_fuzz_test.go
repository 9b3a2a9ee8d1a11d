package handshake_test

import (
	"crypto"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// easyServerWork lets everything pass, so that fuzzed bytes come far.
func easyServerWork(s *handshake.Server, key any) {
	for work, ok := s.Work(); ok; work, ok = s.Work() {
		switch work := work.(type) {
		case handshake.KeyPairWork:
			s.Resume(handshake.KeyPairResult{PublicKey: make([]byte, 65), Private: 1})
		case handshake.SharedSecretWork:
			s.Resume(handshake.SharedSecretResult{Secret: make([]byte, 32)})
		case handshake.DecryptWork:
			s.Resume(handshake.DecryptResult{PreMasterSecret: make([]byte, 48)})
		case handshake.SignWork:
			s.Resume(handshake.SignResult{Signature: []byte("signature")})
		case handshake.VerifyChainWork:
			s.Resume(handshake.VerifyChainResult{PublicKey: key})
		case handshake.VerifySignatureWork:
			s.Resume(handshake.VerifySignatureResult{})
		case handshake.LookupSessionWork:
			old, err := handshake.ParseServerSession(work.Ticket)
			if err != nil {
				old = nil
			}
			s.Resume(handshake.LookupSessionResult{Session: old, Renew: len(work.Ticket)%2 == 0})
		case handshake.KeepSessionWork:
			s.Resume(handshake.KeepSessionResult{Ticket: []byte("ticket")})
		}
	}
}

// Whatever a client sends, and however it is cut, the server neither panics nor
// hangs, comes to the same end, and never believes that the handshake is done.
func FuzzServerAgainstAnyClient(f *testing.F) {
	for _, id := range []string{"ecdsa256", "rsa"} {
		p := newPair(f, func(c *handshake.Config) { c.SessionTicket = true }, requireClient)
		var seed []byte
		p.filter = func(fromClient bool, wire []byte) []byte {
			if fromClient {
				seed = append(seed, wire...)
			}
			return wire
		}
		if err := p.shake(); err != nil {
			f.Fatal(id, err)
		}
		f.Add(seed, byte(0))
		f.Add(seed[:len(seed)/2], byte(1))
		f.Add(seed, byte(7))
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), byte(0))
	f.Add([]byte{21, 3, 1, 0, 2, 2, 40}, byte(3))
	a := theAuthority()
	cfg, _ := a.serverConfig(f, "ecdsa256", "rsa")
	cfg.ClientAuth, cfg.Tickets, cfg.SessionID, cfg.MinVersion = handshake.ClientAuthRequest, true, make([]byte, 32), 0x0301
	key := a.cert("ecdsa256").PrivateKey.(crypto.Signer).Public()
	f.Fuzz(func(t *testing.T, data []byte, chunk byte) {
		run := func(chunk int) *handshake.Server {
			s := handshake.NewServer(cfg)
			for rest := data; len(rest) > 0; {
				n := min(max(chunk, 1), len(rest), s.Room())
				if n == 0 || chunk == 0 {
					n = len(rest)
				}
				s.Receive(rest[:n])
				easyServerWork(s, key)
				s.Next()
				s.Discard(len(s.Peek()))
				rest = rest[n:]
			}
			s.TransportEOF()
			return s
		}
		whole, cut := run(0), run(int(chunk))
		if whole.Err() == nil || whole.Stage() == handshake.StageFinished || whole.CanWrite() {
			t.Fatalf("stage %v, %v", whole.Stage(), whole.Err())
		}
		if whole.Stage() != cut.Stage() {
			t.Errorf("at once: %v, %v\nin pieces of %d: %v, %v", whole.Stage(), whole.Err(), chunk, cut.Stage(), cut.Err())
		}
	})
}
