package tlsmsg_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
)

// contexts are all that the decoding of a message may depend on.
var contexts = []tlsmsg.Context{
	{}, tls12ECDHE, tls12DHE, tls12RSA, tls11ECDHE, ssl30RSA,
	{Version: tlsmsg.VersionTLS10, KeyExchange: tlsmsg.KeyExchangeRSA},
	tls13, {Version: 0x7F1C}, // a draft
}

// checkMessage demands of any bytes what every decoder promises: an error, or
// a message that encodes to the same bytes; the same outcome with a recorder;
// and a tree whose leaves cover all bytes either way.
func checkMessage(t *testing.T, raw []byte, ctx tlsmsg.Context) {
	t.Helper()
	m, err := tlsmsg.ParseMessage(raw, ctx)
	tree, recorded := tlsmsg.Explain(raw, ctx)
	if (err == nil) != (recorded == nil) || err != nil && err.Error() != recorded.Error() {
		t.Fatalf("recording changed the outcome: %v, %v", err, recorded)
	}
	checkLeaves(t, tree, raw)
	if err != nil {
		return
	}
	if again := tlsmsg.Append(nil, m, ctx); !bytes.Equal(again, raw) {
		t.Fatalf("% x\nbecame\n% x", raw, again)
	}
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		checkExtensions(t, m.Extensions, m.Type(), m)
	case *tlsmsg.ServerHello:
		checkExtensions(t, m.Extensions, m.Form(), m)
	case *tlsmsg.EncryptedExtensions:
		checkExtensions(t, m.Extensions, m.Type(), m)
	case *tlsmsg.CertificateRequest:
		checkExtensions(t, m.Extensions, m.Type(), m)
	case *tlsmsg.NewSessionTicket:
		checkExtensions(t, m.Extensions, m.Type(), m)
	case *tlsmsg.Certificate:
		for entry, list := range m.EntryExtensions {
			checkExtensions(t, list, m.Type(), certificateEntry{m, entry})
		}
	case *tlsmsg.ServerKeyExchange:
		if m.Raw == nil {
			m.Params = nil
			if again := tlsmsg.Append(nil, m, ctx); !bytes.Equal(again, raw) {
				t.Fatalf("from its fields % x\nbecame\n% x", raw, again)
			}
		}
	}
}

// certificateEntry has the methods of a message with extensions.
type certificateEntry struct {
	*tlsmsg.Certificate
	entry int
}

func (e certificateEntry) DecodeExtension(into tlsmsg.ExtensionData) (bool, error) {
	return e.Certificate.DecodeExtension(e.entry, into)
}

func checkExtensions(t *testing.T, list []tlsmsg.Extension, in tlsmsg.HandshakeType, m interface {
	DecodeExtension(tlsmsg.ExtensionData) (bool, error)
	CheckExtensions() error
},
) {
	t.Helper()
	_ = m.CheckExtensions()
	for _, e := range list {
		v := tlsmsg.NewExtensionData(e.Type)
		if v == nil {
			continue
		}
		if err := e.Decode(v, in); err == nil && !bytes.Equal(v.AppendData(nil, in), e.Data) {
			t.Fatalf("%s % x became % x", e.Type, e.Data, v.AppendData(nil, in))
		}
		if found, _ := m.DecodeExtension(v); !found {
			t.Fatalf("%s is not found", e.Type)
		}
	}
}

// fuzzBody fuzzes the body of one message in every context.
func fuzzBody(f *testing.F, typ tlsmsg.HandshakeType) {
	for _, tc := range handWritten {
		if tc.m.Type() == typ {
			f.Add(tc.body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) >= 1<<24 {
			return
		}
		raw := join(int(typ), len(body)>>16, len(body)>>8, len(body), body)
		for _, ctx := range contexts {
			checkMessage(t, raw, ctx)
		}
	})
}

