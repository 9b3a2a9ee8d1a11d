package handshake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func extend(t tlsmsg.ExtensionType, data string) func(*fake) {
	return func(f *fake) {
		f.editHello = func(m *tlsmsg.ServerHello) {
			m.Extensions = append(m.Extensions, tlsmsg.Extension{Type: t, Data: []byte(data)})
		}
	}
}

// Each thing that a server must not do is answered by the alert that its RFC
// names, and the error names the message, the field and what was expected.
func TestWhatAServerMustNotDoDrawsItsAlert(t *testing.T) {
	hello := func(edit func(*tlsmsg.ServerHello)) func(*fake) { return func(f *fake) { f.editHello = edit } }
	params := func(edit func(*tlsmsg.ServerKeyExchange)) func(*fake) { return func(f *fake) { f.editParams = edit } }
	exchange := func(edit func(*tlsmsg.ServerKeyExchange)) func(*fake) { return func(f *fake) { f.editExchange = edit } }
	for _, tc := range []struct {
		name  string
		setup func(*fake)
		alert tlsmsg.AlertDescription
		want  string
	}{
		{"ServerHello of TLS 1.1", hello(func(m *tlsmsg.ServerHello) { m.Version = tlsmsg.VersionTLS11 }),
			tlsmsg.AlertProtocolVersion, "ServerHello.server_version: TLS 1.1, expected TLS 1.2"},
		{"ServerHello of TLS 1.3's number", hello(func(m *tlsmsg.ServerHello) { m.Version = tlsmsg.VersionTLS13 }),
			tlsmsg.AlertProtocolVersion, "TLS 1.3, expected TLS 1.2"},
		{"suite not offered", hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 }),
			tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite: TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 was not offered"},
		{"signalling suite", hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV }),
			tlsmsg.AlertIllegalParameter, "was not offered"},
		{"compression", hello(func(m *tlsmsg.ServerHello) { m.CompressionMethod = tlsmsg.CompressionDeflate }),
			tlsmsg.AlertIllegalParameter, "ServerHello.compression_method"},
		{"extension not offered", extend(tlsmsg.ExtensionEncryptThenMAC, ""),
			tlsmsg.AlertUnsupportedExtension, "encrypt_then_mac was not offered"},
		{"extension unknown", extend(0x1234, ""), tlsmsg.AlertUnsupportedExtension, "was not offered"},
		{"ALPN not offered", extend(tlsmsg.ExtensionALPN, "\x00\x03\x02h2"), tlsmsg.AlertUnsupportedExtension, "was not offered"},
		{"session_ticket not offered", extend(tlsmsg.ExtensionSessionTicket, ""), tlsmsg.AlertUnsupportedExtension, "was not offered"},
		{"signature_algorithms answered", extend(tlsmsg.ExtensionSignatureAlgorithms, "\x00\x02\x04\x03"),
			tlsmsg.AlertUnsupportedExtension, "must not be answered"},
		{"extension twice", extend(tlsmsg.ExtensionExtendedMasterSecret, ""), tlsmsg.AlertDecodeError, "a second time"},
		{"extended_master_secret with data", hello(func(m *tlsmsg.ServerHello) {
			m.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionExtendedMasterSecret, Data: []byte{0}}}
		}), tlsmsg.AlertDecodeError, "extended_master_secret"},
		{"server_name with data", extend(tlsmsg.ExtensionServerName, "x"), tlsmsg.AlertDecodeError, "server_name"},
		{"point formats without uncompressed", extend(tlsmsg.ExtensionECPointFormats, "\x01\x01"),
			tlsmsg.AlertIllegalParameter, "ec_point_formats"},
		{"renegotiation_info of an earlier handshake", hello(func(m *tlsmsg.ServerHello) {
			m.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionRenegotiationInfo, Data: []byte("\x01x")}}
		}), tlsmsg.AlertHandshakeFailure, "renegotiation_info"},
		{"status_request with data", extend(tlsmsg.ExtensionStatusRequest, "x"), tlsmsg.AlertDecodeError, "status_request"},
		{"certificate of another kind of key", func(f *fake) { f.kind = "rsa" }, tlsmsg.AlertIllegalParameter, "Certificate: suite"},
		{"explicit curve", exchange(func(m *tlsmsg.ServerKeyExchange) { m.Raw = []byte{1, 0, 0, 0} }),
			tlsmsg.AlertIllegalParameter, "curve_type"},
		{"group not offered", params(func(m *tlsmsg.ServerKeyExchange) { m.Group = tlsmsg.GroupX25519 }),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.named_curve: x25519 was not offered"},
		{"point not on the curve", params(func(m *tlsmsg.ServerKeyExchange) { m.PublicKey[64] ^= 1 }),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.public"},
		{"point of another length", params(func(m *tlsmsg.ServerKeyExchange) { m.PublicKey = m.PublicKey[:33] }),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.public"},
		{"scheme not offered", exchange(func(m *tlsmsg.ServerKeyExchange) { m.Scheme = tlsmsg.SchemeECDSASHA1 }),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.algorithm: ecdsa_sha1 was not offered"},
		{"scheme of another key", exchange(func(m *tlsmsg.ServerKeyExchange) { m.Scheme = tlsmsg.SchemeRSAPSSRSAESHA256 }),
			tlsmsg.AlertIllegalParameter, "needs a key of kind RSA, not ECDSA"},
		{"bad signature", exchange(func(m *tlsmsg.ServerKeyExchange) { m.Signature[len(m.Signature)-1] ^= 1 }),
			tlsmsg.AlertDecryptError, "ServerKeyExchange.signature: the signature does not verify"},
		{"signature over other parameters", exchange(func(m *tlsmsg.ServerKeyExchange) { m.Params = nil; m.PublicKey = m.PublicKey[:64] }),
			tlsmsg.AlertDecryptError, "does not verify"},
		{"bad Finished", func(f *fake) { f.editFinished = func(m *tlsmsg.Finished) { m.VerifyData[11] ^= 1 } },
			tlsmsg.AlertDecryptError, "Finished.verify_data"},
		{"short Finished", func(f *fake) { f.editFinished = func(m *tlsmsg.Finished) { m.VerifyData = m.VerifyData[:11] } },
			tlsmsg.AlertDecodeError, "Finished.verify_data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			tc.setup(f)
			m := f.meet(f.config())
			m.upTo("")
			expectRefusal(t, m, tc.alert, tc.want)
		})
	}
}

func expectRefusal(t *testing.T, m *meeting, alert tlsmsg.AlertDescription, want string) {
	t.Helper()
	var e *handshake.ProtocolError
	err := m.c.Err()
	if !errors.As(err, &e) || !errors.Is(err, handshake.ErrProtocol) || !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, expected a ProtocolError with %q", err, want)
	}
	if got, ok := m.alert(); !ok || got != (tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: alert}) || e.Alert != alert {
		t.Errorf("alert %v (%v) for %v, expected fatal %v", got, ok, err, alert)
	}
	if m.c.CanWrite() || m.c.Write([]byte("x")) != 0 {
		t.Error("it still takes application data")
	}
}

