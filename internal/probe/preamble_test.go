package probe

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func preambleOf(t *testing.T, protocol string) *starttls.Profile {
	t.Helper()
	p, err := starttls.NewProfile(starttls.Config{Protocol: protocol, Keep: true})
	check(t, err)
	return p
}

// However many hosts are asked for TLS in another protocol, there are only as many
// machines for that as connections at a time, and what a host refuses is its result.
func TestMachinesOfWhatPrecedesTLSAreUsedAgain(t *testing.T) {
	const inFlight = 512
	o := fakeOptions(t, 1024)
	all := int(o.Space.Len())
	o.Goal, o.MaxInFlight, o.Preamble = GoalHello, inFlight, preambleOf(t, "postgres")
	l := fakeLoop(t, o, &fakeNet{flight: []byte("N")})
	for l.stats.Results < uint64(all) {
		l.now = l.instant()
		check(t, l.turn())
	}
	cs := &l.connections
	if n := l.stats.Outcomes[outcomeIndex("preamble")]; int(n) != all {
		t.Errorf("%d of %d have the outcome: %+v", n, all, l.stats)
	}
	if n := len(cs.talks) + cs.inUse(); n > 2*inFlight {
		t.Errorf("%d machines for %d connections at a time", n, inFlight)
	}
}

// Without the option there is none.
func TestWithoutAPreambleThereAreNoMachines(t *testing.T) {
	o := fakeOptions(t, 256)
	o.Goal = GoalHello
	all := int(o.Space.Len())
	l := fakeLoop(t, o, &fakeNet{flight: []byte("220 hello\r\n")})
	for l.stats.Results < uint64(all) {
		l.now = l.instant()
		check(t, l.turn())
	}
	if l.connections.talks != nil || int(l.stats.Outcomes[outcomeIndex("not_tls")]) != all {
		t.Errorf("%d machines, %+v", len(l.connections.talks), l.stats)
	}
}

// With --until tcp nothing is said.
func TestWithTheGoalOfTCPNothingPrecedes(t *testing.T) {
	o := fakeOptions(t, 256)
	o.Goal, o.Preamble = GoalTCP, preambleOf(t, "postgres")
	all := int(o.Space.Len())
	f := &fakeNet{flight: []byte("N")}
	l := fakeLoop(t, o, f)
	for l.stats.Results < uint64(all) {
		l.now = l.instant()
		check(t, l.turn())
	}
	if int(l.stats.Outcomes[outcomeIndex("open")]) != all || f.sent > 3*all {
		t.Errorf("%d packets, %+v", f.sent, l.stats)
	}
}

// smtpHost is a host that answers what it hears in SMTP; a nil answer ends the
// connection by a FIN, and after the last it is silent.
func smtpHost(answers ...[]byte) func(*wire.Segment) []wire.Segment {
	var said int // octets
	return func(s *wire.Segment) []wire.Segment {
		switch {
		case s.Flags == wire.SYN:
			return []wire.Segment{synAck(s)}
		case s.Flags.Has(wire.RST), len(s.Payload) == 0 && said > 0, len(answers) == 0:
			return nil
		}
		a := wire.Segment{Flags: wire.PSH | wire.ACK, Seq: wire.Seq(1001).Add(said), Ack: s.End(), Window: 8192, Payload: answers[0]}
		if answers[0] == nil {
			a.Flags = wire.FIN | wire.ACK
		}
		said += len(answers[0])
		answers = answers[1:]
		return []wire.Segment{a}
	}
}

// What a host says before TLS is in its result, and so is how it does not come to
// TLS, in the words of connect.
func TestResultsSayHowWhatPrecedesTLSFailed(t *testing.T) {
	say := func(list ...string) (b [][]byte) {
		for _, s := range list {
			b = append(b, []byte(s))
		}
		return b
	}
	for _, tc := range []struct {
		answers                       [][]byte
		outcome, class, code, waiting string
	}{
		{say("220 x\r\n", "250 SIZE\r\n"), "preamble", "not_offered", "starttls_not_offered", ""},
		{say("220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "454 no\r\n"), "preamble", "refused", "starttls_refused", ""},
		{say("220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n250 more\r\n"), "preamble", "injected_plaintext", "injected_plaintext", ""},
		{say("220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "454 no\r\n"), "not_tls", "", "starttls_then_plaintext", ""},
		{append(say("220 x\r\n"), nil), "preamble", "closed_early", "starttls_closed_early", ""},
		{say("HTTP/1.1 400\r\n"), "preamble", "unexpected_reply", "starttls_unexpected_reply", ""},
		{say("220 x\r\n"), "timeout", "", "starttls_silent", "the answer of the SMTP server to EHLO"},
		{say(), "timeout", "", "starttls_silent", "the greeting of the SMTP server"},
		{say("220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n"), "timeout", "", "not_acknowledged", "ClientHello"},
	} {
		o := oneTarget(t)
		o.Goal, o.Preamble = GoalHello, preambleOf(t, "smtp")
		r, _ := probeOne(t, o, smtpHost(tc.answers...))
		if r.Outcome != tc.outcome || r.Class != tc.class || len(r.Reasons) == 0 || r.Reasons[0].Code != tc.code || !strings.Contains(r.Error, tc.waiting) {
			t.Errorf("%q: %+v, want %s, %s, %s", tc.answers, r, tc.outcome, tc.class, tc.code)
		}
		if len(tc.answers) > 0 && tc.answers[0] != nil && (len(r.Preamble) == 0 || r.Preamble[0]+"\r\n" != string(tc.answers[0])) {
			t.Errorf("%q: the result has %q", tc.answers, r.Preamble)
		}
	}
}
