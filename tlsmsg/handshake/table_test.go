package handshake_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Every handshake type, ChangeCipherSpec and application data in every state:
// what the state does not take draws unexpected_message and the names of what
// it takes; what it takes does not. This table is the RFCs', written a second
// time: RFC 5246, section 7.3, RFC 6066, section 8, and RFC 5077, section 3.3,
// for each key exchange, an abbreviated handshake, and TLS 1.0.
func TestEachStateTakesTheMessagesOfItsTurnAndNoOther(t *testing.T) {
	status := func(f *fake) { f.status = true }
	ticket := func(f *fake) { f.ticket = true }
	request := func(f *fake) { f.request = anyRequest() }
	plain := func(*fake) {}
	rsa := func(f *fake) { f.kind, f.id = "rsa", gcmRSA }
	rsaStatus := func(f *fake) { rsa(f); f.status = true }
	rsaRequest := func(f *fake) { rsa(f); f.request = anyRequest() }
	resumed := func(f *fake) { f.session = session(f) }
	renewed := func(f *fake) { resumed(f); f.ticket = true }
	tls10 := func(f *fake) { f.version, f.id = tlsmsg.VersionTLS10, cbcECDSA }
	for _, tc := range []struct {
		before string // the message that is due
		setup  func(*fake)
		takes  []string
	}{
		{"ServerHello", plain, []string{"ServerHello"}},
		{"Certificate", plain, []string{"Certificate"}},
		{"CertificateStatus", status, []string{"CertificateStatus", "ServerKeyExchange"}},
		{"ServerKeyExchange", status, []string{"ServerKeyExchange"}},
		{"ServerKeyExchange", plain, []string{"ServerKeyExchange"}},
		{"CertificateRequest", request, []string{"CertificateRequest", "ServerHelloDone"}},
		{"ServerHelloDone", request, []string{"ServerHelloDone"}},
		{"NewSessionTicket", ticket, []string{"NewSessionTicket"}},
		{"ChangeCipherSpec", ticket, []string{"ChangeCipherSpec"}},
		{"ChangeCipherSpec", plain, []string{"ChangeCipherSpec"}},
		{"Finished", plain, []string{"Finished"}},
		{"", plain, []string{"ApplicationData"}},

		{"ServerHelloDone", rsa, []string{"CertificateRequest", "ServerHelloDone"}},
		{"CertificateStatus", rsaStatus, []string{"CertificateStatus", "CertificateRequest", "ServerHelloDone"}},
		{"ServerHelloDone", rsaStatus, []string{"CertificateRequest", "ServerHelloDone"}},
		{"CertificateRequest", rsaRequest, []string{"CertificateRequest", "ServerHelloDone"}},
		{"ServerHelloDone", rsaRequest, []string{"ServerHelloDone"}},
		{"ChangeCipherSpec", rsa, []string{"ChangeCipherSpec"}},
		{"", rsa, []string{"ApplicationData"}},

		{"ServerHello", resumed, []string{"ServerHello"}},
		{"ChangeCipherSpec", resumed, []string{"ChangeCipherSpec"}},
		{"Finished", resumed, []string{"Finished"}},
		{"NewSessionTicket", renewed, []string{"NewSessionTicket"}},
		{"ChangeCipherSpec", renewed, []string{"ChangeCipherSpec"}},
		{"Finished", renewed, []string{"Finished"}},

		{"ServerKeyExchange", tls10, []string{"ServerKeyExchange"}},
		{"Finished", tls10, []string{"Finished"}},
		{"", tls10, []string{"ApplicationData"}},
	} {
		takes := append(slices.Clone(tc.takes), "HelloRequest") // at any time
		try := func(name string, typ tlsmsg.ContentType, content string) {
			f := newFake(t)
			tc.setup(f)
			m := f.meet(f.config())
			if parts := m.upTo(tc.before); m.c.Err() != nil || (parts == nil) != (tc.before == "") {
				t.Fatalf("before %q: %v", tc.before, m.c.Err())
			}
			m.c.Next()
			m.feed(f.record(typ, []byte(content)))
			var e *handshake.ProtocolError
			refused := errors.As(m.c.Err(), &e) && e.Alert == tlsmsg.AlertUnexpectedMessage
			if refused == slices.Contains(takes, name) {
				t.Errorf("%s where %q is due: %v", name, tc.before, m.c.Err())
			}
			if refused && !strings.Contains(e.Error(), "expected "+strings.Join(tc.takes, " or ")) {
				t.Errorf("%s where %q is due: %v, expected the names of %v", name, tc.before, e, tc.takes)
			}
		}
		for typ := range 256 {
			if typ > 24 && typ < 254 && tc.before != "ServerHello" {
				continue // of no meaning: as good as any other, once
			}
			// Without a body: what is taken may fail, but not for its type.
			try(tlsmsg.HandshakeType(typ).Heading(), tlsmsg.ContentHandshake, string([]byte{byte(typ), 0, 0, 0}))
		}
		try("ChangeCipherSpec", tlsmsg.ContentChangeCipherSpec, "\x01")
		try("ApplicationData", tlsmsg.ContentApplicationData, "data")
	}
}

