package conn_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// talk is a connection and the TCP of its peer, with nothing between them.
type talk struct {
	now  tcb.Instant
	s    *conn.Conn
	peer *tcb.Conn
	sent []wire.Flags // of our segments, in order
}

// begin opens a connection; tls is the client above it, or nil.
func begin(t *testing.T, tls *handshake.Client) *talk {
	t.Helper()
	k := &talk{s: conn.New(tcb.New(tcb.Config{LocalPort: 1, RemotePort: 2, ISS: 100, MSS: 1460}), tls)}
	k.s.Open(k.now)
	k.move()
	if k.s.State() != tcb.Established {
		t.Fatalf("state %v, want ESTABLISHED", k.s.State())
	}
	return k
}

// move carries segments both ways until neither side has more.
func (k *talk) move() {
	var seg wire.Segment
	for moved := true; moved; {
		moved = false
		for k.s.Next(k.now, &seg) {
			k.sent = append(k.sent, seg.Flags)
			moved = true
			seg.Payload = append([]byte(nil), seg.Payload...)
			if k.peer == nil {
				k.peer = tcb.Accept(tcb.Config{LocalPort: 2, RemotePort: 1, ISS: 500, MSS: 1460}, k.now, &seg)
				continue
			}
			k.peer.Receive(k.now, &seg)
		}
		for k.peer.Next(k.now, &seg) {
			moved = true
			seg.Payload = append([]byte(nil), seg.Payload...)
			k.s.Receive(k.now, &seg)
		}
	}
}

// say lets the peer send bytes.
func (k *talk) say(text string) {
	k.peer.Write([]byte(text))
	k.move()
}

// heard takes what the peer has received.
func (k *talk) heard() []byte {
	b := append([]byte(nil), k.peer.Peek()...)
	k.peer.Discard(len(b))
	return b
}

func newClient() *handshake.Client {
	return handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: "host.test"})
}

func TestClientHelloFollowsTheBareACKAtOnce(t *testing.T) {
	k := begin(t, newClient())
	want := []wire.Flags{wire.SYN, wire.ACK, wire.PSH | wire.ACK}
	if len(k.sent) != 3 || k.sent[1] != want[1] || k.sent[2] != want[2] {
		t.Fatalf("sent %v, want %v", k.sent, want)
	}
	rec, _, err := tlsmsg.NextRecord(k.heard())
	if err != nil || rec.Type != tlsmsg.ContentHandshake || rec.Fragment[0] != byte(tlsmsg.TypeClientHello) {
		t.Errorf("the peer heard %+v, %v, want a ClientHello", rec, err)
	}
}

func TestWithoutTLSTheStreamIsTCPs(t *testing.T) {
	k := begin(t, nil)
	k.say("hello")
	if got := string(k.s.Peek()); got != "hello" {
		t.Errorf("read %q", got)
	}
	k.s.Discard(5)
	k.s.Write([]byte("hi"))
	k.move()
	if got := string(k.heard()); got != "hi" {
		t.Errorf("the peer read %q", got)
	}
	k.s.CloseWrite()
	k.peer.CloseWrite()
	k.move()
	if !k.s.EOF() || k.s.Err() != nil || k.s.State() != tcb.TimeWait && k.s.State() != tcb.Closed {
		t.Errorf("EOF %v, state %v, error %v", k.s.EOF(), k.s.State(), k.s.Err())
	}
}

func TestAPeerWithoutTLSEndsTheConnectionInGoodOrder(t *testing.T) {
	k := begin(t, newClient())
	k.say("HTTP/1.1 400 Bad Request\r\n")
	if err := k.s.Err(); !errors.Is(err, handshake.ErrNotTLS) || !strings.Contains(err.Error(), "HTTP/1.1 400") {
		t.Errorf("error %v, want ErrNotTLS with the first bytes", err)
	}
	k.heard()
	if !k.peer.EOF() {
		t.Error("our FIN did not reach the peer")
	}
}

func TestAResetSaysAfterWhichMessage(t *testing.T) {
	k := begin(t, newClient())
	k.peer.Abort()
	k.move()
	err := k.s.Err()
	if !errors.Is(err, tcb.ErrReset) || !strings.Contains(err.Error(), "ClientHello") {
		t.Errorf("error %v, want ErrReset after our ClientHello", err)
	}
}

func TestAnEarlyFINIsAProtocolFailure(t *testing.T) {
	k := begin(t, newClient())
	k.peer.CloseWrite()
	k.move()
	if err := k.s.Err(); !errors.Is(err, handshake.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}

func TestStoppingEarlySaysGoodbye(t *testing.T) {
	k := begin(t, newClient())
	k.heard()
	k.s.CloseWrite()
	k.move()
	rec, _, err := tlsmsg.NextRecord(k.heard())
	if err != nil || rec.Type != tlsmsg.ContentAlert || rec.Fragment[1] != byte(tlsmsg.AlertUserCanceled) {
		t.Errorf("the peer heard %+v, %v, want user_canceled", rec, err)
	}
	if !k.peer.EOF() {
		t.Error("our FIN did not reach the peer")
	}
}

// A client that is made only when the peer has answered continues like one that
// was there from the beginning.
func TestAClientCanBeMadeWhenThePeerHasAnswered(t *testing.T) {
	alert := "\x15\x03\x03\x00\x02\x02\x28" // fatal handshake_failure
	for _, answer := range []string{alert, "HTTP/1.1 400 Bad Request\r\n", ""} {
		early, late := begin(t, newClient()), begin(t, nil)
		first := newClient()
		first.Start()
		late.s.Write(first.Next())
		late.move()
		hello := string(early.heard())
		if got := string(late.heard()); got != hello {
			t.Fatalf("sent % x, want % x", got, hello)
		}
		for _, k := range []*talk{early, late} {
			if k.say(answer); answer == "" {
				k.peer.Abort()
				k.move()
			}
		}
		late.s.Adopt(newClient())
		late.move()
		if got, want := late.s.Err(), early.s.Err(); got == nil || want == nil || got.Error() != want.Error() {
			t.Errorf("after %q: %v, want %v", answer, got, want)
		}
		if got, want := string(late.heard()), string(early.heard()); got != want || late.peer.EOF() != early.peer.EOF() {
			t.Errorf("after %q: sent % x, want % x", answer, got, want)
		}
	}
}
