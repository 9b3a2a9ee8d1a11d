package handshake_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// squeeze compresses by an algorithm, with window as large as its writer makes it.
func squeeze(a tlsmsg.CertificateCompressionAlgorithm, body []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	switch a {
	case tlsmsg.CompressionZlib:
		w = zlib.NewWriter(&out)
	case tlsmsg.CompressionBrotli:
		w = brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: 9, LGWin: 24})
	case tlsmsg.CompressionZstd:
		w, _ = zstd.NewWriter(&out)
	}
	w.Write(body)
	w.Close()
	return out.Bytes()
}

func squeezed(a tlsmsg.CertificateCompressionAlgorithm) func([]byte) *tlsmsg.CompressedCertificate {
	return func(body []byte) *tlsmsg.CompressedCertificate {
		return &tlsmsg.CompressedCertificate{Algorithm: a, UncompressedLength: uint32(len(body)), Message: squeeze(a, body)}
	}
}

var zlibbed = squeezed(tlsmsg.CompressionZlib)

// certificates notes which messages with certificates come to a side.
func certificates(to *[]tlsmsg.HandshakeType) func(handshake.Event) {
	return func(e handshake.Event) {
		if m, ok := e.(handshake.MessageEvent); ok && m.Dir == handshake.In && (m.Type == tlsmsg.TypeCertificate || m.Type == tlsmsg.TypeCompressedCertificate) {
			*to = append(*to, m.Type)
		}
	}
}

// Both sides compress their certificates, in a handshake and after it, by the
// sender's first algorithm that the other side takes; and where there is none, or
// in TLS 1.2, they are sent as they are.
func TestCertificatesAreCompressedWhereBothSidesSaySo(t *testing.T) {
	type list = []tlsmsg.CertificateCompressionAlgorithm
	const zlib, brotli, zstd = tlsmsg.CompressionZlib, tlsmsg.CompressionBrotli, tlsmsg.CompressionZstd
	for _, tc := range []struct {
		client, server         list
		version                tlsmsg.Version
		fromClient, fromServer tlsmsg.CertificateCompressionAlgorithm
	}{
		{list{zlib}, list{zlib}, tlsmsg.VersionTLS13, zlib, zlib},
		{list{brotli}, list{brotli}, tlsmsg.VersionTLS13, brotli, brotli},
		{list{zstd}, list{zstd}, tlsmsg.VersionTLS13, zstd, zstd},
		{list{0x4A4A, zlib, zstd}, list{brotli, zstd, zlib}, tlsmsg.VersionTLS13, zlib, zstd},
		{list{zlib}, list{brotli}, tlsmsg.VersionTLS13, 0, 0},
		{list{0x4A4A}, list{0x4A4A}, tlsmsg.VersionTLS13, 0, 0}, // of no meaning: it cannot be done
		{list{zlib}, nil, tlsmsg.VersionTLS13, 0, 0},
		{nil, list{zlib}, tlsmsg.VersionTLS13, 0, 0},
		{list{zlib}, list{zlib}, tlsmsg.VersionTLS12, 0, 0},
	} {
		t.Run(fmt.Sprint(tc.client, tc.server, tc.version), func(t *testing.T) {
			a := theAuthority()
			var toClient, toServer []tlsmsg.HandshakeType
			cfg, cw := a.client(t, "ecdsa384")
			cfg.MaxVersion, cfg.PostHandshakeAuth, cfg.CompressCertificates, cfg.Events = tlsmsg.VersionTLS13, true, tc.client, certificates(&toClient)
			scfg, sw := a.serverConfig(t, "rsa")
			scfg.MaxVersion, scfg.ClientAuth, scfg.CompressCertificates, scfg.Events = tc.version, handshake.ClientAuthRequire, tc.server, certificates(&toServer)
			for _, cred := range []*handshake.Credential{&cfg.Credentials[0], &scfg.Credentials[0].Credential} {
				cred.Chain = append(slices.Clip(cred.Chain), a.root.Raw) // of the leaf alone zlib makes more, not less
			}
			p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw, chunk: 7}
			if err := p.shake(); err != nil {
				t.Fatal(err)
			}
			if tc.version == tlsmsg.VersionTLS13 {
				if !p.s.RequestCertificate([]byte("again")) {
					t.Fatal("the client cannot be asked")
				}
				p.run()
			}
			c, s := p.c.State(), p.s.State()
			if !c.Verified() || !s.Verified() || c.Compression != tc.fromServer || s.Compression != tc.fromClient {
				t.Errorf("by %v, by %v, %v, %v", c.Compression, s.Compression, c.Verdict, s.Verdict)
			}
			for _, side := range []struct {
				by  tlsmsg.CertificateCompressionAlgorithm
				got []tlsmsg.HandshakeType
			}{{tc.fromServer, toClient}, {tc.fromClient, toServer}} {
				want := tlsmsg.TypeCertificate
				if side.by != 0 {
					want = tlsmsg.TypeCompressedCertificate
				}
				if len(side.got) == 0 || slices.ContainsFunc(side.got, func(t tlsmsg.HandshakeType) bool { return t != want }) {
					t.Errorf("%v, expected %v", side.got, want)
				}
			}
			sendBothWays(t, p)
		})
	}
}

