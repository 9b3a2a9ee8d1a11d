package tlsmsg_test

import (
	"errors"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// hello returns a ServerHello or, with client, a ClientHello body whose
// extension block has the given bytes.
func hello(client bool, block ...any) []byte {
	ext := join(block...)
	if client {
		return join(3, 3, make([]byte, 32), 0, 0, 2, 0xC0, 0x2F, 1, 0, len(ext)>>8, len(ext), ext)
	}
	return join(3, 3, make([]byte, 32), 0, 0xC0, 0x2F, 0, len(ext)>>8, len(ext), ext)
}

func TestErrorsNameMessageFieldOffsetAndExpectation(t *testing.T) {
	const (
		ch  = tlsmsg.TypeClientHello
		sh  = tlsmsg.TypeServerHello
		ske = tlsmsg.TypeServerKeyExchange
	)
	for _, tc := range []struct {
		t    tlsmsg.HandshakeType
		ctx  tlsmsg.Context
		body []byte
		want string
	}{
		{ch, tlsmsg.Context{}, join(3), "ClientHello.client_version at byte 4: needs 2 bytes, 1 left"},
		{ch, tlsmsg.Context{}, join(3, 3, "short"), "ClientHello.random at byte 6: needs 32 bytes, 5 left"},
		{ch, tlsmsg.Context{}, join(3, 3, make([]byte, 32), 33, make([]byte, 40)), "ClientHello.session_id at byte 38: length 33, expected 0 to 32"},
		{ch, tlsmsg.Context{}, join(3, 3, make([]byte, 32), 0, 0, 0), "ClientHello.cipher_suites at byte 39: length 0, expected 2 to 65534"},
		{ch, tlsmsg.Context{}, join(3, 3, make([]byte, 32), 0, 0, 3, 0, 5, 0), "ClientHello.cipher_suites.cipher_suite at byte 43: needs 2 bytes, 1 left"},
		{ch, tlsmsg.Context{}, join(3, 3, make([]byte, 32), 0, 0, 2, 0, 5, 0), "ClientHello.compression_methods at byte 43: length 0, expected 1 to 255"},
		{ch, tlsmsg.Context{}, join(hello(true), 0), "ClientHello at byte 47: 1 byte left over after the last field"},
		{ch, tlsmsg.Context{}, hello(true, 0, 0, 0, 9, 1), "ClientHello.extensions[0].server_name at byte 49: length 9 exceeds the 1 byte left"},
		{ch, tlsmsg.Context{}, hello(true, 0, 23, 0, 0, 0xAB, 0xCD, 0, 1), "ClientHello.extensions[1].extension_data at byte 53: length 1 exceeds the 0 bytes left"},
		{ch, tlsmsg.Context{}, hello(true, 0), "ClientHello.extensions[0].extension_type at byte 47: needs 2 bytes, 1 left"},
		{sh, tlsmsg.Context{}, hello(false)[:39], "ServerHello.extensions.length at byte 42: needs 2 bytes, 1 left"},
		{tlsmsg.TypeCertificate, tls12RSA, join(0, 0, 3, 0, 0, 0), "Certificate.certificate_list.certificate[0] at byte 7: length 0, expected 1 to 16777215"},
		{ske, tls12ECDHE, join(3, 0, 29, 0), "ServerKeyExchange.params.public at byte 7: length 0, expected 1 to 255"},
		{ske, tls12ECDHE, join(3, 0, 29, 1, 4), "ServerKeyExchange.algorithm at byte 9: needs 2 bytes, 0 left"},
		{ske, tls12DHE, join(0, 0), "ServerKeyExchange.params.dh_p at byte 4: length 0, expected 1 to 65535"},
		{tlsmsg.TypeCertificateRequest, tls12RSA, join(0), "CertificateRequest.certificate_types at byte 4: length 0, expected 1 to 255"},
		{tlsmsg.TypeCertificateRequest, tls12RSA, join(1, 1, 0, 0, 0, 0), "CertificateRequest.supported_signature_algorithms at byte 6: length 0, expected 2 to 65534"},
		{tlsmsg.TypeCertificateRequest, tls12RSA, join(1, 1, 0, 2, 4, 1, 0, 2, 0, 0), "CertificateRequest.certificate_authorities.distinguished_name[0] at byte 12: length 0, expected 1 to 65535"},
		{tlsmsg.TypeServerHelloDone, tls12RSA, join(0), "ServerHelloDone at byte 4: 1 byte left over after the last field"},
		{tlsmsg.TypeHelloRequest, tls12RSA, join(0), "HelloRequest at byte 4: 1 byte left over after the last field"},
		{tlsmsg.TypeFinished, tls12RSA, make([]byte, 11), "Finished.verify_data at byte 4: needs 12 bytes, 11 left"},
		{tlsmsg.TypeFinished, tls12RSA, make([]byte, 13), "Finished at byte 16: 1 byte left over after the last field"},
		{tlsmsg.TypeCertificateStatus, tls12RSA, join(1, 0, 0, 0), "CertificateStatus.response at byte 5: length 0, expected 1 to 16777215"},
		{tlsmsg.TypeClientKeyExchange, tls12ECDHE, nil, "ClientKeyExchange.ecdh_Yc.length at byte 4: needs 1 byte, 0 left"},
	} {
		raw := join(int(tc.t), 0, len(tc.body)>>8, len(tc.body), tc.body)
		_, err := tlsmsg.ParseMessage(raw, tc.ctx)
		var fe *field.Error
		if !errors.As(err, &fe) || err.Error() != tc.want {
			t.Errorf("got  %v\nwant %s", err, tc.want)
		}
		tree, recorded := tlsmsg.Explain(raw, tc.ctx)
		if recorded == nil || recorded.Error() != tc.want {
			t.Errorf("with a recorder: %v\nwant %s", recorded, tc.want)
		}
		checkLeaves(t, tree, raw)
		if last := tree.Children[len(tree.Children)-1]; last.Name != "undecoded" || last.Meaning != tc.want {
			t.Errorf("the tree ends with %s (%s)", last.Name, last.Meaning)
		}
	}
}

func TestHeaderMustTellTheLength(t *testing.T) {
	for raw, want := range map[string]string{
		"":                     "Handshake.msg_type at byte 0: needs 1 byte, 0 left",
		"\x0e\x00\x00":         "ServerHelloDone.length at byte 1: needs 3 bytes, 2 left",
		"\x0e\x00\x00\x01":     "ServerHelloDone.length at byte 1: length 1, expected 0, which is what follows the header",
		"\x0e\x00\x00\x00\x00": "ServerHelloDone.length at byte 1: length 0, expected 1, which is what follows the header",
	} {
		if _, err := tlsmsg.ParseMessage([]byte(raw), tls12RSA); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", raw, err, want)
		}
	}
}

func TestParseIntoRefusesAnotherMessage(t *testing.T) {
	err := tlsmsg.ParseInto(new(tlsmsg.ServerHelloDone), []byte{0, 0, 0, 0}, tls12RSA)
	if want := "ServerHelloDone.msg_type at byte 0: hello_request, expected server_hello_done"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestChangeCipherSpecAndAlertRefuseOtherLengths(t *testing.T) {
	for _, b := range [][]byte{nil, {1, 1}} {
		if _, err := tlsmsg.ParseChangeCipherSpec(b); err == nil {
			t.Errorf("ChangeCipherSpec of % x accepted", b)
		}
	}
	for _, b := range [][]byte{nil, {1}, {1, 2, 3}} {
		if _, err := tlsmsg.ParseAlert(b); err == nil {
			t.Errorf("alert of % x accepted", b)
		}
	}
}
