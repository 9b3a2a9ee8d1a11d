package page_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// attacks are strings that run something where a page takes them for more than
// text. All set window.pwned.
var attacks = []string{
	`<script>window.pwned=1</script>`, `</script><script>window.pwned=1</script>`, `<img src=x onerror="window.pwned=1">`,
	`"><svg onload=window.pwned=1>`, `'-window.pwned=1-'`, `javascript:window.pwned=1`, `<!--<script>`, "\u2028window.pwned=1\u2029",
	"\u202egpj.exe\u2066\u009b31m\x07", `{{.Title}}`, `]]><script>window.pwned=1</script>`,
}

// hostile is a transcript with an attack in every string that a peer, or a
// command line, can choose.
func hostile(t *testing.T) *transcript.Transcript {
	t.Helper()
	rec := transcript.NewRecorder(0, nil)
	var offsets [2]int64
	var at time.Duration
	for i, attack := range attacks {
		at += time.Millisecond
		rec.Note(at, transcript.Link, "note", attack)
		name := tlsmsg.ServerName{Names: []tlsmsg.ServerNameEntry{{Name: []byte(attack)}}}
		alpn := tlsmsg.ALPN{Protocols: []string{attack}}
		hello := &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12, SessionID: []byte(attack)[:min(len(attack), 32)],
			CipherSuites: []tlsmsg.CipherSuite{0xc02b}, CompressionMethods: []tlsmsg.CompressionMethod{0}, HasExtensions: true,
			Extensions: []tlsmsg.Extension{tlsmsg.NewExtension(&name, tlsmsg.TypeClientHello), tlsmsg.NewExtension(&alpn, tlsmsg.TypeClientHello),
				{Type: 0x7777, Data: []byte(attack)}}}
		chain := &tlsmsg.Certificate{Chain: [][]byte{hostileCertificate(t, attack), []byte(attack)}}
		for _, c := range []struct {
			dir     transcript.Dir
			content tlsmsg.ContentType
			raw     []byte
		}{
			{transcript.Out, tlsmsg.ContentHandshake, tlsmsg.Append(nil, hello, tlsmsg.Context{})},
			{transcript.In, tlsmsg.ContentHandshake, tlsmsg.Append(nil, chain, tlsmsg.Context{Version: tlsmsg.VersionTLS12})},
			{transcript.In, tlsmsg.ContentAlert, []byte(attack)}, {transcript.In, tlsmsg.ContentApplicationData, []byte(attack)},
		} {
			send(rec, at, c.dir, c.content, c.raw, &offsets)
		}
		if i == 0 {
			rec.TLS(at, handshake.NegotiatedEvent{Version: tlsmsg.VersionTLS12, CipherSuite: 0xc02b, ALPN: attack})
		}
	}
	all := ""
	for _, a := range attacks {
		all += a
	}
	rec.Result(at, transcript.Result{Outcome: all, Error: all})
	return rec.Transcript()
}

// send records a segment with one record, and what it holds.
func send(rec *transcript.Recorder, at time.Duration, dir transcript.Dir, content tlsmsg.ContentType, raw []byte, offsets *[2]int64) {
	record := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: content, Version: tlsmsg.VersionTLS12, Fragment: raw})
	start := offsets[dir]
	offsets[dir] += int64(len(record))
	ends := [2]netip.AddrPort{netip.MustParseAddrPort("198.18.0.1:4000"), netip.MustParseAddrPort("198.18.0.2:443")}
	src, dst := ends[dir], ends[1-dir]
	seg := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Flags: wire.ACK | wire.PSH, Seq: wire.Seq(1000 + start), Payload: record}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
	rec.Packet(at, dir, seg.AppendTo(h.AppendTo(nil, seg.HeaderLen()+len(record)), src.Addr(), dst.Addr()), false)
	way := map[transcript.Dir]handshake.Direction{transcript.In: handshake.In, transcript.Out: handshake.Out}[dir]
	rec.TLS(at, handshake.RecordEvent{Dir: way, Type: content, Version: tlsmsg.VersionTLS12, Offset: start, Wire: record, Plaintext: raw})
	m := handshake.MessageEvent{Dir: way, Content: content, Raw: raw, Offset: start, End: offsets[dir], Context: tlsmsg.Context{Version: tlsmsg.VersionTLS12}}
	if content == tlsmsg.ContentHandshake {
		m.Type = tlsmsg.HandshakeType(raw[0])
	}
	rec.TLS(at, m)
}

func hostileCertificate(t *testing.T, s string) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: s, Organization: []string{s}, Locality: []string{s}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
