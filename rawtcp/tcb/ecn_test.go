package tcb

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

func with(mode wire.ECNMode) func(*Config) { return func(c *Config) { c.ECN = mode } }

// The tables of RFC 9768, section 3.1.2 and 3.1.3, and of RFC 3168, section 6.1.1, from
// the side of the client: what it asks, what it hears, what is agreed, and what the ACK
// says.
func TestAClientAgreesToECN(t *testing.T) {
	for _, tc := range []struct {
		ask      wire.ECNMode
		syn, ack string // flags
		mode     wire.ECNMode
		says     string // the ACK
		capable  bool
	}{
		{wire.ECNNone, "SYN", "SYN-ACK", wire.ECNNone, "ACK", false},
		{wire.ECNNone, "SYN", "SYN-ACK-ECE", wire.ECNNone, "ACK", false},
		{wire.ECNNone, "SYN", "SYN-ACK-CWR", wire.ECNNone, "ACK", false},
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK", wire.ECNNone, "ACK", false},
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK-ECE", wire.ECNClassic, "ACK", true},
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK-ECE-AE", wire.ECNClassic, "ACK", true}, // of the nonce, RFC 3540
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK-ECE-CWR", wire.ECNNone, "ACK", false},  // reflected
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK-CWR", wire.ECNNone, "ACK", false},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK", wire.ECNNone, "ACK", false},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-ECE", wire.ECNClassic, "ACK", true},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR", wire.ECNAccurate, "ACK-CWR", true},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-ECE-AE", wire.ECNAccurate, "ACK-CWR", true},        // reserved
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-ECE-CWR", wire.ECNAccurate, "ACK-CWR", false},      // arrived as ECT(1)
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-AE", wire.ECNAccurate, "ACK-CWR", false},           // as ECT(0)
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR-AE", wire.ECNAccurate, "ACK-CWR", false},       // as CE
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-ECE-CWR-AE", wire.ECNNone, "ACK", false},           // reflected
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR ecn=CE", wire.ECNAccurate, "ACK-CWR-AE", true}, // how the SYN-ACK arrived
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR ecn=ECT(0)", wire.ECNAccurate, "ACK-AE", true},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR ecn=ECT(1)", wire.ECNAccurate, "ACK-ECE-CWR", true},
	} {
		t.Run(tc.ask.String()+"/"+tc.ack, func(t *testing.T) {
			k := start(t, with(tc.ask))
			k.c.Open(k.now)
			k.expect(tc.syn + " seq=0 ecn=no")
			k.send(tc.ack + " seq=0 ack=1 win=65535 mss=1000")
			k.expect(tc.says + " seq=1 ack=1 ecn=no")
			if r := k.c.ECN(); r.Mode != tc.mode || r.Capable != tc.capable {
				t.Errorf("%+v", r)
			}
			k.write("hello")
			want := map[bool]string{true: "ECT(0)", false: "no"}[tc.capable]
			flags := map[wire.ECNMode]string{wire.ECNAccurate: "PSH-ACK-ECE-AE"}[tc.mode] // 5
			if strings.Contains(tc.ack, "ecn=CE") {
				flags = "PSH-ACK-CWR-AE" // 6
			}
			if flags == "" {
				flags = "PSH-ACK"
			}
			k.expect(flags + ` ecn=` + want + ` "hello"`)
		})
	}
}

// The same from the side of the server.
func TestAServerAgreesToECN(t *testing.T) {
	for _, tc := range []struct {
		have     wire.ECNMode
		syn, ack string
		mode     wire.ECNMode
	}{
		{wire.ECNNone, "SYN-ECE-CWR-AE", "SYN-ACK", wire.ECNNone},
		{wire.ECNNone, "SYN-ECE-CWR", "SYN-ACK", wire.ECNNone},
		{wire.ECNClassic, "SYN", "SYN-ACK", wire.ECNNone},
		{wire.ECNClassic, "SYN-ECE", "SYN-ACK", wire.ECNNone},
		{wire.ECNClassic, "SYN-ECE-CWR", "SYN-ACK-ECE", wire.ECNClassic},
		{wire.ECNClassic, "SYN-ECE-CWR-AE", "SYN-ACK-ECE", wire.ECNClassic},
		{wire.ECNAccurate, "SYN", "SYN-ACK", wire.ECNNone},
		{wire.ECNAccurate, "SYN-ECE-CWR", "SYN-ACK-ECE", wire.ECNClassic},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE", "SYN-ACK-CWR", wire.ECNAccurate},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE ecn=ECT(1)", "SYN-ACK-ECE-CWR", wire.ECNAccurate},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE ecn=ECT(0)", "SYN-ACK-AE", wire.ECNAccurate},
		{wire.ECNAccurate, "SYN-ECE-CWR-AE ecn=CE", "SYN-ACK-CWR-AE", wire.ECNAccurate},
		{wire.ECNAccurate, "SYN-AE", "SYN-ACK-CWR", wire.ECNAccurate}, // means something newer
		{wire.ECNAccurate, "SYN-ECE", "SYN-ACK-CWR", wire.ECNAccurate},
		{wire.ECNAccurate, "SYN-CWR-AE", "SYN-ACK-CWR", wire.ECNAccurate},
	} {
		k := accepted(t, tc.syn+" seq=0 win=9000 mss=1000", with(tc.have))
		k.expect(tc.ack + " seq=0 ack=1 ecn=no")
		if r := k.c.ECN(); r.Mode != tc.mode {
			t.Errorf("%v, %s: %+v", tc.have, tc.syn, r)
		}
		k.send("ACK-CWR seq=1 ack=1 win=9000")
		k.state(Established)
	}
}

