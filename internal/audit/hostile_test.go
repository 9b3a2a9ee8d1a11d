// Servers that want to keep an audit for ever, fill its memory, or have it fall
// over.

package audit_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/scripted"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// record is one of handshake messages.
func record(kind tlsmsg.ContentType, fragment []byte) []byte {
	return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: kind, Version: tlsmsg.VersionTLS12, Fragment: fragment})
}

func messages(list ...tlsmsg.Message) (out []byte) {
	var b []byte
	for _, m := range list {
		b = tlsmsg.Append(b, m, tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeDHE})
	}
	for len(b) > 0 {
		n := min(len(b), tlsmsg.MaxPlaintext)
		out, b = append(out, record(tlsmsg.ContentHandshake, b[:n])...), b[n:]
	}
	return out
}

// heard has a server answer once something came.
func heard(answer func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		if n, _ := conn.Read(make([]byte, 64<<10)); n > 0 {
			answer(conn)
		}
	}
}

// saying answers with bytes, and then waits for the client to go.
func saying(b ...[]byte) func(net.Conn) {
	return heard(func(conn net.Conn) {
		_, _ = conn.Write(bytes.Join(b, nil))
		_, _ = io.Copy(io.Discard, conn)
	})
}

// endless says the same for ever.
func endless(first, again []byte) func(net.Conn) {
	return heard(func(conn net.Conn) {
		_, err := conn.Write(first)
		for err == nil {
			_, err = conn.Write(again)
		}
	})
}

// slowly says a byte a second.
func slowly(first, rest []byte) func(net.Conn) {
	return heard(func(conn net.Conn) {
		_, err := conn.Write(first)
		for i := 0; err == nil; i++ {
			time.Sleep(time.Second)
			_, err = conn.Write(rest[i%len(rest) : i%len(rest)+1])
		}
	})
}

func hello(v tlsmsg.Version, id tlsmsg.CipherSuite, extensions ...tlsmsg.Extension) *tlsmsg.ServerHello {
	return &tlsmsg.ServerHello{Version: v, CipherSuite: id, Extensions: extensions}
}

// hostile are the servers, by what they do.
func hostile(t testing.TB) map[string]func(net.Conn) {
	rsa := papers(t).RSA.Cert.Raw
	is13 := tlsmsg.NewExtension(&tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{tlsmsg.VersionTLS13}}, tlsmsg.TypeServerHello)
	share := func(g tlsmsg.NamedGroup) tlsmsg.Extension {
		return tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: g, KeyExchange: make([]byte, 32)}}}, tlsmsg.TypeServerHello)
	}
	retry := hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256, is13,
		tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: 0x1234}}}, tlsmsg.TypeHelloRetryRequest))
	retry.Random = tlsmsg.HelloRetryRequestRandom()
	gcm := hello(tlsmsg.VersionTLS12, tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
	many := &tlsmsg.Certificate{}
	for range 50_000 {
		many.Chain = append(many.Chain, []byte{0x30})
	}
	same := scripted.Sound(scripted.ChainOf(papers(t).ECDSA))
	same.Faults = []scripted.Fault{{When: scripted.Any, How: func(conn net.Conn) {
		_, _ = conn.Write(messages(gcm, &tlsmsg.Certificate{Chain: [][]byte{rsa}}, &tlsmsg.ServerHelloDone{}))
	}}}
	agreeable := &scripted.Server{Suites: map[tlsmsg.Version][]tlsmsg.CipherSuite{}, Chains: []scripted.Chain{scripted.ChainOf(papers(t).ECDSA), scripted.ChainOf(papers(t).RSA)}, DH: scripted.FFDHE2048(), ExportDH: scripted.FFDHE2048()}
	for v := ssl30; v <= tls12; v++ {
		for n := range 0xd000 {
			if id := tlsmsg.CipherSuite(n); strings.Contains(id.String(), "_WITH_") {
				agreeable.Suites[v] = append(agreeable.Suites[v], id)
			}
		}
	}
	garbage := make([]byte, 4096)
	rand.Read(garbage)
	return map[string]func(net.Conn){
		"says nothing":                            scripted.Silence,
		"closes":                                  scripted.Close,
		"resets":                                  scripted.Reset,
		"resets what it has heard":                heard(scripted.Reset),
		"garbage":                                 saying(garbage),
		"garbage for ever":                        endless(nil, garbage),
		"HTTP":                                    saying([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"a record of no bytes for ever":           endless(nil, record(tlsmsg.ContentHandshake, nil)),
		"ChangeCipherSpec for ever":               endless(nil, record(tlsmsg.ContentChangeCipherSpec, []byte{1})),
		"warnings for ever":                       endless(nil, record(tlsmsg.ContentAlert, []byte{1, 112})),
		"a ServerHello, and warnings for ever":    endless(messages(gcm), record(tlsmsg.ContentAlert, []byte{1, 112})),
		"an alert of no form":                     saying(record(tlsmsg.ContentAlert, []byte{9})),
		"a flight without an end":                 endless(messages(gcm), messages(&tlsmsg.CertificateStatus{StatusType: 1, Response: make([]byte, 1000)})),
		"certificates without an end":             endless(messages(gcm), messages(&tlsmsg.Certificate{Chain: [][]byte{rsa}})),
		"a message of 16 MB":                      endless(record(tlsmsg.ContentHandshake, []byte{2, 0xff, 0xff, 0xff}), record(tlsmsg.ContentHandshake, make([]byte, 16384))),
		"fifty thousand certificates":             saying(messages(gcm, many, &tlsmsg.ServerHelloDone{})),
		"two ServerHellos":                        saying(messages(gcm, gcm)),
		"a suite that was not offered":            saying(messages(hello(tlsmsg.VersionTLS12, 0xeeee), &tlsmsg.ServerHelloDone{})),
		"a version that was not offered":          saying(messages(hello(0x0307, tlsmsg.TLS_AES_128_GCM_SHA256), &tlsmsg.ServerHelloDone{})),
		"TLS 1.3's suite in TLS 1.2":              saying(messages(hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256), &tlsmsg.ServerHelloDone{})),
		"the same suite for ever":                 same.Serve,
		"TLS 1.3 without a share":                 saying(messages(hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256, is13))),
		"TLS 1.3 with a group that is none":       saying(messages(hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256, is13, share(0x1234)))),
		"TLS 1.3 with a share nobody asked":       saying(messages(hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256, is13, share(tlsmsg.GroupX25519)))),
		"a retry for a group that is none":        saying(messages(retry)),
		"an extension twice":                      saying(messages(hello(tlsmsg.VersionTLS12, tlsmsg.TLS_AES_128_GCM_SHA256, is13, is13))),
		"one byte a second":                       slowly(nil, messages(gcm)),
		"a ServerHello, and then a byte a second": slowly(messages(gcm), messages(&tlsmsg.CertificateStatus{Response: make([]byte, 16000)})),
		"SSL 2.0 that is too short":               saying([]byte{0x80, 3, 4, 0, 0}),
		"SSL 2.0 with ten thousand ciphers":       saying(append([]byte{0xff, 0xff, 4, 0, 1, 0, 2, 0, 0, 0x75, 0x30, 0, 0}, make([]byte, 0x7fff)...)),
		"every suite, and a long certificate":     certified(agreeable),
		"every suite, after nine seconds each": func(conn net.Conn) {
			time.Sleep(9 * time.Second)
			agreeable.Serve(conn)
		},
		"a thousand tickets": finishing(t, overflowing),
		"data for ever after the handshake": finishingThen(t, func(*handshake.ServerConfig, *worker.Sessions) {}, func(c net.Conn) {
			for {
				if _, err := c.Write(garbage); err != nil {
					return
				}
			}
		}),
		"no word after the handshake":              finishingThen(t, func(*handshake.ServerConfig, *worker.Sessions) {}, func(c net.Conn) { time.Sleep(time.Hour) }),
		"Diffie-Hellman of 8192 bits, always anew": longPrimes(),
	}
}

