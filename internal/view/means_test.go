package view

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Every view says what the description of an alert means, in the words of the
// dictionary, and not only what a description is.
func TestEveryViewSaysWhatAnAlertMeans(t *testing.T) {
	for name, want := range map[string]string{"ladder": "No set of parameters", "fields": "No set of parameters", "hex": "No set of parameters", "json": "No set of parameters"} {
		var b bytes.Buffer
		v, err := New(name, &b, Options{Width: 200})
		if err != nil {
			t.Fatal(err)
		}
		r := transcript.NewObserver(0, v.Entry)
		raw := append([]byte("\x45\x00\x00\x2f\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"+
			"\x01\xbb\x9c\x40\x00\x00\x00\x01\x00\x00\x00\x01\x50\x18\x10\x00\x00\x00\x00\x00"), "\x15\x03\x03\x00\x02\x02\x28"...)
		f := r.Captured(&transcript.Sighting{Number: 1, Dir: transcript.In, Link: wire.LinkRaw, Raw: raw, Packet: raw})
		alert := []byte("\x02\x28")
		r.Observed(f, handshake.RecordEvent{Dir: handshake.In, Type: tlsmsg.ContentAlert, Version: tlsmsg.VersionTLS12, Wire: raw[40:], Plaintext: alert})
		r.Observed(f, handshake.MessageEvent{Dir: handshake.In, Content: tlsmsg.ContentAlert, Raw: alert, End: 7})
		r.Result(0, transcript.Result{Outcome: "alert"})
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s does not say it:\n%s", name, b.String())
		}
	}
}

// Programs are told what each value of a list means: of the extensions, and of
// what a CertificateRequest asks for.
func TestTheValuesOfListsAreExplainedToPrograms(t *testing.T) {
	hello := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, CipherSuite: 0xc02f, HasExtensions: true, Extensions: []tlsmsg.Extension{
		{Type: tlsmsg.ExtensionRenegotiationInfo, Data: []byte{0}}, {Type: tlsmsg.ExtensionExtendedMasterSecret}}}
	request := &tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{1, 64}, Schemes: []tlsmsg.SignatureScheme{0x0403, 0x0804, 0x0403}}
	for _, tc := range []struct {
		typ  tlsmsg.HandshakeType
		raw  []byte
		want []string
	}{
		{tlsmsg.TypeServerHello, tlsmsg.Append(nil, hello, tlsmsg.Context{}), []string{"extensions renegotiation_info", "extensions extended_master_secret"}},
		{tlsmsg.TypeCertificateRequest, tlsmsg.Append(nil, request, tlsmsg.Context{Version: tlsmsg.VersionTLS12}),
			[]string{"certificate_types rsa_sign", "certificate_types ecdsa_sign", "signature_schemes ecdsa_secp256r1_sha256", "signature_schemes rsa_pss_rsae_sha256"}},
	} {
		var b bytes.Buffer
		v, err := New("json", &b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := transcript.NewObserver(0, v.Entry)
		packet := []byte("\x45\x00\x00\x14\x00\x00\x00\x00\x40\x01\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02")
		f := r.Captured(&transcript.Sighting{Number: 1, Dir: transcript.In, Link: wire.LinkRaw, Raw: packet, Packet: packet})
		b.Reset()
		r.Observed(f, handshake.MessageEvent{Dir: handshake.In, Content: tlsmsg.ContentHandshake, Type: tc.typ, Raw: tc.raw, Context: tlsmsg.Context{Version: tlsmsg.VersionTLS12}})
		var line struct {
			Means []struct{ Of, Value, Text, Source string }
		}
		if err := json.Unmarshal(bytes.SplitN(b.Bytes(), []byte("\n"), 2)[0], &line); err != nil {
			t.Fatalf("%v: %s", err, b.Bytes())
		}
		var got []string
		for _, m := range line.Means {
			if m.Value != "" && m.Text != "" && m.Source != "" {
				got = append(got, m.Of+" "+m.Value)
			}
		}
		if strings.Join(got, ", ") != strings.Join(tc.want, ", ") {
			t.Errorf("%v: %q, want %q\n%s", tc.typ, got, tc.want, b.Bytes())
		}
	}
}
