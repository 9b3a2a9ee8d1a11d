package handshake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Several alerts may stand in one record, and one may be spread over two: each is
// told, and the fatal one ends the connection (RFC 5246, section 6.2.1).
func TestAlertsAreToldHoweverRecordsDivideThem(t *testing.T) {
	for name, wire := range map[string]string{
		"one a record":     "\x15\x03\x03\x00\x02\x01\x70\x15\x03\x03\x00\x02\x02\x28",
		"two in a record":  "\x15\x03\x03\x00\x04\x01\x70\x02\x28",
		"one in two":       "\x15\x03\x03\x00\x02\x01\x70\x15\x03\x03\x00\x01\x02\x15\x03\x03\x00\x01\x28",
		"one and a half":   "\x15\x03\x03\x00\x03\x01\x70\x02\x15\x03\x03\x00\x01\x28",
		"byte after byte":  "\x15\x03\x03\x00\x01\x01\x15\x03\x03\x00\x01\x70\x15\x03\x03\x00\x01\x02\x15\x03\x03\x00\x01\x28",
		"and what follows": "\x15\x03\x03\x00\x06\x01\x70\x02\x28\x02\x50",
	} {
		f := newFake(t)
		var told []handshake.AlertEvent
		cfg := f.config()
		cfg.Events = func(e handshake.Event) {
			if a, ok := e.(handshake.AlertEvent); ok {
				told = append(told, a)
			}
		}
		m := f.meet(cfg)
		m.upTo("Certificate")
		m.feed([]byte(wire))
		var alert *handshake.AlertError
		if err := m.c.Err(); !errors.As(err, &alert) || alert.Alert.Description != tlsmsg.AlertHandshakeFailure {
			t.Errorf("%s: %v", name, err)
		}
		if len(told) != 2 || told[0].Description != tlsmsg.AlertUnrecognizedName || told[1].Description != tlsmsg.AlertHandshakeFailure {
			t.Errorf("%s: told of %v", name, told)
		}
	}
}

// What is less than a record's header is no record cut short where it could not
// have become one.
func TestOneByteOfAnotherProtocolIsNotTLS(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("ServerHello")
	m.feed([]byte("N"))
	m.c.TransportEOF()
	if err := m.c.Err(); !errors.Is(err, handshake.ErrNotTLS) || !strings.Contains(err.Error(), `"N"`) {
		t.Errorf("%v, want that it is no TLS", err)
	}
}