// What is wrong with records is refused wherever it happens.
func TestBadRecordsDrawTheirAlert(t *testing.T) {
	handshakeRecord := func(content string) []byte {
		return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: tlsmsg.VersionTLS12, Fragment: []byte(content)})
	}
	for _, tc := range []struct {
		name, before string
		send         func(*fake, []part) []byte
		alert        tlsmsg.AlertDescription
		want         string
	}{
		{"bad MAC", "Finished", func(_ *fake, p []part) []byte { b := p[0].wire(); b[20] ^= 1; return b },
			tlsmsg.AlertBadRecordMAC, "does not authenticate"},
		{"plaintext under keys", "Finished", func(*fake, []part) []byte { return handshakeRecord("\x14\x00\x00\x0c012345678901") },
			tlsmsg.AlertBadRecordMAC, "does not authenticate"},
		{"no room for a tag", "Finished", func(*fake, []part) []byte { return handshakeRecord("x") },
			tlsmsg.AlertBadRecordMAC, "does not authenticate"},
		{"ciphertext too long", "ServerHello", func(*fake, []part) []byte { return []byte{22, 3, 3, 0x48, 1} },
			tlsmsg.AlertRecordOverflow, "expected at most"},
		{"plaintext too long", "ServerHello", func(*fake, []part) []byte { return handshakeRecord(strings.Repeat("\x02", 1<<14+1)) },
			tlsmsg.AlertRecordOverflow, "expected at most 16384"},
		{"protected plaintext too long", "Finished", func(f *fake, _ []part) []byte {
			return f.record(tlsmsg.ContentHandshake, make([]byte, 1<<14+1))
		}, tlsmsg.AlertRecordOverflow, "expected at most 16384"},
		{"message too long", "ServerHello", func(*fake, []part) []byte { return handshakeRecord("\x02\x7f\xff\xff") },
			tlsmsg.AlertIllegalParameter, "ServerHello: length 8388607"},
		{"empty handshake record", "Certificate", func(*fake, []part) []byte { return handshakeRecord("") },
			tlsmsg.AlertUnexpectedMessage, "without content"},
		{"another version", "Certificate", func(_ *fake, p []part) []byte { b := p[0].wire(); b[2] = 2; return b },
			tlsmsg.AlertProtocolVersion, "TLS 1.1, expected TLS 1.2"},
		{"unknown content type", "Certificate", func(_ *fake, p []part) []byte { b := p[0].wire(); b[0] = 99; return b },
			tlsmsg.AlertUnexpectedMessage, "content type 99"},
		{"text in the middle", "Certificate", func(*fake, []part) []byte { return []byte("HTTP/1.1 400 Bad Request") },
			tlsmsg.AlertUnexpectedMessage, "after the peer's ServerHello"},
		{"ChangeCipherSpec inside a message", "ChangeCipherSpec", func(_ *fake, p []part) []byte {
			return append(handshakeRecord("\x00\x00"), p[0].wire()...)
		}, tlsmsg.AlertUnexpectedMessage, "in the middle of a handshake message"},
		{"a message out of turn that is not whole", "ChangeCipherSpec", func(*fake, []part) []byte {
			return handshakeRecord("\x04\x00\x10\x00")
		}, tlsmsg.AlertUnexpectedMessage, "NewSessionTicket: after our Finished, expected ChangeCipherSpec"},
		{"a message out of turn that is too long", "ChangeCipherSpec", func(*fake, []part) []byte {
			return handshakeRecord("\x04\xff\xff\xff")
		}, tlsmsg.AlertUnexpectedMessage, "NewSessionTicket: after our Finished, expected ChangeCipherSpec"},
		{"ChangeCipherSpec of two bytes", "ChangeCipherSpec", func(f *fake, _ []part) []byte {
			return []byte{20, 3, 3, 0, 2, 1, 1}
		}, tlsmsg.AlertUnexpectedMessage, "ChangeCipherSpec"},
		{"ChangeCipherSpec of none", "ChangeCipherSpec", func(f *fake, _ []part) []byte {
			return []byte{20, 3, 3, 0, 0}
		}, tlsmsg.AlertUnexpectedMessage, "ChangeCipherSpec"},
		{"ChangeCipherSpec of another value", "ChangeCipherSpec", func(f *fake, _ []part) []byte {
			return []byte{20, 3, 3, 0, 1, 2}
		}, tlsmsg.AlertIllegalParameter, "ChangeCipherSpec.type: 2, expected 1"},
		{"half an alert, and then no alert", "Certificate", func(_ *fake, parts []part) []byte {
			return append([]byte{21, 3, 3, 0, 1, 2}, handshakeRecord("\x0e\x00\x00\x00")...)
		}, tlsmsg.AlertUnexpectedMessage, "in the middle of an alert"},
		{"alert without content", "Certificate", func(*fake, []part) []byte { return []byte{21, 3, 3, 0, 0} },
			tlsmsg.AlertUnexpectedMessage, "without content"},
		{"alert of another level", "Certificate", func(*fake, []part) []byte { return []byte{21, 3, 3, 0, 2, 3, 40} },
			tlsmsg.AlertIllegalParameter, "Alert.level"},
		{"warning alerts without end", "Certificate", func(*fake, []part) []byte {
			return []byte(strings.Repeat("\x15\x03\x03\x00\x02\x01\x70", 5))
		}, tlsmsg.AlertUnexpectedMessage, "5 warning alerts in a row, expected at most 4"},
		{"HelloRequests without end", "Certificate", func(*fake, []part) []byte {
			return []byte(strings.Repeat("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 5))
		}, tlsmsg.AlertUnexpectedMessage, "expected at most 4"},
		{"truncated ServerHello", "ServerHello", func(*fake, []part) []byte { return handshakeRecord("\x02\x00\x00\x02\x03\x03") },
			tlsmsg.AlertDecodeError, "ServerHello.random"},
		{"empty chain", "Certificate", func(*fake, []part) []byte { return handshakeRecord("\x0b\x00\x00\x03\x00\x00\x00") },
			tlsmsg.AlertDecodeError, "Certificate.certificate_list"},
		{"garbage for a certificate", "Certificate", func(*fake, []part) []byte { return handshakeRecord("\x0b\x00\x00\x07\x00\x00\x04\x00\x00\x01x") },
			tlsmsg.AlertBadCertificate, "does not parse"},
		{"more than is held", "Certificate", func(*fake, []part) []byte { return make([]byte, 256<<10+1) },
			tlsmsg.AlertRecordOverflow, "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			m := f.meet(f.config())
			parts := m.upTo(tc.before)
			m.c.Next()
			m.feed(tc.send(f, parts))
			expectRefusal(t, m, tc.alert, tc.want)
		})
	}
}

