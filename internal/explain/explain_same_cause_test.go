package explain

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

func recordOf(typ tlsmsg.ContentType, content string) string {
	return string(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: []byte(content)}))
}

func messageOf(m tlsmsg.Message) string {
	return recordOf(tlsmsg.ContentHandshake, string(tlsmsg.Append(nil, m, tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.KeyExchange()})))
}

// If a client refuses what the server sent, the capture tells what that was, as
// connect does: for any client if the ClientHello and the answer contradict
// each other, and for our own client by the comment that it left.
func TestWhatTheClientRefusedIsFoundInTheCapture(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	hello := func(change func(*tlsmsg.ServerHello)) string {
		m := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, HasExtensions: true,
			Extensions: []tlsmsg.Extension{{Type: tlsmsg.ExtensionRenegotiationInfo, Data: []byte{0}}}}
		change(m)
		return messageOf(m)
	}
	good := func(*tlsmsg.ServerHello) {}
	exchange := func(group tlsmsg.NamedGroup, scheme tlsmsg.SignatureScheme) string {
		return messageOf(&tlsmsg.ServerKeyExchange{CurveType: 3, Group: group, PublicKey: []byte(strings.Repeat("\x04", 65)), Scheme: scheme, Signature: []byte("signature")})
	}
	cut := hello(good)
	cut = cut[:8] + string([]byte{cut[8] - 3}) + cut[9:len(cut)-3]
	cut = cut[:4] + string([]byte{cut[4] - 3}) + cut[5:]
	for name, tc := range map[string]struct {
		said        string
		alert       tlsmsg.AlertDescription
		note        string
		code, names string
	}{
		"a suite":              {hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = 0x1234 }), tlsmsg.AlertIllegalParameter, "", "server_fault", "ServerHello.cipher_suite: 0x1234 was not offered"},
		"suite 0":              {hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = 0 }), tlsmsg.AlertHandshakeFailure, "", "server_fault", "TLS_NULL_WITH_NULL_NULL was not offered"},
		"compression":          {hello(func(m *tlsmsg.ServerHello) { m.CompressionMethod = 1 }), tlsmsg.AlertIllegalParameter, "", "server_fault", "compression_method"},
		"an extension":         {hello(func(m *tlsmsg.ServerHello) { m.Extensions = append(m.Extensions, tlsmsg.Extension{Type: 0x1234}) }), tlsmsg.AlertUnsupportedExtension, "", "server_fault", "4660 was not offered"},
		"a cut ServerHello":    {cut, tlsmsg.AlertDecodeError, "", "server_fault", "ServerHello"},
		"a group":              {hello(good) + exchange(22, 0x0403), tlsmsg.AlertIllegalParameter, "", "server_fault", "named_curve: secp256k1 was not offered"},
		"a scheme":             {hello(good) + exchange(23, 0x0101), tlsmsg.AlertIllegalParameter, "", "server_fault", "rsa_pkcs1_md5 was not offered"},
		"nothing that shows":   {hello(good) + exchange(23, 0x0403), tlsmsg.AlertIllegalParameter, "", "alert_illegal_parameter", "illegal_parameter"},
		"by a comment":         {hello(good) + exchange(23, 0x0403), tlsmsg.AlertDecryptError, "tls alert_sent: alert decrypt_error (fatal) sent: ServerKeyExchange.signature: the signature does not verify", "not_authentic", "ServerKeyExchange.signature: the signature does not verify"},
		"a comment on another": {hello(good), tlsmsg.AlertDecryptError, "tls alert_sent: alert internal_error (fatal) sent: something", "alert_decrypt_error", "decrypt_error"},
	} {
		m := newMade().open().talk(dialogue[:1]).say(in, tc.said)
		alert := recordOf(tlsmsg.ContentAlert, string([]byte{2, byte(tc.alert)}))
		path := m.put(m.packet(out, wire.ACK|wire.PSH|wire.FIN, alert)).noted(t, tc.note)
		_, ladder, r := events(t, path, Options{})
		res := r.Transcript.Result()
		if len(res.Reasons) != 1 || res.Reasons[0].Code != tc.code || !strings.Contains(res.Reasons[0].What, tc.names) || res.Reasons[0].Remedy == "" {
			t.Errorf("%s: %+v\n%s", name, res.Reasons, ladder)
		}
	}
}

// A client that sends close_notify after a silence gave up because of it, and a
// side that closes before it sends a RST has closed.
func TestWhatEndsAConnectionFirstIsItsEnd(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	canceled := recordOf(tlsmsg.ContentAlert, "\x01\x5a") + recordOf(tlsmsg.ContentAlert, "\x01\x00")
	for name, tc := range map[string]struct {
		server        string
		quiet, resets bool
		outcome, code string
	}{
		"silence, farewell":            {"", true, false, goal.Timeout, "stalled"},
		"silence, farewell, reset":     {"", true, true, goal.Timeout, "stalled"},
		"one byte, farewell, reset":    {"\x16", true, true, goal.Timeout, "stalled"},
		"close_notify, farewell":       {recordOf(tlsmsg.ContentAlert, "\x01\x00"), false, false, goal.Protocol, "closed_early"},
		"close_notify, its own reset":  {recordOf(tlsmsg.ContentAlert, "\x01\x00"), false, true, goal.Protocol, "closed_early"},
		"user_canceled, its own reset": {canceled, false, true, goal.Protocol, "server_gave_up"},
	} {
		m := newMade().open().talk(dialogue[:1])
		if tc.server != "" {
			m.say(in, tc.server)
		}
		if tc.quiet {
			m.pause = len(m.packets)
		}
		m.put(m.packet(out, wire.ACK|wire.PSH|wire.FIN, canceled))
		if tc.resets {
			who := in
			if tc.quiet {
				who = out
			}
			m.put(m.packet(transcript.Dir(who), wire.RST|wire.ACK, ""))
		}
		_, ladder, r := events(t, m.file(t, nil), Options{})
		if res := r.Transcript.Result(); res.Outcome != tc.outcome || len(res.Reasons) != 1 || res.Reasons[0].Code != tc.code {
			t.Errorf("%s: %s, %+v\n%s", name, res.Outcome, res.Reasons, ladder)
		}
	}
}
