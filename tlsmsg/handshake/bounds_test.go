package handshake_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// plainRecords cuts a content into records of at most n bytes.
func plainRecords(typ tlsmsg.ContentType, content []byte, n int) (wire []byte) {
	for len(content) > 0 {
		k := min(n, len(content))
		wire = tlsmsg.AppendRecord(wire, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: content[:k]})
		content = content[k:]
	}
	return wire
}

func plainMessage(m tlsmsg.Message, ctx tlsmsg.Context) []byte {
	return plainRecords(tlsmsg.ContentHandshake, tlsmsg.Append(nil, m, ctx), tlsmsg.MaxPlaintext)
}

// crumbs are as many parts of one byte as a message of 128 KiB holds, each with
// a length of so many bytes before it.
func crumbs(length, most int) (all [][]byte) {
	for n := min(most, 128<<10-64) / (1 + length); n > 0; n-- {
		all = append(all, []byte{1})
	}
	return all
}

// held is the memory that keep's machines hold after make has made them, each.
func held(t *testing.T, make func() any) int {
	t.Helper()
	const machines = 4
	var before, after runtime.MemStats
	make() // what is made once for all
	runtime.GC()
	runtime.ReadMemStats(&before)
	var keep [machines]any
	for i := range keep {
		keep[i] = make()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(keep)
	return int(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / machines
}

// A server that sends the largest of everything, in the smallest of parts, and
// then neither goes on nor ends, costs a client no more than is stated.
func TestTheMostThatAServerCanMakeAClientHold(t *testing.T) {
	a := theAuthority()
	chain := append([][]byte{a.cert("ecdsa256").Certificate[0]}, crumbs(3, 127<<10)...)
	// The plain part of the flight comes through; then much more of a message
	// than it ends with.
	n := held(t, func() any {
		cfg, _ := a.client(t, "ecdsa256")
		cfg.AllowUnverified = true
		cfg.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		f := newFake(t)
		f.status = true
		m := f.meet(cfg)
		parts := m.upTo("Certificate")
		m.feed(plainMessage(&tlsmsg.Certificate{Chain: chain}, f.ctx))
		m.feed(plainMessage(&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: make([]byte, 127<<10)}, f.ctx))
		m.feed(parts[2].wire())
		m.feed(plainMessage(&tlsmsg.CertificateRequest{
			CertificateTypes: []tlsmsg.ClientCertificateType{tlsmsg.CertificateTypeECDSASign},
			Schemes:          make([]tlsmsg.SignatureScheme, 1<<15-1), Authorities: crumbs(2, 60<<10)}, f.ctx))
		m.feed([]byte{22, 3, 3, 0, 1, 14}) // and the beginning of ServerHelloDone
		if m.c.Err() != nil || !m.c.State().CertificateRequested {
			t.Fatalf("stage %v, %v", m.c.Stage(), m.c.Err())
		}
		return m.c
	})
	t.Logf("%d bytes", n)
	if n > handshake.MaxHeld || n < 512<<10 {
		t.Errorf("%d bytes held by a client, stated are at most %d", n, handshake.MaxHeld)
	}
}

// A client can do no more to a server.
func TestTheMostThatAClientCanMakeAServerHold(t *testing.T) {
	a := theAuthority()
	hello := &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12, CompressionMethods: []tlsmsg.CompressionMethod{0}, HasExtensions: true}
	for i := range 30000 {
		hello.CipherSuites = append(hello.CipherSuites, tlsmsg.CipherSuite(0x2000+i))
	}
	hello.CipherSuites[0] = tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	for i := range 16000 {
		hello.Extensions = append(hello.Extensions, tlsmsg.Extension{Type: tlsmsg.ExtensionType(0x4000 + i)})
	}
	schemes := tlsmsg.NewExtension(&tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}}, tlsmsg.TypeClientHello)
	hello.Extensions = append(hello.Extensions, schemes)
	chain := append([][]byte{a.cert("ecdsa256").Certificate[0]}, crumbs(3, 127<<10)...)
	n := held(t, func() any {
		cfg, w := a.serverConfig(t, "ecdsa256")
		cfg.ClientAuth, cfg.AllowUnverified = handshake.ClientAuthRequire, true
		s := handshake.NewServer(cfg)
		feed := func(wire []byte) {
			for len(wire) > 0 {
				k := min(len(wire), 32<<10)
				s.Receive(wire[:k])
				w.Finish(s)
				wire = wire[k:]
			}
		}
		feed(plainMessage(hello, tlsmsg.Context{}))
		feed(plainMessage(&tlsmsg.Certificate{Chain: chain}, tlsmsg.Context{}))
		feed([]byte{22, 3, 3, 0, 5, 16, 1, 0xF0, 0, 0}) // much of ClientKeyExchange is to come
		feed(plainRecords(tlsmsg.ContentHandshake, make([]byte, 120<<10), tlsmsg.MaxPlaintext))
		if s.Err() != nil || len(s.State().Chain) < 2 {
			t.Fatalf("stage %v, %v", s.Stage(), s.Err())
		}
		return s
	})
	t.Logf("%d bytes", n)
	if n > handshake.MaxHeld || n < 512<<10 {
		t.Errorf("%d bytes held by a server, stated are at most %d", n, handshake.MaxHeld)
	}
}

