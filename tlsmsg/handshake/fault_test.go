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

// faultyPair is a client and a server that do all there is in a handshake, the
// server with a fault.
func faultyPair(t *testing.T, fault handshake.Fault) *pair {
	t.Helper()
	tamper, err := fault.Tamper()
	if err != nil {
		t.Fatal(err)
	}
	return newPair(t, func(c *handshake.Config) { c.SessionTicket = true }, func(c *handshake.ServerConfig) {
		c.ClientAuth, c.Tickets, c.Tamper = handshake.ClientAuthRequire, true, tamper
		c.Credentials[0].OCSPResponse = []byte("response")
	})
}

// ends says how a client ends that met a fault.
func ends(p *pair) string {
	p.c.Start()
	p.run()
	p.say(p.c, p.s, []byte("question"))
	p.say(p.s, p.c, []byte("answer"))
	waits := p.c.Err() == nil
	p.c.TransportEOF()
	var mine *handshake.ProtocolError
	var heard *handshake.AlertError
	var closed *handshake.ClosedError
	switch err := p.c.Err(); {
	case errors.As(err, &mine):
		return mine.Alert.String()
	case errors.As(err, &heard):
		return "heard " + heard.Alert.Description.String()
	case errors.As(err, &closed) && closed.Handshaken:
		return "done"
	case errors.As(err, &closed) && waits:
		return "waits"
	default:
		return fmt.Sprint(err)
	}
}