// What the ACK of a SYN-ACK says decides whether the server's data is ECN-capable (RFC
// 9768, table 4).
func TestAServerLearnsHowItsSYNACKArrived(t *testing.T) {
	for _, tc := range []struct {
		ack     string
		capable bool
		told    int
	}{
		{"ACK", false, 0}, {"ACK-ECE", true, 0}, {"ACK-CWR", true, 0}, {"ACK-ECE-CWR", false, 0},
		{"ACK-AE", false, 0}, {"ACK-ECE-AE", true, 0}, {"ACK-CWR-AE", false, 1}, {"ACK-ECE-CWR-AE", true, 0},
	} {
		k := accepted(t, "SYN-ECE-CWR-AE seq=0 win=9000 mss=1000", with(wire.ECNAccurate))
		k.expect("SYN-ACK-CWR seq=0 ack=1")
		k.send(tc.ack + " seq=1 ack=1 win=9000")
		if r := k.c.ECN(); r.Capable != tc.capable || r.Told != tc.told {
			t.Errorf("%s: %+v", tc.ack, r)
		}
	}
	// An ACK with data counts already.
	k := accepted(t, "SYN-ECE-CWR-AE seq=0 win=9000 mss=1000", with(wire.ECNAccurate))
	k.expect("SYN-ACK-CWR seq=0 ack=1")
	k.send(`ACK-ECE-CWR-AE seq=1 ack=1 win=9000 "hello"`)
	if r := k.c.ECN(); !r.Capable || r.Told != 2 {
		t.Errorf("%+v", r)
	}
}

// A SYN that is lost twice asks for nothing any more, since the flags may be why; an
// answer to an earlier one counts all the same; but who has sent a SYN without ECN must
// not use the classic kind (RFC 3168, section 6.1.1). A SYN-ACK falls back too, and then its
// host's data is never ECN-capable.//
// Requirements: SHLD-8
func TestSYNsFallBackToNoECN(t *testing.T) {
	for _, mode := range []wire.ECNMode{wire.ECNClassic, wire.ECNAccurate} {
		flags := map[wire.ECNMode]string{wire.ECNClassic: "-ECE-CWR", wire.ECNAccurate: "-ECE-CWR-AE"}[mode]
		answer := map[wire.ECNMode]string{wire.ECNClassic: "SYN-ACK-ECE", wire.ECNAccurate: "SYN-ACK-CWR"}[mode]
		k := start(t, with(mode))
		k.c.Open(k.now)
		for _, want := range []string{flags, flags, "", ""} {
			k.expect("SYN" + want + " seq=0")
			k.timeout()
		}
		k.expect("SYN seq=0")
		k.send(answer + " seq=0 ack=1 win=9000 mss=1000")
		if r := k.c.ECN(); r.Mode != mode || r.Capable != (mode == wire.ECNAccurate) {
			t.Errorf("%v: %+v", mode, r)
		}

		k = accepted(t, "SYN"+flags+" seq=0 win=9000 mss=1000", with(mode))
		k.expect(answer + " seq=0 ack=1")
		k.timeout()
		k.expect(answer + " seq=0 ack=1")
		k.timeout()
		k.expect("SYN-ACK seq=0 ack=1")
		k.send("ACK-CWR seq=1 ack=1 win=9000")
		if r := k.c.ECN(); r.Mode != mode || r.Capable {
			t.Errorf("%v: %+v", mode, r)
		}
		k.write("hello")
		if s := k.expect(map[wire.ECNMode]string{wire.ECNClassic: "PSH-ACK", wire.ECNAccurate: "PSH-ACK-ECE-AE"}[mode] + ` "hello"`); s.ECN != wire.NotECT {
			t.Errorf("%v: data leaves as %v", mode, s.ECN)
		}
	}
}