// Floods are refused once the handshake is done, too, and a few are borne.
func TestFloodsAfterTheHandshakeAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		typ   tlsmsg.ContentType
		body  string
		borne int
	}{
		{"empty records", tlsmsg.ContentApplicationData, "", 32},
		{"warning alerts", tlsmsg.ContentAlert, "\x01\x70", 4},
		{"HelloRequests", tlsmsg.ContentHandshake, "\x00\x00\x00\x00", 4},
	} {
		f := newFake(t)
		m := f.meet(f.config())
		m.upTo("")
		for round := range 2 {
			for range tc.borne {
				m.feed(f.record(tc.typ, []byte(tc.body)))
			}
			if m.c.Err() != nil {
				t.Fatalf("%s, round %d: %v", tc.name, round, m.c.Err())
			}
			m.alert() // keeps step with the client's no_renegotiation
			m.feed(f.record(tlsmsg.ContentApplicationData, []byte("data")))
			if got := string(m.c.Peek()); got != "data" {
				t.Fatalf("%s: read %q", tc.name, got)
			}
			m.c.Discard(4)
		}
		for range tc.borne + 1 {
			m.feed(f.record(tc.typ, []byte(tc.body)))
		}
		expectRefusal(t, m, tlsmsg.AlertUnexpectedMessage, "in a row")
	}
}

