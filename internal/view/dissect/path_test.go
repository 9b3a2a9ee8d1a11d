package dissect_test

import (
	"slices"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/tlsmsg"
)

// picked are the paths of the leaves that a selector picks of a message.
func picked(t *testing.T, m tlsmsg.Message, selector string) (paths []string) {
	t.Helper()
	sel, ok := dissect.ParseSelector(selector)
	if !ok {
		t.Fatalf("%q is no selector", selector)
	}
	ctx := tlsmsg.Context{Version: tlsmsg.VersionTLS12}
	s := new(dissect.Anatomy).Message(nil, &transcript.Message{Content: tlsmsg.ContentHandshake, Type: m.Type(), Raw: tlsmsg.Append(nil, m, ctx), Context: ctx})
	for row := range s.Leaves(sel) {
		paths = append(paths, row.Path)
	}
	return paths
}

// What stands in a list can be picked by its place, and without one all of it.
func TestElementsOfListsArePickedByTheirPlace(t *testing.T) {
	hello := &tlsmsg.ClientHello{CipherSuites: []tlsmsg.CipherSuite{0xc02b, 0xc02f, 0x1301}, CompressionMethods: []tlsmsg.CompressionMethod{0},
		HasExtensions: true, Extensions: everyExtension(tlsmsg.TypeClientHello)}
	name := []byte{0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 6, 3, 0x55, 4, 3, 0x0c, 2, 'a', 'b'}
	chain := &tlsmsg.Certificate{Chain: [][]byte{{0x30, 1, 5}, {0x30, 2, 1, 1}}}
	wanted := &tlsmsg.CertificateRequest{CertificateTypes: []tlsmsg.ClientCertificateType{1}, Schemes: []tlsmsg.SignatureScheme{0x403}, Authorities: [][]byte{name, name}}
	second := "Certificate.certificate_list.certificate[1]."
	attribute := "CertificateRequest.certificate_authorities.distinguished_name[1].Name[0].attribute[0].value."
	for _, tc := range []struct {
		m        tlsmsg.Message
		selector string
		want     []string
	}{
		{hello, "cipher_suites[2]", []string{"ClientHello.cipher_suites.cipher_suite[2]"}},
		{hello, "cipher_suite[0]", []string{"ClientHello.cipher_suites.cipher_suite[0]"}},
		{hello, "cipher_suites.cipher_suite", []string{"ClientHello.cipher_suites.cipher_suite[0]", "ClientHello.cipher_suites.cipher_suite[1]", "ClientHello.cipher_suites.cipher_suite[2]"}},
		{hello, "cipher_suites[3]", nil},
		{hello, "extensions[0].cipher_suites", nil},
		{chain, "Certificate.certificate_list[1]", []string{second + "length", second + "x509.tag", second + "x509.length_octets", second + "x509.tbsCertificate.tag", second + "x509.tbsCertificate.length_octets"}},
		{chain, "certificate[1].x509.tag", []string{second + "x509.tag"}},
		{chain, "certificate_list[1].certificate.x509.tag", []string{second + "x509.tag"}},
		{chain, "x509.tag", []string{"Certificate.certificate_list.certificate[0].x509.tag", second + "x509.tag"}},
		{wanted, "certificate_authorities[1].Name.attribute.value", nil},
		{wanted, "distinguished_name[1].Name.attribute[0].value", []string{attribute + "tag", attribute + "length_octets", attribute + "value"}},
	} {
		got := picked(t, tc.m, tc.selector)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s picks\n%q, want\n%q", tc.selector, got, tc.want)
		}
	}
}

// Records that are shown together are told apart, and one alone has no place.
func TestRecordsTogetherHaveAPlace(t *testing.T) {
	var a dissect.Anatomy
	for i := range int64(3) {
		wire := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentAlert, Version: tlsmsg.VersionTLS12, Fragment: []byte{1, 0}})
		a.Learn(&transcript.Entry{Type: transcript.TypeRecord, Dir: transcript.In, Record: &transcript.Record{
			Type: tlsmsg.ContentAlert, Offset: i * int64(len(wire)), Wire: wire, Plaintext: []byte{1, 0}}})
	}
	sel, _ := dissect.ParseSelector("TLSRecord[1].fragment.Alert.level")
	for end, want := range map[int64][]string{21: {"Alert.level"}, 7: nil} {
		var got []string
		for row := range a.Records(transcript.In, 0, end).Leaves(sel) {
			got = append(got, row.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("up to byte %d it picks %q, want %q", end, got, want)
		}
	}
}