func FuzzClientHello(f *testing.F)        { fuzzBody(f, tlsmsg.TypeClientHello) }
func FuzzServerHello(f *testing.F)        { fuzzBody(f, tlsmsg.TypeServerHello) }
func FuzzCertificate(f *testing.F)        { fuzzBody(f, tlsmsg.TypeCertificate) }
func FuzzServerKeyExchange(f *testing.F)  { fuzzBody(f, tlsmsg.TypeServerKeyExchange) }
func FuzzCertificateRequest(f *testing.F) { fuzzBody(f, tlsmsg.TypeCertificateRequest) }
func FuzzCertificateVerify(f *testing.F)  { fuzzBody(f, tlsmsg.TypeCertificateVerify) }
func FuzzClientKeyExchange(f *testing.F)  { fuzzBody(f, tlsmsg.TypeClientKeyExchange) }
func FuzzFinished(f *testing.F)           { fuzzBody(f, tlsmsg.TypeFinished) }
func FuzzCertificateStatus(f *testing.F)  { fuzzBody(f, tlsmsg.TypeCertificateStatus) }
func FuzzNewSessionTicket(f *testing.F)   { fuzzBody(f, tlsmsg.TypeNewSessionTicket) }
func FuzzServerHelloDone(f *testing.F)    { fuzzBody(f, tlsmsg.TypeServerHelloDone) }
func FuzzHelloRequest(f *testing.F)       { fuzzBody(f, tlsmsg.TypeHelloRequest) }

func FuzzEncryptedExtensions(f *testing.F)   { fuzzBody(f, tlsmsg.TypeEncryptedExtensions) }
func FuzzEndOfEarlyData(f *testing.F)        { fuzzBody(f, tlsmsg.TypeEndOfEarlyData) }
func FuzzKeyUpdate(f *testing.F)             { fuzzBody(f, tlsmsg.TypeKeyUpdate) }
func FuzzCompressedCertificate(f *testing.F) { fuzzBody(f, tlsmsg.TypeCompressedCertificate) }
func FuzzMessageHash(f *testing.F)           { fuzzBody(f, tlsmsg.TypeMessageHash) }

// FuzzMessage leaves the header to the fuzzer too.
func FuzzMessage(f *testing.F) {
	for _, tc := range handWritten {
		f.Add(tlsmsg.Append(nil, tc.m, tc.ctx))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, ctx := range contexts {
			checkMessage(t, raw, ctx)
		}
	})
}

func FuzzExtension(f *testing.F) {
	for _, tc := range handWrittenExtensions {
		f.Add(uint16(tc.v.ExtensionType()), byte(slices.Index(everywhere, tc.in)), tc.data)
	}
	f.Fuzz(func(t *testing.T, typ uint16, message byte, data []byte) {
		in := everywhere[int(message)%len(everywhere)]
		e := tlsmsg.Extension{Type: tlsmsg.ExtensionType(typ), Data: data}
		v := tlsmsg.NewExtensionData(e.Type)
		if v == nil {
			return
		}
		if err := e.Decode(v, in); err == nil && !reexact(v, e, in) {
			t.Fatalf("%s % x became % x", e.Type, data, v.AppendData(nil, in))
		}
	})
}

// FuzzRecords splits a stream fed in two pieces, and demands the same records
// as from one.
func FuzzRecords(f *testing.F) {
	f.Add(join(22, 3, 1, 0, 3, "abc", 21, 3, 3, 0, 2, 2, 40), uint16(4))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"), uint16(1))
	f.Add(join(22, 5, 1, 0, 0), uint16(2))
	f.Add(join(23, 3, 3, 0x48, 1), uint16(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		whole, wholeErr := splitAll(t, nil, stream)
		k := min(int(cut), len(stream))
		parts, partErr := splitAll(t, stream[:k:k], stream[k:])
		if !bytes.Equal(whole, parts) || (wholeErr == nil) != (partErr == nil) {
			t.Fatalf("cut at %d: % x, %v; whole: % x, %v", k, parts, partErr, whole, wholeErr)
		}
	})
}