func TestAHelloRequestAfterTheHandshakeIsAnsweredByNoRenegotiation(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("")
	m.feed(f.record(tlsmsg.ContentHandshake, []byte{0, 0, 0, 0}))
	if a, ok := m.alert(); !ok || a != (tlsmsg.Alert{Level: tlsmsg.LevelWarning, Description: tlsmsg.AlertNoRenegotiation}) || m.c.Err() != nil {
		t.Errorf("alert %v %v, error %v", a, ok, m.c.Err())
	}
	if m.c.Write([]byte("x")) != 1 {
		t.Error("the connection did not go on")
	}
}

// Wherever the stream ends, the error says after which message.
func TestAnEndOfTheStreamNamesTheLastMessage(t *testing.T) {
	for name, last := range map[string]string{"ServerHello": "our ClientHello", "Certificate": "the peer's ServerHello",
		"ServerKeyExchange": "the peer's Certificate", "ServerHelloDone": "the peer's ServerKeyExchange",
		"ChangeCipherSpec": "our Finished", "Finished": "our Finished"} {
		for _, cut := range []int{0, 1, 7} {
			f := newFake(t)
			m := f.meet(f.config())
			parts := m.upTo(name)
			wire := parts[0].wire()
			m.feed(wire[:min(cut, len(wire)-1)])
			m.c.TransportEOF()
			var e *handshake.ClosedError
			if err := m.c.Err(); !errors.Is(err, handshake.ErrClosed) || !errors.As(err, &e) || e.After != last || e.MidRecord != (cut > 0) {
				t.Errorf("before %s + %d bytes: %v", name, cut, err)
			}
		}
		f := newFake(t)
		m := f.meet(f.config())
		m.upTo(name)
		m.feed(f.record(tlsmsg.ContentAlert, []byte{1, 0}))
		var e *handshake.ClosedError
		if err := m.c.Err(); !errors.As(err, &e) || !e.Notified || e.After != last {
			t.Errorf("close_notify before %s: %v", name, err)
		}
	}
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("")
	m.feed(f.record(tlsmsg.ContentApplicationData, []byte("half")))
	m.c.TransportEOF()
	if err := m.c.Err(); err != nil || string(m.c.Peek()) != "half" {
		t.Fatalf("data before the end: %q, %v", m.c.Peek(), err)
	}
	m.c.Discard(4)
	if err := m.c.Err(); !errors.Is(err, handshake.ErrTruncated) || errors.Is(err, handshake.ErrClosed) {
		t.Errorf("end without close_notify: %v", err)
	}
}

