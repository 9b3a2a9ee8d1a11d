package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// memory is a connection in memory to a fake server, which runs inside Read:
// what it takes is left out of the account.
type memory struct {
	net.Conn // nil: what is not below is not called
	f        *fake
	in, out  []byte
	flight   int
	paused   func() func()
}

func (m *memory) Write(p []byte) (int, error) { m.out = append(m.out, p...); return len(p), nil }

func (m *memory) Read(p []byte) (int, error) {
	if len(m.in) == 0 {
		resume := m.paused()
		answer := m.f.first
		if m.flight++; m.flight > 1 {
			answer = m.f.second
		}
		parts := answer(m.out)
		m.out = nil
		for _, part := range parts {
			m.in = append(m.in, part.wire()...)
		}
		resume()
	}
	if len(m.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.in)
	m.in = m.in[n:]
	return n, nil
}

func (m *memory) SetDeadline(time.Time) error { return nil }

// benchmarkClient measures one side's full handshakes: ECDHE over P-256, an
// ECDSA P-256 certificate, chain and name verified.
func benchmarkClient(b *testing.B, shake func(*memory) error) {
	theAuthority().cert("ecdsa256")
	one := func(paused func() func()) {
		m := &memory{f: newFake(b), paused: paused}
		if err := shake(m); err != nil {
			b.Fatal(err)
		}
	}
	var objects uint64
	mallocs := func() uint64 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.Mallocs
	}
	const rounds = 20
	for range rounds {
		before := mallocs()
		one(func() func() {
			objects += mallocs() - before
			return func() { before = mallocs() }
		})
		objects += mallocs() - before
	}
	var server time.Duration
	b.ResetTimer()
	for b.Loop() {
		one(func() func() {
			start := time.Now()
			return func() { server += time.Since(start) }
		})
	}
	b.ReportMetric(float64(b.Elapsed()-server)/float64(b.N), "client-ns/op")
	b.ReportMetric(float64(objects)/rounds, "client-allocs/op")
}

func BenchmarkClientHandshake(b *testing.B) {
	a := theAuthority()
	b.Run("rawshake", func(b *testing.B) {
		w := a.worker()
		w.Parsed = new(worker.Parsed)
		buf := make([]byte, 16<<10)
		benchmarkClient(b, func(m *memory) error {
			c := handshake.NewClient(m.f.config())
			c.Start()
			for c.Stage() != handshake.StageFinished && c.Err() == nil {
				m.Write(c.Next())
				n, err := m.Read(buf)
				if err != nil {
					return err
				}
				c.Receive(buf[:n])
				w.Finish(c)
			}
			return c.Err()
		})
	})
	b.Run("crypto-tls", func(b *testing.B) {
		cfg := &tls.Config{RootCAs: a.roots, ServerName: serverName, MaxVersion: tls.VersionTLS12,
			CurvePreferences: []tls.CurveID{tls.CurveP256}}
		benchmarkClient(b, func(m *memory) error { return tls.Client(m, cfg).Handshake() })
	})
	b.Run("floor", func(b *testing.B) {
		cert := a.cert("ecdsa256")
		peer, _ := ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
		signed := sha256.Sum256([]byte("parameters"))
		sig, err := cert.PrivateKey.(crypto.Signer).Sign(zeros{}, signed[:], crypto.SHA256)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			leaf, err := x509.ParseCertificate(cert.Certificate[0])
			if err != nil {
				b.Fatal(err)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: a.roots, DNSName: serverName}); err != nil {
				b.Fatal(err)
			}
			if !ecdsa.VerifyASN1(leaf.PublicKey.(*ecdsa.PublicKey), signed[:], sig) {
				b.Fatal("signature")
			}
			key, _ := ecdh.P256().GenerateKey(nil)
			public, _ := ecdh.P256().NewPublicKey(peer.PublicKey().Bytes())
			if _, err := key.ECDH(public); err != nil {
				b.Fatal(err)
			}
		}
	})
}