// A client without a certificate says so as it is, also where it could compress.
func TestNoCertificateIsNotCompressed(t *testing.T) {
	a := theAuthority()
	var toServer []tlsmsg.HandshakeType
	cfg, cw := a.client(t, "")
	cfg.MaxVersion, cfg.CompressCertificates = tlsmsg.VersionTLS13, worker.Compressions()
	scfg, sw := a.serverConfig(t, "rsa")
	scfg.MaxVersion, scfg.ClientAuth, scfg.CompressCertificates, scfg.Events = tlsmsg.VersionTLS13, handshake.ClientAuthRequest, worker.Compressions(), certificates(&toServer)
	p := &pair{c: handshake.NewClient(cfg), s: handshake.NewServer(scfg), cw: cw, sw: sw}
	if err := p.shake(); err != nil || !slices.Equal(toServer, []tlsmsg.HandshakeType{tlsmsg.TypeCertificate}) {
		t.Errorf("%v, %v", toServer, err)
	}
}

// badCompressions are CompressedCertificates that no side takes, each with its alert.
func badCompressions() map[string]func([]byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription) {
	all := map[string]func([]byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription){
		"an algorithm not offered": func(body []byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription) {
			return &tlsmsg.CompressedCertificate{Algorithm: 4, UncompressedLength: uint32(len(body)), Message: body}, tlsmsg.AlertIllegalParameter
		},
		"no algorithm": func(body []byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription) {
			return &tlsmsg.CompressedCertificate{UncompressedLength: uint32(len(body)), Message: body}, tlsmsg.AlertIllegalParameter
		},
		"nothing": func([]byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription) {
			return &tlsmsg.CompressedCertificate{Algorithm: tlsmsg.CompressionZlib}, tlsmsg.AlertDecodeError
		},
	}
	for _, a := range worker.Compressions() {
		add := func(name string, alert tlsmsg.AlertDescription, edit func(*tlsmsg.CompressedCertificate, []byte)) {
			all[a.String()+", "+name] = func(body []byte) (*tlsmsg.CompressedCertificate, tlsmsg.AlertDescription) {
				m := squeezed(a)(body)
				edit(m, body)
				return m, alert
			}
		}
		bad := tlsmsg.AlertBadCertificate
		add("one byte less", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) { m.UncompressedLength-- })
		add("one byte more", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) { m.UncompressedLength++ })
		add("no length", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) { m.UncompressedLength = 0 })
		add("a bomb by its claim", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) {
			m.UncompressedLength, m.Message = 1<<22, squeeze(a, make([]byte, 1<<22))
		})
		add("more than a message may have", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) {
			m.UncompressedLength, m.Message = 128<<10+1, squeeze(a, make([]byte, 128<<10+1))
		})
		add("a bomb by its size", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) {
			m.UncompressedLength, m.Message = 128<<10, squeeze(a, make([]byte, 1<<22))
		})
		add("cut off", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) { m.Message = m.Message[:len(m.Message)-1] })
		add("something after it", bad, func(m *tlsmsg.CompressedCertificate, _ []byte) { m.Message = append(m.Message, 'x') })
		add("not compressed", bad, func(m *tlsmsg.CompressedCertificate, body []byte) { m.Message = body })
		add("something else inside", tlsmsg.AlertDecodeError, func(m *tlsmsg.CompressedCertificate, _ []byte) {
			m.UncompressedLength, m.Message = 9, squeeze(a, []byte("something"))
		})
		add("an empty Certificate inside", tlsmsg.AlertDecodeError, func(m *tlsmsg.CompressedCertificate, _ []byte) {
			m.UncompressedLength, m.Message = 0, squeeze(a, nil)
		})
	}
	return all
}

