package handshake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// begun is a client that has said its ClientHello, and what it tells.
func begun(events func(handshake.Event)) *handshake.Client {
	c := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: "a.example", Events: events})
	c.Start()
	c.Next()
	return c
}

func record(typ tlsmsg.ContentType, content ...byte) []byte {
	return append([]byte{byte(typ), 3, 3, byte(len(content) >> 8), byte(len(content))}, content...)
}

// What a server chose stands in the state also where the choice is refused, or
// what follows it does not decode.
func TestARefusedServerHelloIsToldOf(t *testing.T) {
	hello := func(version, suite uint16, after ...byte) []byte {
		body := append([]byte{byte(version >> 8), byte(version)}, make([]byte, 32)...)
		body = append(body, 0, byte(suite>>8), byte(suite), 0)
		body = append(body, after...)
		return record(tlsmsg.ContentHandshake, append([]byte{2, 0, 0, byte(len(body))}, body...)...)
	}
	for name, tc := range map[string]struct {
		bytes   []byte
		version tlsmsg.Version
		suite   tlsmsg.CipherSuite
	}{
		"suite not offered":   {hello(0x0303, 0x0005), tlsmsg.VersionTLS12, 0x0005},
		"suite nobody knows":  {hello(0x0303, 0x7A7A), tlsmsg.VersionTLS12, 0x7A7A},
		"version too low":     {hello(0x0300, 0xC02F), 0x0300, 0xC02F},
		"version too high":    {hello(0x0304, 0x1301), tlsmsg.VersionTLS13, 0x1301},
		"extensions cut":      {hello(0x0303, 0xC02F, 0, 9, 0, 0), tlsmsg.VersionTLS12, 0xC02F},
		"suite zero":          {hello(0x0303, 0x0000), tlsmsg.VersionTLS12, 0},
		"zero, and cut":       {hello(0x0303, 0x0000, 0, 9, 0, 0), tlsmsg.VersionTLS12, 0},
		"extension not asked": {hello(0x0303, 0xC02F, 0, 4, 0x7A, 0x7A, 0, 0), tlsmsg.VersionTLS12, 0xC02F},
	} {
		var told handshake.ChosenEvent
		c := begun(func(e handshake.Event) {
			if e, ok := e.(handshake.ChosenEvent); ok {
				told = e
			}
		})
		c.Receive(tc.bytes)
		s := c.State()
		if !errors.Is(c.Err(), handshake.ErrProtocol) || c.Stage() != handshake.StageHelloSent {
			t.Errorf("%s: %v, %v", name, c.Err(), c.Stage())
		}
		if s.Version != tc.version || s.CipherSuite != tc.suite || told.Version != tc.version || told.CipherSuite != tc.suite {
			t.Errorf("%s: %v with %v, told %+v", name, s.Version, s.CipherSuite, told)
		}
		if s.NoSuite || told.NoSuite {
			t.Errorf("%s: the suite is said not to be there", name)
		}
	}
	whole := hello(0x0303, 0x0000)[5:]
	for n := 6; n < len(whole); n++ {
		cut := append([]byte{2, 0, 0, byte(n - 4)}, whole[4:n]...)
		c := begun(nil)
		c.Receive(record(tlsmsg.ContentHandshake, cut...))
		if s, there := c.State(), n >= 4+2+32+1+2; s.NoSuite == there {
			t.Errorf("a ServerHello of %d bytes: no suite %v, want %v", n, s.NoSuite, !there)
		}
	}
	long := hello(0x0303, 0xC02F)
	long[5+4+2+32] = 33 // a session ID that is too long: what follows it has no place
	c := begun(nil)
	c.Receive(long)
	if !c.State().NoSuite {
		t.Error("a suite is read behind a session ID that cannot be")
	}
}

// A warning before the end is told with it.
func TestAWarningBeforeTheEndIsToldOf(t *testing.T) {
	for name, end := range map[string]func(*handshake.Client){
		"close_notify": func(c *handshake.Client) { c.Receive(record(tlsmsg.ContentAlert, 1, 0)) },
		"stream":       (*handshake.Client).TransportEOF,
	} {
		c := begun(nil)
		c.Receive(record(tlsmsg.ContentAlert, 1, byte(tlsmsg.AlertHandshakeFailure)))
		end(c)
		var closed *handshake.ClosedError
		if !errors.As(c.Err(), &closed) || closed.Warning.Description != tlsmsg.AlertHandshakeFailure ||
			c.State().Warning != closed.Warning || !strings.Contains(closed.Error(), "handshake_failure") {
			t.Errorf("%s: %v", name, c.Err())
		}
	}
}

// A server that insists on renegotiating is not said to share no suite with us.
func TestAnEndAfterARefusedRenegotiationSaysSo(t *testing.T) {
	f := newFake(t)
	m := f.meet(f.config())
	m.upTo("")
	m.feed(f.record(tlsmsg.ContentHandshake, []byte{0, 0, 0, 0}))
	m.feed(f.record(tlsmsg.ContentAlert, []byte{2, byte(tlsmsg.AlertHandshakeFailure)}))
	var alert *handshake.AlertError
	if !errors.As(m.c.Err(), &alert) || !alert.Renegotiation || !strings.Contains(alert.Error(), "renegotiate") {
		t.Errorf("%v", m.c.Err())
	}
}