// certified has a server show another certificate in each connection, as long as
// they may be.
func certified(s *scripted.Server) func(net.Conn) {
	return func(conn net.Conn) {
		raw := make([]byte, 100_000)
		rand.Read(raw)
		one := &scripted.Server{Suites: s.Suites, DH: s.DH, ExportDH: s.ExportDH,
			Chains: []scripted.Chain{{Chain: [][]byte{raw}}, {Chain: [][]byte{raw}, ECDSA: true}}}
		one.Serve(conn)
	}
}

// longPrimes has a server use another modulus in each connection.
func longPrimes() func(net.Conn) {
	s := &scripted.Server{Suites: map[tlsmsg.Version][]tlsmsg.CipherSuite{}}
	for n := range 0x1400 {
		id := tlsmsg.CipherSuite(n)
		if name := id.String(); strings.HasPrefix(name, "TLS_DH_anon_WITH_AES") {
			s.Suites[tlsmsg.VersionTLS12] = append(s.Suites[tlsmsg.VersionTLS12], id)
		}
	}
	return func(conn net.Conn) {
		p := make([]byte, 1024)
		rand.Read(p)
		p[0], p[1023] = p[0]|0x80, p[1023]|1
		one := &scripted.Server{Suites: s.Suites, DH: scripted.Group{P: p, G: []byte{2}}}
		one.Serve(conn)
	}
}

const (
	budget  = 250
	patient = 10 * time.Second
)

// Time is the test's own, so that waiting takes none.
func TestAHostileServerGetsNoMoreThanTheBudget(t *testing.T) {
	for name, serve := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			roots, now := papers(t).Roots, time.Now()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				connections := 0
				var servers sync.WaitGroup
				defer servers.Wait()
				d := audit.Driver{
					Options: audit.Options{ServerName: pki.ServerName, MaxConnections: budget},
					Dial: scripted.Dial(func(conn net.Conn) {
						servers.Add(1)
						defer servers.Done()
						serve(conn)
					}),
					Timeout: patient,
					Worker:  &worker.Worker{Roots: roots, Now: func() time.Time { return now }},
				}
				d.Progress = func(int, string) { connections++ }
				r := audit.Run(t.Context(), d)
				if connections > budget || r.Connections > budget {
					t.Errorf("%d connections, %d in the report, expected %d at most", connections, r.Connections, budget)
				}
				t.Logf("%d connections, %v, %d pauses, %s, %+v", connections, time.Since(began), len(r.Pauses), r.Error, r.NotAsked)
				if took := time.Since(began); took > audit.DefaultLimit+patient {
					t.Errorf("it took %v", took)
				}
				b, err := json.Marshal(r)
				if err != nil || len(b) > 4<<20 {
					t.Errorf("a report of %d bytes, %v", len(b), err)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
					t.Errorf("%d MB more on the heap", grown>>20)
				}
				runtime.KeepAlive(r)
			})
		})
	}
}