// Nothing but new data is ECN-capable: no SYN, ACK, window probe, keep-alive, FIN or RST,
// and nothing that is sent again.//
// Requirements: SHLD-8
func TestOnlyNewDataIsECNCapable(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, nil)
	k.write("hello")
	k.expect(`PSH-ACK-ECE-AE seq=1 ecn=ECT(0) "hello"`)
	k.timeout() // a tail-loss probe, or the RTO: both send again
	k.expect(`PSH-ACK-ECE-AE seq=1 ecn=no "hello"`)
	k.send("ACK-ECE-AE seq=1 ack=6 win=0")
	k.write("more")
	k.quiet()
	k.timeout()
	k.expect(`ACK-ECE-AE seq=6 ecn=no "m"`) // a window probe
	k.send("ACK-ECE-AE seq=1 ack=6 win=9000")
	k.expect(`PSH-ACK-ECE-AE seq=6 ecn=no "more"`)
	k.send("ACK-ECE-AE seq=1 ack=10 win=9000")
	k.send(`ACK-ECE-AE seq=1 ack=10 "x"`)
	k.expect("ACK-ECE-AE seq=10 ack=2 ecn=no")
	k.c.CloseWrite()
	k.expect("FIN-ACK-ECE-AE seq=10 ecn=no")
	k.c.Abort()
	k.expect("RST seq=11 ecn=no")
}

// agreed is a connection with ECN.
func agreed(t *testing.T, mode wire.ECNMode, edit func(*Config)) *talk {
	t.Helper()
	k := start(t, func(c *Config) {
		c.ECN = mode
		if edit != nil {
			edit(c)
		}
	})
	k.c.Open(k.now)
	answer, ack := "SYN-ACK-CWR", "ACK-CWR"
	syn := "SYN-ECE-CWR-AE"
	if mode == wire.ECNClassic {
		syn, answer, ack = "SYN-ECE-CWR", "SYN-ACK-ECE", "ACK"
	}
	k.expect(syn + " seq=0")
	k.send(answer + " seq=0 ack=1 win=65535 mss=1000")
	k.expect(ack + " seq=1 ack=1")
	return k
}

// A SYN that comes again with the other kind of ECN ends the handshake: nobody could know
// what is agreed on. One without ECN, or the same again, does not.
func TestASYNThatAsksForBothKindsOfECNIsReset(t *testing.T) {
	for _, tc := range []struct{ first, again string }{{"SYN-ECE-CWR-AE", "SYN-ECE-CWR"}, {"SYN-ECE-CWR", "SYN-ECE-CWR-AE"}} {
		for _, again := range []string{tc.first, "SYN", tc.again} {
			k := accepted(t, tc.first+" seq=0 win=9000 mss=1000", with(wire.ECNAccurate))
			mode := k.c.ECN().Mode
			var s wire.Segment
			k.c.Next(k.now, &s)
			k.send(again + " seq=0 win=9000 mss=1000")
			if again == tc.again {
				k.expect("RST seq=1")
				k.state(Closed)
				continue
			}
			k.state(SynReceived)
			if k.c.ECN().Mode != mode {
				t.Errorf("%s after %s: %+v", again, tc.first, k.c.ECN())
			}
		}
	}
}

// A SYN that comes again tells how it arrived this time; and if it asks for nothing, the
// client may have fallen back, so that our data is not ECN-capable (RFC 9768, section
// 3.1.5).
func TestASYNThatComesAgainCounts(t *testing.T) {
	k := accepted(t, "SYN-ECE-CWR-AE seq=0 win=9000 mss=1000 ecn=no", with(wire.ECNAccurate))
	k.drain()
	k.send("SYN-ECE-CWR-AE seq=0 win=9000 mss=1000 ecn=CE")
	k.drain()
	k.timeout()
	k.expect("SYN-ACK-CWR-AE seq=0")
	for _, again := range []string{"SYN seq=0", `SYN seq=0 "data"`} {
		k = accepted(t, "SYN-ECE-CWR-AE seq=0 win=9000 mss=1000", with(wire.ECNAccurate))
		k.drain()
		k.send(again + " win=9000 mss=1000")
		k.drain()
		k.send("ACK-CWR seq=1 ack=1 win=9000")
		k.write("hello")
		if s := k.expect(`PSH-ACK-ECE-AE "hello"`); s.ECN != wire.NotECT || k.c.ECN().Mode != wire.ECNAccurate {
			t.Errorf("%s: data leaves as %v, %+v", again, s.ECN, k.c.ECN())
		}
	}
}
