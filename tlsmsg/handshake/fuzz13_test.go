package handshake_test

import (
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Whatever a server says that knows the keys, from whichever message on, the client
// neither panics nor hangs, sends no more than it must, and believes in the end of
// the handshake only if all that came before was as it should be.
func FuzzClientOfTLS13AgainstAnyServer(f *testing.F) {
	seed := newFake13(f)
	seed.request = true
	for _, p := range seed.upTo(seed.config(), "ServerHello") {
		wire := p.wire()
		seed.feed(wire)
		f.Add(byte(0), byte(22), wire[5:])
	}
	for from := range byte(7) {
		f.Add(from, byte(22), []byte{8, 0, 0, 2, 0, 0})                                      // EncryptedExtensions
		f.Add(from, byte(22), []byte{4, 0, 0, 14, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0}) // NewSessionTicket
		f.Add(from, byte(22), []byte{24, 0, 0, 1, 1})                                        // KeyUpdate
		f.Add(from, byte(22), []byte{13, 0, 0, 11, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3})        // CertificateRequest
		f.Add(from, byte(23), []byte("data"))
		f.Add(from, byte(21), []byte{1, 0})
		f.Add(from, byte(20), []byte{1})
		f.Add(from, byte(0), []byte{})
	}
	f.Fuzz(func(t *testing.T, from, typ byte, content []byte) {
		if len(content) > tlsmsg.MaxPlaintext {
			return
		}
		fake := newFake13(t)
		fake.request = from&0x80 != 0
		if from&0x40 != 0 {
			fake.retry, fake.group = tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp256r1
		}
		cfg := fake.config()
		cfg.GREASE, cfg.RecordSizeLimit, cfg.ALPN = true, 1<<14, []string{"h2"}
		cfg.Pool = &slab.Pool{Poison: true}
		sent := 0
		cfg.Events = func(e handshake.Event) {
			if e, ok := e.(handshake.MessageEvent); ok && e.Dir == handshake.Out {
				sent++
			}
		}
		parts := fake.upTo(cfg, "ServerHello")
		n := min(int(from&0x0F), len(parts))
		for _, p := range parts[:n] {
			fake.feed(p.wire())
		}
		if fake.c.Err() != nil {
			t.Fatal(fake.c.Err())
		}
		whole := n == len(parts)
		for range 3 {
			wire := fake.record(tlsmsg.ContentType(typ), content)
			if typ == byte(tlsmsg.ContentChangeCipherSpec) {
				wire = tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentType(typ), Version: tlsmsg.VersionTLS12, Fragment: content})
			}
			fake.feed(wire)
			fake.c.Next()
			fake.c.Discard(len(fake.c.Peek()))
		}
		if done := fake.c.Stage() == handshake.StageFinished; done != whole {
			t.Errorf("finished %v after %d of %d messages, %v", done, n, len(parts), fake.c.Err())
		}
		if sent > 12 {
			t.Errorf("%d messages sent", sent)
		}
		fake.c.TransportEOF()
		fake.c.Release()
	})
}
