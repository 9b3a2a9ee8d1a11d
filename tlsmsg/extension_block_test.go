package tlsmsg_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// badALPN has a mark by which its place in a message is found.
var badALPN = tlsmsg.Extension{Type: tlsmsg.ExtensionALPN, Data: join(0xAA, 0xBB, "mark")}

// withExtensions are all messages that have extensions, with a list put in, each
// with what decodes one of them.
func withExtensions(list []tlsmsg.Extension) map[string]struct {
	m      tlsmsg.Message
	decode func(tlsmsg.ExtensionData) (bool, error)
	check  func() error
} {
	type row = struct {
		m      tlsmsg.Message
		decode func(tlsmsg.ExtensionData) (bool, error)
		check  func() error
	}
	client := &tlsmsg.ClientHello{SessionID: []byte{1}, CipherSuites: make([]tlsmsg.CipherSuite, 2), CompressionMethods: make([]tlsmsg.CompressionMethod, 1), Extensions: list}
	server := &tlsmsg.ServerHello{SessionID: []byte{1, 2}, Extensions: list}
	retry := &tlsmsg.ServerHello{Random: tlsmsg.HelloRetryRequestRandom(), Extensions: list}
	encrypted := &tlsmsg.EncryptedExtensions{Extensions: list}
	request := &tlsmsg.CertificateRequest{RequestContext: []byte{1, 2, 3}, Extensions: list}
	ticket := &tlsmsg.NewSessionTicket{Nonce: []byte{1}, Ticket: []byte{2, 3}, Extensions: list}
	chain := &tlsmsg.Certificate{RequestContext: []byte{9}, Chain: [][]byte{{1, 2}, {3}},
		EntryExtensions: [][]tlsmsg.Extension{{{Type: 18, Data: []byte{1}}, {Type: 5}}, list}}
	return map[string]row{
		"ClientHello.extensions[1]":                     {client, client.DecodeExtension, client.CheckExtensions},
		"ServerHello.extensions[1]":                     {server, server.DecodeExtension, server.CheckExtensions},
		"HelloRetryRequest.extensions[1]":               {retry, retry.DecodeExtension, retry.CheckExtensions},
		"EncryptedExtensions.extensions[1]":             {encrypted, encrypted.DecodeExtension, encrypted.CheckExtensions},
		"CertificateRequest.extensions[1]":              {request, request.DecodeExtension, request.CheckExtensions},
		"NewSessionTicket.extensions[1]":                {ticket, ticket.DecodeExtension, ticket.CheckExtensions},
		"Certificate.certificate_list[1].extensions[1]": {chain, func(v tlsmsg.ExtensionData) (bool, error) { return chain.DecodeExtension(1, v) }, chain.CheckExtensions},
	}
}

func TestAnExtensionsErrorNamesItsPlaceInWhicheverMessage(t *testing.T) {
	for path, tc := range withExtensions([]tlsmsg.Extension{{Type: 99, Data: []byte{1}}, badALPN}) {
		found, err := tc.decode(new(tlsmsg.ALPN))
		var fe *field.Error
		if !found || !errors.As(err, &fe) {
			t.Errorf("%s: %v, %v", path, found, err)
			continue
		}
		raw := tlsmsg.Append(nil, tc.m, tls13)
		if want := path + ".application_layer_protocol_negotiation.protocol_name_list"; fe.Path != want || fe.Offset != bytes.Index(raw, badALPN.Data) {
			t.Errorf("%s at byte %d, want %s at byte %d", fe.Path, fe.Offset, want, bytes.Index(raw, badALPN.Data))
		}
		if err := tc.check(); err != nil {
			t.Errorf("%s: no extension stands there twice: %v", path, err)
		}
	}
}

func TestASecondExtensionOfATypeIsFoundInWhicheverMessage(t *testing.T) {
	for path, tc := range withExtensions([]tlsmsg.Extension{badALPN, badALPN}) {
		var fe *field.Error
		if err := tc.check(); !errors.As(err, &fe) {
			t.Errorf("%s: %v", path, err)
			continue
		}
		raw := tlsmsg.Append(nil, tc.m, tls13)
		const head = 4
		if want := path + ".extension_type"; fe.Path != want || fe.Offset != bytes.LastIndex(raw, badALPN.Data)-head {
			t.Errorf("%s at byte %d, want %s at byte %d", fe.Path, fe.Offset, want, bytes.LastIndex(raw, badALPN.Data)-head)
		}
	}
}

// A HelloRetryRequest is a ServerHello on the wire: one random tells them apart,
// for all that ask.
func TestTheRandomAloneMakesAServerHelloAHelloRetryRequest(t *testing.T) {
	m := &tlsmsg.ServerHello{Random: tlsmsg.HelloRetryRequestRandom()}
	for i := range m.Random {
		raw := tlsmsg.Append(nil, m, tls13)
		if !m.IsHelloRetryRequest() || m.Form() != tlsmsg.TypeHelloRetryRequest || tlsmsg.Form(raw) != m.Form() || m.Type() != tlsmsg.TypeServerHello {
			t.Fatalf("%v, %s, %s", m.IsHelloRetryRequest(), m.Form(), tlsmsg.Form(raw))
		}
		m.Random[i] ^= 1
		raw = tlsmsg.Append(raw[:0], m, tls13)
		if m.IsHelloRetryRequest() || m.Form() != tlsmsg.TypeServerHello || tlsmsg.Form(raw) != m.Form() || tlsmsg.Form(raw[:37]) != tlsmsg.TypeServerHello {
			t.Fatalf("with another byte %d: %s, %s", i, m.Form(), tlsmsg.Form(raw))
		}
		m.Random[i] ^= 1
	}
}

// Before TLS 1.3 a Certificate has no entries, and what a value held before does
// not show through.
func TestMessagesThatChangedFormHaveTheFormOfTheVersion(t *testing.T) {
	chain := &tlsmsg.Certificate{RequestContext: []byte{1}, Chain: [][]byte{{2}}, EntryExtensions: [][]tlsmsg.Extension{{{Type: 99}}}}
	for _, ctx := range []tlsmsg.Context{tls12RSA, tls11ECDHE, ssl30RSA, {}} {
		if got := chain.AppendBody(nil, ctx); !bytes.Equal(got, join(0, 0, 4, 0, 0, 1, 2)) {
			t.Errorf("%s: % x", ctx.Version, got)
		}
	}
	short := &tlsmsg.Certificate{Chain: [][]byte{{2}, {3}}, EntryExtensions: [][]tlsmsg.Extension{{{Type: 99}}}}
	if got := short.AppendBody(nil, tls13); !bytes.Equal(got, join(0, 0, 0, 16, 0, 0, 1, 2, 0, 4, 0, 99, 0, 0, 0, 0, 1, 3, 0, 0)) {
		t.Errorf("% x", got)
	}
}