// What can be sent for ever is ended for both sides after as many bytes as
// stated, with the stated error, and little is left of it.
func TestWhatIsSentForEverIsEndedAsStated(t *testing.T) {
	notTLS := func(err error) bool { return errors.Is(err, handshake.ErrNotTLS) }
	for _, tc := range []struct {
		name string
		unit []byte // sent again and again
		most int    // bytes until the end
		ends func(error) bool
	}{
		{"text", []byte("SSH-2.0-OpenSSH_9.2\r\n"), 64, notTLS},
		{"zeros", make([]byte, 1000), 1000, notTLS},
		{"a record beyond its length", []byte{22, 3, 3, 0xFF, 0xFF}, 5, refusedBy(tlsmsg.AlertRecordOverflow)},
		{"empty handshake records", []byte{22, 3, 3, 0, 0}, 5, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"empty application data", []byte{23, 3, 3, 0, 0}, 5, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"ChangeCipherSpec", []byte{20, 3, 3, 0, 1, 1}, 6, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"warnings", []byte{21, 3, 3, 0, 2, 1, 112}, 5 * 7, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"a message of the wrong type", []byte{22, 3, 3, 0, 4, 14, 0, 1, 0}, 9, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"records of an unknown type", []byte{24, 3, 3, 0, 1, 1}, 6, func(err error) bool { return notTLS(err) || refusedBy(tlsmsg.AlertUnexpectedMessage)(err) }},
	} {
		for side, victim := range map[string]func() either{
			"client": func() either {
				cfg, _ := theAuthority().client(t, "")
				c := handshake.NewClient(cfg)
				c.Start()
				c.Next()
				return c
			},
			"server": func() either {
				cfg, _ := theAuthority().serverConfig(t, "ecdsa256")
				return handshake.NewServer(cfg)
			},
		} {
			t.Run(tc.name+"/"+side, func(t *testing.T) {
				m := victim()
				sent := 0
				for m.Err() == nil && sent < 1<<20 {
					m.Receive(tc.unit)
					sent += len(tc.unit)
				}
				if sent > tc.most || !tc.ends(m.Err()) {
					t.Errorf("after %d bytes, stated are %d: %v", sent, tc.most, m.Err())
				}
				n := held(t, func() any {
					m := victim()
					for range 1000 {
						m.Receive(tc.unit)
					}
					return m
				})
				if n > 16<<10 {
					t.Errorf("%d bytes are held when it is over", n)
				}
			})
		}
	}
}

// A message that is too long is refused by its header alone.
func TestAnOverlongMessageIsRefusedBeforeItArrives(t *testing.T) {
	p := newPair(t, nil, nil)
	p.s.Receive([]byte{22, 3, 3, 0, 4, 1, 2, 0, 1})
	if !refusedBy(tlsmsg.AlertIllegalParameter)(p.s.Err()) {
		t.Errorf("server: %v", p.s.Err())
	}
	p.c.Start()
	p.c.Receive([]byte{22, 3, 3, 0, 4, 2, 2, 0, 1})
	if !refusedBy(tlsmsg.AlertIllegalParameter)(p.c.Err()) {
		t.Errorf("client: %v", p.c.Err())
	}
}

// After the handshake the server bears what the client bears: see
// TestFloodsAfterTheHandshakeAreRefused.
func TestFloodsAfterTheHandshakeAreRefusedByTheServer(t *testing.T) {
	for _, tc := range []struct {
		name  string
		typ   tlsmsg.ContentType
		body  []byte
		borne int
	}{
		{"empty records", tlsmsg.ContentApplicationData, nil, 32},
		{"warning alerts", tlsmsg.ContentAlert, []byte{1, 112}, 4},
		{"ClientHellos", tlsmsg.ContentHandshake, tlsmsg.Append(nil, &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12,
			CipherSuites: []tlsmsg.CipherSuite{1}, CompressionMethods: []tlsmsg.CompressionMethod{0}}, tlsmsg.Context{}), 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := eavesdrop(t)
			for range tc.borne {
				e.s.Receive(e.seal(tc.typ, tc.body))
			}
			if e.s.Err() != nil {
				t.Fatal(e.s.Err())
			}
			e.s.Receive(e.seal(tc.typ, tc.body))
			if !refusedBy(tlsmsg.AlertUnexpectedMessage)(e.s.Err()) {
				t.Errorf("%v", e.s.Err())
			}
		})
	}
}
