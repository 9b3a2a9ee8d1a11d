package handshake_test

import (
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// tampering changes the messages of one type.
func tampering(typ tlsmsg.HandshakeType, change func(handshake.Outgoing) []handshake.Outgoing) func(*handshake.ServerConfig) {
	return func(c *handshake.ServerConfig) {
		c.Tamper = &handshake.Tamper{Messages: func(due handshake.Outgoing) []handshake.Outgoing {
			if t, ok := due.HandshakeType(); ok && t == typ {
				return change(due)
			}
			return []handshake.Outgoing{due}
		}}
	}
}

// The record's MAC is right and verify_data is not: the client says
// decrypt_error (RFC 5246, section 7.2.2), and the server hears it.
func TestAServersBadFinishedIsAnsweredByDecryptError(t *testing.T) {
	p := newPair(t, nil, tampering(tlsmsg.TypeFinished, func(o handshake.Outgoing) []handshake.Outgoing {
		bad := append([]byte(nil), o.Data...)
		bad[len(bad)-1] ^= 1
		return []handshake.Outgoing{{Content: o.Content, Data: bad}}
	}))
	p.shake()
	var mine *handshake.ProtocolError
	if !errors.As(p.c.Err(), &mine) || mine.Alert != tlsmsg.AlertDecryptError || mine.Where != "Finished.verify_data" {
		t.Errorf("client: %v", p.c.Err())
	}
	var heard *handshake.AlertError
	if !errors.As(p.s.Err(), &heard) || heard.Alert != (tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertDecryptError}) {
		t.Errorf("server: %v", p.s.Err())
	}
}

// A server stops, repeats, reorders, corrupts and sends alerts as it is told.
func TestATamperedServerDoesWrongAsItIsTold(t *testing.T) {
	same := func(o handshake.Outgoing) []handshake.Outgoing { return []handshake.Outgoing{o} }
	var held []handshake.Outgoing
	alert := handshake.Outgoing{Content: tlsmsg.ContentAlert, Data: []byte{2, byte(tlsmsg.AlertInternalError)}}
	for _, tc := range []struct {
		name   string
		server func(*handshake.ServerConfig)
		ends   func(error) bool
	}{
		{"nothing", tampering(tlsmsg.TypeFinished, same), func(err error) bool { return err == nil }},
		{"left out", tampering(tlsmsg.TypeServerKeyExchange, func(handshake.Outgoing) []handshake.Outgoing { return nil }), refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"repeated", tampering(tlsmsg.TypeCertificate, func(o handshake.Outgoing) []handshake.Outgoing {
			return []handshake.Outgoing{o, o}
		}), refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"an alert instead", tampering(tlsmsg.TypeServerHelloDone, func(handshake.Outgoing) []handshake.Outgoing {
			return []handshake.Outgoing{alert}
		}), func(err error) bool { return errors.Is(err, handshake.ErrAlertReceived) }},
		{"reordered", func(c *handshake.ServerConfig) {
			c.Tamper = &handshake.Tamper{Messages: func(o handshake.Outgoing) []handshake.Outgoing {
				if t, _ := o.HandshakeType(); t == tlsmsg.TypeCertificate {
					held = []handshake.Outgoing{{Content: o.Content, Data: append([]byte(nil), o.Data...)}}
					return nil
				}
				out := append([]handshake.Outgoing{o}, held...)
				held = nil
				if t, _ := o.HandshakeType(); t == tlsmsg.TypeServerHello {
					return out[:1]
				}
				return out
			}}
		}, refusedBy(tlsmsg.AlertUnexpectedMessage)},
		{"corrupted on the wire", func(c *handshake.ServerConfig) {
			n := 0
			c.Tamper = &handshake.Tamper{Record: func(wire []byte) []byte {
				if n++; n == 6 { // Finished: its tag
					wire[len(wire)-1] ^= 1
				}
				return wire
			}}
		}, refusedBy(tlsmsg.AlertBadRecordMAC)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPair(t, nil, tc.server)
			p.shake()
			if !tc.ends(p.c.Err()) {
				t.Errorf("client: %v", p.c.Err())
			}
		})
	}
}

func refusedBy(alert tlsmsg.AlertDescription) func(error) bool {
	return func(err error) bool {
		var e *handshake.ProtocolError
		return errors.As(err, &e) && e.Alert == alert
	}
}
