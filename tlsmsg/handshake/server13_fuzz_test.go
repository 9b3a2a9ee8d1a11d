package handshake_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Whatever a client says that knows the keys, from whichever message on, a server of
// TLS 1.3 neither panics nor hangs, sends no more than it must, and believes in the
// end of the handshake only if all that came before was as it should be.
func FuzzServerOfTLS13AgainstAnyClient(f *testing.F) {
	seed := newFakeClient13(f)
	f.Add(byte(0), byte(22), seed.clientHello(false)[5:])
	for from := range byte(16) {
		for _, kind := range []byte{0, 0x40, 0x80, 0xC0} {
			f.Add(from%4|kind, byte(22), []byte{24, 0, 0, 1, 1})                   // KeyUpdate
			f.Add(from%4|kind, byte(22), []byte{5, 0, 0, 0})                       // EndOfEarlyData
			f.Add(from%4|kind, byte(22), []byte{11, 0, 0, 4, 0, 0, 0, 0})          // Certificate
			f.Add(from%4|kind, byte(22), []byte{15, 0, 0, 6, 4, 3, 0, 2, 0x30, 0}) // CertificateVerify
			f.Add(from%4|kind, byte(23), []byte("data"))
			f.Add(from%4|kind, byte(21), []byte{1, 0})
			f.Add(from%4|kind, byte(20), []byte{1})
		}
	}
	first := newFakeClient13(f)
	early, w := first.config()
	first.resumable(&early, w)
	f.Fuzz(func(t *testing.T, from, typ byte, content []byte) {
		if len(content) > tlsmsg.MaxPlaintext {
			return
		}
		fake := newFakeClient13(t)
		switch from & 0xC0 {
		case 0x40:
			fake.retry = true
		case 0x80:
			fake.request = true
		case 0xC0:
			fake.early, fake.session = true, first.session
		}
		cfg, w := fake.config()
		if fake.early {
			cfg = early
			w.Sessions = newSessions()
		}
		cfg.Cookie, cfg.RecordSizeLimit, cfg.ALPN, cfg.PSKAlone = nil, 1<<14, []string{"h2"}, true
		sent := 0
		cfg.Events = func(e handshake.Event) {
			if e, ok := e.(handshake.MessageEvent); ok && e.Dir == handshake.Out {
				sent++
			}
		}
		names := []string{"ClientHello", "EndOfEarlyData", "Certificate", "CertificateVerify", "Finished", ""}
		name := names[int(from&0x0F)%len(names)]
		fake.upTo(cfg, w, name)
		if fake.s.Err() != nil {
			t.Fatal(fake.s.Err())
		}
		whole := fake.s.Stage() == handshake.StageFinished
		for range 3 {
			fake.feed(fake.record(tlsmsg.ContentType(typ), content))
			fake.s.Next()
			fake.s.Discard(len(fake.s.Peek()))
		}
		if done := fake.s.Stage() == handshake.StageFinished; done != whole {
			t.Errorf("finished %v before %q, %v", done, name, fake.s.Err())
		}
		if sent > 16 {
			t.Errorf("%d messages sent", sent)
		}
		fake.s.TransportEOF()
	})
}