func TestAlertsOfThePeerAreTold(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("ServerHello")
	m.feed([]byte{21, 3, 1, 0, 2, 2, 70}) // as a server of TLS 1.3 alone sends it
	var e *handshake.AlertError
	err := m.c.Err()
	if !errors.Is(err, handshake.ErrAlertReceived) || !errors.As(err, &e) || e.Alert.Description != tlsmsg.AlertProtocolVersion {
		t.Fatal(err)
	}
	if want := "the peer sent the alert fatal protocol_version (70) after our ClientHello"; err.Error() != want {
		t.Errorf("%q, expected %q", err, want)
	}
	if len(m.c.Next()) > 0 {
		t.Error("an answer to a fatal alert")
	}
}

func TestAnotherProtocolIsToldByItsFirstBytes(t *testing.T) {
	for _, text := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\x1b[31m\r\n", "\x00\x00\x12\x04"} {
		m := newFake(t).meet(handshake.Config{Random: [32]byte{1}})
		m.c.Start()
		m.c.Next()
		m.feed([]byte(text))
		var e *handshake.NotTLSError
		if err := m.c.Err(); !errors.Is(err, handshake.ErrNotTLS) || !errors.As(err, &e) || string(e.First) != text {
			t.Errorf("%q: %v", text, err)
		} else if strings.ContainsAny(err.Error(), "\x1b\x00") {
			t.Errorf("not escaped: %v", err)
		}
		if len(m.c.Next()) > 0 {
			t.Errorf("%q: a TLS alert to what is no TLS", text)
		}
	}
}