// Each kind of fault at each place of the conversation ends for the client as it
// should: refused by the alert that the RFC names, or waiting where the server
// has fallen silent. What is done twice or left out without harm is let pass:
// application data, and the CertificateStatus that a server may leave out though
// it promised it (RFC 6066, section 8).
func TestEachFaultAtEachPlaceIsMetAsItShouldBe(t *testing.T) {
	usual := map[handshake.FaultKind]string{handshake.Stop: "waits", handshake.Omit: "unexpected_message", handshake.Repeat: "unexpected_message",
		handshake.Swap: "unexpected_message", handshake.SendAlert: "heard access_denied"}
	// Where keys were not changed, what is encrypted reads as any message at
	// all, or the beginning of one.
	const garbled = "unexpected_message or decode_error or illegal_parameter or waits"
	differs := map[string]string{
		"our ServerHello corrupt":               "protocol_version",
		"our ServerHello corrupt-record":        "decode_error",
		"our Certificate corrupt":               "decode_error",
		"our Certificate corrupt-record":        "heard handshake_failure", // the chain does not verify: no credential for such a server
		"our CertificateStatus omit":            "done",
		"our CertificateStatus corrupt":         "illegal_parameter",
		"our CertificateStatus corrupt-record":  "heard decrypt_error", // by Finished: nobody checks the response
		"our ServerKeyExchange corrupt":         "illegal_parameter",
		"our ServerKeyExchange corrupt-record":  "decrypt_error",
		"our CertificateRequest omit":           "heard unexpected_message", // the server waits for a certificate
		"our CertificateRequest corrupt":        "decode_error",
		"our CertificateRequest corrupt-record": "decode_error",
		"our ServerHelloDone omit":              "waits",
		"our ServerHelloDone swap":              "waits",
		"our ServerHelloDone corrupt":           "waits", // for a byte that its length announces
		"our ServerHelloDone corrupt-record":    "waits",
		"our NewSessionTicket corrupt":          "done", // a lifetime of more
		"our NewSessionTicket corrupt-record":   "decode_error",
		"our Finished omit":                     "unexpected_message",
		"our Finished corrupt":                  "decrypt_error",
		"our Finished corrupt-record":           "bad_record_mac",
		"our ChangeCipherSpec omit":             garbled,
		"our ChangeCipherSpec swap":             garbled,
		"our ChangeCipherSpec repeat":           "bad_record_mac", // the second is not encrypted
		"our ChangeCipherSpec corrupt":          "illegal_parameter",
		"our ChangeCipherSpec corrupt-record":   "illegal_parameter",
		"our ApplicationData stop":              "done",
		"our ApplicationData omit":              "done",
		"our ApplicationData repeat":            "done",
		"our ApplicationData swap":              "done",
		"our ApplicationData corrupt":           "done", // it is what the server said
		"our ApplicationData corrupt-record":    "bad_record_mac",
		"the peer's ApplicationData stop":       "done",
	}
	for _, place := range handshake.Places() {
		for _, kind := range handshake.FaultKinds() {
			fault := handshake.Fault{At: place, Kind: kind, Byte: 4, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertAccessDenied}}
			name := fmt.Sprintf("%v %v", place, kind)
			if _, err := fault.Tamper(); err != nil {
				if place.Dir == handshake.Out || kind == handshake.Stop || kind == handshake.SendAlert {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			want, ok := differs[name]
			if !ok {
				want = usual[kind]
			}
			if got := ends(faultyPair(t, fault)); !slices.Contains(strings.Split(want, " or "), got) {
				t.Errorf("%s: %s, expected %s", name, got, want)
			}
		}
	}
}

// Every alert, fatal or not, at every place: a fatal one is heard as it is, and
// a warning lets the handshake go on.
func TestEveryAlertIsHeardAtEveryPlace(t *testing.T) {
	for _, place := range handshake.Places() {
		for _, level := range []tlsmsg.AlertLevel{tlsmsg.LevelWarning, tlsmsg.LevelFatal} {
			for _, description := range []tlsmsg.AlertDescription{tlsmsg.AlertUnexpectedMessage, tlsmsg.AlertUserCanceled,
				tlsmsg.AlertNoRenegotiation, tlsmsg.AlertUnrecognizedName, 255} {
				fault := handshake.Fault{At: place, Kind: handshake.SendAlert, Alert: tlsmsg.Alert{Level: level, Description: description}}
				want := "done"
				if level == tlsmsg.LevelFatal {
					want = "heard " + description.String()
				}
				if got := ends(faultyPair(t, fault)); got != want {
					t.Errorf("%v %v at %v: %s, expected %s", level, description, place, got, want)
				}
			}
		}
	}
}

// The same in TLS 1.3, whose server sends other messages.
func TestEachFaultAtEachPlaceOfTLS13IsMetAsItShouldBe(t *testing.T) {
	usual := map[handshake.FaultKind]string{handshake.Stop: "waits", handshake.Omit: "unexpected_message", handshake.Repeat: "unexpected_message",
		handshake.Swap: "unexpected_message", handshake.SendAlert: "heard access_denied", handshake.CorruptRecord: "bad_record_mac"}
	differs := map[string]string{
		"our ServerHello corrupt":         "protocol_version",
		"our EncryptedExtensions corrupt": "decode_error",
		"our CertificateRequest omit":     "heard unexpected_message", // the server waits for a certificate
		"our CertificateRequest corrupt":  "decode_error",
		"our Certificate corrupt":         "decode_error",
		"our CertificateVerify corrupt":   "illegal_parameter", // a scheme that was not offered
		"our Finished omit":               "waits",             // as the server does, for the client's
		"our Finished swap":               "waits",
		"our Finished repeat":             "bad_record_mac", // it comes under the keys of the application data
		"our Finished corrupt":            "decrypt_error",
		"our NewSessionTicket stop":       "done", // the handshake is over
		"our NewSessionTicket omit":       "done",
		"our NewSessionTicket repeat":     "done",
		"our NewSessionTicket swap":       "done",
		"our NewSessionTicket corrupt":    "done", // a lifetime of more
	}
	for _, typ := range []tlsmsg.HandshakeType{tlsmsg.TypeServerHello, tlsmsg.TypeEncryptedExtensions, tlsmsg.TypeCertificateRequest, tlsmsg.TypeCertificate,
		tlsmsg.TypeCertificateVerify, tlsmsg.TypeFinished, tlsmsg.TypeNewSessionTicket} {
		for _, kind := range handshake.FaultKinds() {
			fault := handshake.Fault{At: handshake.Sending(typ), Kind: kind, Byte: 4, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertAccessDenied}}
			tamper, err := fault.Tamper()
			if err != nil {
				t.Fatal(err)
			}
			p := newPair(t, func(c *handshake.Config) { c.MaxVersion = tlsmsg.VersionTLS13 }, func(c *handshake.ServerConfig) {
				c.MaxVersion, c.ClientAuth, c.Tickets, c.Tamper = tlsmsg.VersionTLS13, handshake.ClientAuthRequest, true, tamper
			})
			p.sw.Sessions = newSessions()
			name := fmt.Sprintf("%v %v", fault.At, kind)
			want, ok := differs[name]
			if !ok {
				want = usual[kind]
			}
			if got := ends(p); !slices.Contains(strings.Split(want, " or "), got) {
				t.Errorf("%s: %s, expected %s", name, got, want)
			}
		}
	}
}
