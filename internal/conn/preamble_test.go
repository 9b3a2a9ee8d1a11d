package conn_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// precededTalk opens a connection on which a protocol precedes TLS.
func precededTalk(t *testing.T, tls *handshake.Client, c starttls.Config) *talk {
	t.Helper()
	p, err := starttls.NewProfile(c)
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{s: conn.New(tcb.New(tcb.Config{LocalPort: 1, RemotePort: 2, ISS: 100, MSS: 1460}), tls)}
	k.s.Precede(starttls.NewMachine(p, starttls.Identity{ServerName: "host.test", Host: "host.test", Port: 443}))
	k.s.Open(k.now)
	k.move()
	return k
}

// answers plays a server: each line of the client's and what it answers.
func (k *talk) answers(t *testing.T, greeting string, turns ...string) {
	t.Helper()
	if greeting != "" {
		k.say(greeting)
	}
	for i := 0; i < len(turns); i += 2 {
		if got := string(k.heard()); got != turns[i] {
			t.Fatalf("the peer heard %q, want %q (%v)", got, turns[i], k.s.Err())
		}
		k.say(turns[i+1])
	}
}

func (k *talk) helloHeard() bool {
	rec, _, err := tlsmsg.NextRecord(k.heard())
	return err == nil && rec.Type == tlsmsg.ContentHandshake && rec.Fragment[0] == byte(tlsmsg.TypeClientHello)
}

func TestTLSBeginsBehindSTARTTLS(t *testing.T) {
	k := precededTalk(t, newClient(), starttls.Config{Protocol: "smtp"})
	k.answers(t, "220 hello\r\n", "EHLO [127.0.0.1]\r\n", "250-x\r\n250 STARTTLS\r\n")
	if !k.s.Preceding() {
		t.Error("the preamble is over before the server agrees")
	}
	k.answers(t, "", "STARTTLS\r\n", "220 go\r\n")
	if k.s.Preceding() || k.s.Err() != nil || !k.helloHeard() {
		t.Errorf("preceding %v, error %v, or no ClientHello", k.s.Preceding(), k.s.Err())
	}
	k.say("\x15\x03\x03\x00\x02\x02\x28")
	if err := k.s.Err(); !errors.As(err, new(*handshake.AlertError)) {
		t.Errorf("error %v, want the server's alert", err)
	}
}

func TestPlaintextBehindTheAgreementEndsTheConnection(t *testing.T) {
	k := precededTalk(t, newClient(), starttls.Config{Protocol: "pop3"})
	k.answers(t, "+OK\r\n", "CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n", "STLS\r\n", "+OK go\r\n\x16\x03\x03\x00\x00")
	var e *starttls.Error
	if !errors.As(k.s.Err(), &e) || e.Kind != starttls.Injected {
		t.Errorf("error %v, want injected plaintext", k.s.Err())
	}
	if got := k.heard(); len(got) > 0 || !k.peer.EOF() {
		t.Errorf("the peer heard %q, end %v", got, k.peer.EOF())
	}
}

// What comes behind the agreement in a segment of its own is TLS's to judge.
func TestAnErrorBehindTheAgreementIsNotTLS(t *testing.T) {
	k := precededTalk(t, newClient(), starttls.Config{Protocol: "pop3"})
	k.answers(t, "+OK\r\n", "CAPA\r\n", "+OK\r\nSTLS\r\n.\r\n", "STLS\r\n", "+OK go\r\n")
	k.say("-ERR no certificate\r\n")
	if err := k.s.Err(); !errors.Is(err, handshake.ErrNotTLS) {
		t.Errorf("error %v, want ErrNotTLS", err)
	}
}

func TestARefusalEndsTheConnectionInGoodOrder(t *testing.T) {
	k := precededTalk(t, newClient(), starttls.Config{Protocol: "postgres"})
	k.answers(t, "", "\x00\x00\x00\x08\x04\xd2\x16\x2f", "N")
	var e *starttls.Error
	if !errors.As(k.s.Err(), &e) || e.Kind != starttls.NotOffered || !k.peer.EOF() {
		t.Errorf("error %v, end %v", k.s.Err(), k.peer.EOF())
	}
}

func TestTheEndOfAConnectionInAPreambleSaysAfterWhat(t *testing.T) {
	for _, end := range []func(*tcb.Conn){(*tcb.Conn).CloseWrite, (*tcb.Conn).Abort} {
		k := precededTalk(t, newClient(), starttls.Config{Protocol: "smtp"})
		k.answers(t, "220 hello\r\n")
		end(k.peer)
		k.move()
		if err := k.s.Err(); err == nil || !strings.Contains(err.Error(), "EHLO") {
			t.Errorf("error %v, want one that names EHLO", err)
		}
	}
}

func TestNothingWasSaidWhereTheSYNIsRefused(t *testing.T) {
	p, err := starttls.NewProfile(starttls.Config{Protocol: "irc"}) // the client speaks first
	if err != nil {
		t.Fatal(err)
	}
	s := conn.New(tcb.New(tcb.Config{LocalPort: 1, RemotePort: 2, ISS: 100, MSS: 1460}), newClient())
	s.Precede(starttls.NewMachine(p, starttls.Identity{Events: func(e starttls.Event) { t.Errorf("%+v was said", e) }}))
	s.Open(0)
	var syn wire.Segment
	s.Next(0, &syn)
	s.Receive(0, &wire.Segment{SrcPort: 2, DstPort: 1, Flags: wire.RST | wire.ACK, Ack: 101})
	if err := s.Err(); err == nil || strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("error %v, want one that names nothing of ours", err)
	}
}

// Behind a proxy the server may speak first, and what it says is TLS's to judge.
func TestWhatStandsBehindAProxysAgreementIsTheServers(t *testing.T) {
	k := precededTalk(t, newClient(), starttls.Config{Header: 1, Proxy: &starttls.Proxy{}})
	k.answers(t, "", "PROXY UNKNOWN\r\nCONNECT host.test:443 HTTP/1.1\r\nHost: host.test:443\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n")
	if err := k.s.Err(); !errors.Is(err, handshake.ErrNotTLS) || !strings.Contains(err.Error(), "SSH-2.0-x") {
		t.Errorf("error %v, want ErrNotTLS with the banner", err)
	}
}

// A driver that keeps no client while the peer is silent writes the ClientHello
// itself, once the preamble is over.
func TestAClientCanBeMadeBehindAPreamble(t *testing.T) {
	k := precededTalk(t, nil, starttls.Config{Protocol: "postgres"})
	k.answers(t, "", "\x00\x00\x00\x08\x04\xd2\x16\x2f", "S")
	if k.s.Preceding() || k.s.Err() != nil {
		t.Fatalf("preceding %v, error %v", k.s.Preceding(), k.s.Err())
	}
	first := newClient()
	first.Start()
	k.s.Write(first.Next())
	k.move()
	if !k.helloHeard() {
		t.Fatal("no ClientHello")
	}
	k.say("\x15\x03\x03\x00\x02\x02\x28")
	k.s.Adopt(newClient())
	k.move()
	if err := k.s.Err(); !errors.As(err, new(*handshake.AlertError)) {
		t.Errorf("error %v, want the server's alert", err)
	}
}