func anyRequest() *tlsmsg.CertificateRequest {
	return &tlsmsg.CertificateRequest{
		CertificateTypes: []tlsmsg.ClientCertificateType{tlsmsg.CertificateTypeECDSASign, tlsmsg.CertificateTypeRSASign},
		Schemes:          []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeRSAPSSRSAESHA256},
	}
}

// The handshake with everything optional in it, however it is cut.
func TestDeliveryMakesNoDifference(t *testing.T) {
	for _, mode := range []string{"one byte at a time", "a flight at once", "one record a flight", "a record a byte"} {
		t.Run(mode, func(t *testing.T) {
			f := newFake(t)
			f.status, f.ticket, f.request = true, true, anyRequest()
			m := f.meet(f.config())
			m.c.Start()
			deliver := func(parts []part) {
				var flight []byte
				for _, p := range parts {
					wire := p.wire()
					if mode == "one record a flight" && wire[0] == 22 && f.out == nil {
						wire = wire[5:]
					}
					flight = append(flight, wire...)
				}
				switch {
				case mode == "one byte at a time":
					for i := range flight {
						m.feed(flight[i : i+1])
					}
				case mode == "one record a flight" && flight[0] == 2: // the first
					m.feed(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: 22, Version: 0x303, Fragment: flight}))
				case mode == "a record a byte" && f.out == nil:
					for len(flight) > 0 {
						rec, n, err := tlsmsg.NextRecord(flight)
						f.must(err)
						flight = flight[n:]
						for i := range rec.Fragment {
							m.feed(f.record(rec.Type, rec.Fragment[i:i+1]))
						}
					}
				default:
					m.feed(flight)
				}
			}
			deliver(f.first(m.c.Next()))
			second := f.second(m.c.Next())
			if mode == "one record a flight" {
				for _, p := range second {
					m.feed(p.wire())
				}
			} else {
				deliver(second)
			}
			s := m.c.State()
			if m.c.Err() != nil || m.c.Stage() != handshake.StageFinished || !f.done {
				t.Fatalf("stage %v, %v", m.c.Stage(), m.c.Err())
			}
			if string(s.OCSPResponse) != "ocsp" || !s.TicketReceived || !s.CertificateRequested || s.Credential != -1 {
				t.Errorf("state %+v", s)
			}
		})
	}
}

// A byte changed anywhere in what the server sends is found: by the decoder,
// the signature, Finished or the record's MAC. (It changes the handshake hash
// where nothing else notices.)
func TestAByteChangedAnywhereIsNoticed(t *testing.T) {
	total := len(wireOf(t))
	classes := map[string]int{}
	for i := range total {
		f := newFake(t)
		f.lenient = true
		m := f.meet(f.config())
		m.c.Start()
		at := 0
		send := func(parts []part) {
			for _, p := range parts {
				wire := p.wire()
				if j := i - at; 0 <= j && j < len(wire) {
					wire[j] ^= 0x10
				}
				at += len(wire)
				m.feed(wire)
			}
		}
		send(f.first(m.c.Next()))
		if m.c.Err() == nil && m.c.Stage() == handshake.StageHelloDone {
			send(f.second(m.c.Next()))
		}
		m.c.TransportEOF()
		err := m.c.Err()
		if err == nil || m.c.CanWrite() {
			t.Errorf("byte %d changed: %v, stage %v", i, err, m.c.Stage())
			continue
		}
		class := fmt.Sprintf("%T", err)
		var e *handshake.ProtocolError
		if errors.As(err, &e) {
			class = e.Alert.String()
			if a, ok := m.alert(); !ok || a.Description != e.Alert {
				t.Errorf("byte %d changed: alert %v (%v) for %v", i, a, ok, err)
			}
		}
		classes[class]++
	}
	for _, class := range []string{"decode_error", "illegal_parameter", "protocol_version", "unexpected_message",
		"decrypt_error", "bad_record_mac", "bad_certificate", "unsupported_extension"} {
		if classes[class] == 0 {
			t.Errorf("no change drew %s: %v", class, classes)
		}
	}
}

func wireOf(t *testing.T) (all []byte) {
	f := newFake(t)
	m := f.meet(f.config())
	m.c.Start()
	for _, p := range f.first(m.c.Next()) {
		b := p.wire()
		all = append(all, b...)
		m.feed(b)
	}
	for _, p := range f.second(m.c.Next()) {
		all = append(all, p.wire()...)
	}
	return all
}