func TestWhatCannotBeDecompressedIsRefused(t *testing.T) {
	for name, bad := range badCompressions() {
		var alert tlsmsg.AlertDescription
		compress := func(body []byte) (m *tlsmsg.CompressedCertificate) {
			m, alert = bad(body)
			return m
		}
		server := newFake13(t)
		server.compress = compress
		server.feedAll(server.config())
		if err := server.c.Err(); !refusedBy(alert)(err) || server.c.State().Judged {
			t.Errorf("client, %s: %v, expected %v", name, err, alert)
		}
		client := newFakeClient13(t)
		client.request, client.compress = true, compress
		cfg, w := client.config()
		client.upTo(cfg, w, "")
		if err := client.s.Err(); !refusedBy(alert)(err) || client.s.State().Judged {
			t.Errorf("server, %s: %v, expected %v", name, err, alert)
		}
	}
}

// The same without its faults is taken.
func TestFakesThatCompressAreTaken(t *testing.T) {
	for _, a := range worker.Compressions() {
		server := newFake13(t)
		server.compress = squeezed(a)
		server.feedAll(server.config())
		if st := server.c.State(); server.c.Stage() != handshake.StageFinished || !st.Verified() || st.Compression != a {
			t.Errorf("client, %v: %v, %v", a, server.c.Stage(), server.c.Err())
		}
		client := newFakeClient13(t)
		client.request, client.compress = true, squeezed(a)
		cfg, w := client.config()
		client.upTo(cfg, w, "")
		if st := client.s.State(); client.s.Stage() != handshake.StageFinished || !st.Verified() || st.Compression != a {
			t.Errorf("server, %v: %v, %v", a, client.s.Stage(), client.s.Err())
		}
	}
}

// An empty list inside draws what an empty list draws, of a server and of a client.
func TestAnEmptyListIsOneWhenCompressed(t *testing.T) {
	server := newFake13(t)
	server.compress, server.editCert = zlibbed, func(m *tlsmsg.Certificate) { m.Chain = nil }
	server.feedAll(server.config())
	if !refusedBy(tlsmsg.AlertDecodeError)(server.c.Err()) {
		t.Errorf("client: %v", server.c.Err())
	}
	client := newFakeClient13(t)
	client.request, client.compress, client.editCert = true, zlibbed, func(m *tlsmsg.Certificate) { m.Chain = nil }
	cfg, w := client.config()
	parts := client.upTo(cfg, w, "CertificateVerify")
	client.feed(parts[1].wire()) // Finished
	if client.s.Stage() != handshake.StageFinished || client.s.State().Judged {
		t.Errorf("server that requests: %v, %v", client.s.Stage(), client.s.Err())
	}
	client = newFakeClient13(t)
	client.request, client.compress, client.editCert = true, zlibbed, func(m *tlsmsg.Certificate) { m.Chain = nil }
	cfg, w = client.config()
	cfg.ClientAuth = handshake.ClientAuthRequire
	client.upTo(cfg, w, "CertificateVerify")
	if !refusedBy(tlsmsg.AlertCertificateRequired)(client.s.Err()) {
		t.Errorf("server that requires: %v", client.s.Err())
	}
}