// splitAll returns the records of first and then rest, encoded again.
func splitAll(t *testing.T, first, rest []byte) (out []byte, err error) {
	t.Helper()
	var held []byte
	for _, piece := range [][]byte{first, rest} {
		held = append(held, piece...)
		for len(held) > 0 {
			rec, n, err := tlsmsg.NextRecord(held)
			if err != nil {
				_ = err.Error()
				return out, err
			}
			if n == 0 {
				if len(held) >= tlsmsg.RecordHeaderLen+tlsmsg.MaxCiphertext {
					t.Fatalf("%d bytes are not enough for a record", len(held))
				}
				break
			}
			tree, err := tlsmsg.ExplainRecord(held[:n])
			must(t, err)
			checkLeaves(t, tree, held[:n])
			out = tlsmsg.AppendRecord(out, rec)
			held = held[n:]
		}
	}
	return out, nil
}

// FuzzAssembler cuts a stream in fragments and demands the same messages as
// from one fragment.
func FuzzAssembler(f *testing.F) {
	f.Add(join(14, 0, 0, 0, 20, 0, 0, 3, "abc", 0), byte(2))
	f.Add(join(11, 1, 0, 0), byte(1))
	f.Fuzz(func(t *testing.T, stream []byte, size byte) {
		stream = stream[:min(len(stream), 1<<14)]
		a := tlsmsg.Assembler{MaxMessage: 1000}
		a.Write(stream)
		whole, wholeErr := all(&a)
		b := tlsmsg.Assembler{MaxMessage: 1000, Pool: &slab.Pool{Poison: true}}
		var parts []byte
		var partErr error
		for rest := stream; len(rest) > 0 && partErr == nil; {
			n := min(len(rest), int(size)+1)
			b.Write(rest[:n])
			rest = rest[n:]
			var more []byte
			more, partErr = all(&b)
			parts = append(parts, more...)
		}
		if !bytes.Equal(whole, parts) || (wholeErr == nil) != (partErr == nil) || a.Pending() != b.Pending() {
			t.Fatalf("in parts % x, %v; whole % x, %v", parts, partErr, whole, wholeErr)
		}
		if wholeErr == nil && len(whole)+a.Buffered() != len(stream) {
			t.Fatalf("%d bytes out, %d held, of %d", len(whole), a.Buffered(), len(stream))
		}
	})
}

func all(a *tlsmsg.Assembler) (out []byte, err error) {
	for {
		raw, err := a.Next()
		if raw == nil || err != nil {
			return out, err
		}
		out = append(out, raw...)
	}
}

func FuzzAlertAndChangeCipherSpec(f *testing.F) {
	f.Add([]byte{2, 40})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := tlsmsg.ParseAlert(b); err == nil && !bytes.Equal(m.Append(nil), b) {
			t.Fatalf("% x became %s", b, m)
		}
		if m, err := tlsmsg.ParseChangeCipherSpec(b); err == nil && !bytes.Equal(m.Append(nil), b) {
			t.Fatalf("% x became %+v", b, m)
		}
		for v := range 256 {
			tree, _ := tlsmsg.ExplainContent(tlsmsg.ContentType(v), b, tls12RSA)
			checkLeaves(t, tree, b)
		}
	})
}

// FuzzNames demands that what a name parses to has a name that parses back.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"ECDHE-RSA-AES128-GCM-SHA256", "0xC0,0x2B", "x25519:P-256", "TLSv1.2", "0xFFFFF", "ServerHello", "ed25519"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := tlsmsg.ParseCipherSuite(s); err == nil {
			if back, err := tlsmsg.ParseCipherSuite(v.String()); (err != nil || back != v) && !bytes.HasPrefix([]byte(v.String()), []byte("GREASE")) {
				t.Fatalf("%q is %s, which is %s, %v", s, v, back, err)
			}
		} else if len(err.Error()) > 1000 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
		_, _ = tlsmsg.ParseCipherSuites(s)
		_, _ = tlsmsg.ParseNamedGroups(s)
		_, _ = tlsmsg.ParseSignatureSchemes(s)
		_, _ = tlsmsg.ParseVersion(s)
		_, _ = tlsmsg.ParseExtensionType(s)
		_, _ = tlsmsg.ParseHandshakeType(s)
		_, _ = tlsmsg.ParseAlertDescription(s)
	})
}