// An offer that cannot be made is refused before anything is sent.
func TestAnOfferOfCompressionIsChecked(t *testing.T) {
	for name, list := range map[string][]tlsmsg.CertificateCompressionAlgorithm{
		"twice":    {1, 2, 1},
		"too many": make([]tlsmsg.CertificateCompressionAlgorithm, 128),
	} {
		cfg := newFake13(t).config()
		cfg.CompressCertificates = list
		c := handshake.NewClient(cfg)
		if c.Start(); c.Err() == nil {
			t.Errorf("%s: offered", name)
		}
	}
}

// What a bomb makes this side allocate is bounded, however much it would become.
func TestABombCostsLittleMemory(t *testing.T) {
	var w worker.Worker
	for _, a := range worker.Compressions() {
		bomb := squeeze(a, make([]byte, 256<<20))
		w.Do(handshake.DecompressWork{Algorithm: a, Compressed: bomb, Length: 1}) // what is made once for all
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := w.Do(handshake.DecompressWork{Algorithm: a, Compressed: bomb, Length: 128 << 10}).(handshake.DecompressResult)
		runtime.ReadMemStats(&after)
		n := after.TotalAlloc - before.TotalAlloc
		t.Logf("%v: %d bytes for %d of %d", a, n, len(bomb), 256<<20)
		if r.Err == nil || r.Body != nil || n > 20<<20 {
			t.Errorf("%v: %d bytes allocated, %v", a, n, r.Err)
		}
	}
}

// Whatever a server compresses, the client takes no more of it than it is said to
// be, and goes on only with a Certificate of that length.
func FuzzCompressedCertificate(f *testing.F) {
	body := (&tlsmsg.Certificate{Chain: theAuthority().cert("ecdsa256").Certificate}).AppendBody(nil, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
	for _, a := range worker.Compressions() {
		f.Add(uint16(a), uint32(len(body)), squeeze(a, body))
		f.Add(uint16(a), uint32(128<<10), squeeze(a, make([]byte, 1<<22)))
		f.Add(uint16(a), uint32(1<<24-1), squeeze(a, make([]byte, 1<<22)))
		f.Add(uint16(a), uint32(0), []byte{})
	}
	f.Add(uint16(0), uint32(len(body)), body)
	f.Fuzz(func(t *testing.T, algorithm uint16, length uint32, data []byte) {
		m := &tlsmsg.CompressedCertificate{Algorithm: tlsmsg.CertificateCompressionAlgorithm(algorithm), UncompressedLength: length % (1 << 24), Message: data}
		if len(data) > tlsmsg.MaxPlaintext-100 {
			return
		}
		fake := newFake13(t)
		fake.compress = func([]byte) *tlsmsg.CompressedCertificate { return m }
		parts := fake.upTo(fake.config(), "Certificate")
		fake.feed(parts[0].wire())
		if fake.c.Err() != nil {
			if st := fake.c.State(); st.Verified() {
				t.Errorf("verified, and then %v", fake.c.Err())
			}
			return
		}
		st := fake.c.State()
		n := 4
		for _, der := range st.Chain {
			n += len(der) + 5
		}
		if st.Compression != m.Algorithm || len(st.Chain) == 0 || n > int(m.UncompressedLength) {
			t.Errorf("by %v, a chain of at least %d bytes out of %d", st.Compression, n, m.UncompressedLength)
		}
	})
}
