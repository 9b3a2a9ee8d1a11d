package tcb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Every conversation crosses the wrap of both sequence spaces.
const (
	testISS = wire.Seq(0xfffffffd)
	testIRS = wire.Seq(0xfffffff9)
)

// A talk is one connection and the peer that a test plays, in virtual time.
//
// Segments are written as people say them: flags, then fields with relative
// sequence numbers, then the payload in quotes or its length.
//
//	SYN-ACK seq=0 ack=1 win=65535 mss=1460 ws=7 sackok ts=9,1
//	PSH-ACK seq=1 ack=1 "hello"
//	ACK seq=1 ack=1 sack=10-20,30-40 len=100
type talk struct {
	t   *testing.T
	c   *Conn
	now Instant
	log []string // names of the events
}

// plain offers no options beside MSS, so that segments are easy to size.
func plain() []wire.Option { return []wire.Option{{Kind: wire.OptMSS}} }

// start makes a connection that is still CLOSED.
func start(t *testing.T, edit func(*Config)) *talk {
	k := &talk{t: t, now: Instant(time.Hour)}
	cfg := Config{LocalPort: 40000, RemotePort: 443, ISS: testISS, MSS: 1000, SYNOptions: plain(), AckDelay: -1}
	cfg.Events = func(e Event) {
		k.log = append(k.log, e.Name())
		if e.String() == "" {
			t.Errorf("%T says nothing", e)
		}
	}
	if edit != nil {
		edit(&cfg)
	}
	k.c = New(cfg)
	return k
}

// established makes a connection that is open, with a window of 65535.
func established(t *testing.T, edit func(*Config)) *talk {
	k := start(t, edit)
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.send("SYN-ACK seq=0 ack=1 win=65535 mss=1000")
	k.expect("ACK seq=1 ack=1")
	k.state(Established)
	return k
}

func (k *talk) after(d time.Duration) {
	k.t.Helper()
	end := k.now.Add(d)
	for {
		at, ok := k.c.Deadline()
		if !ok || end.Before(at) {
			break
		}
		k.quiet()
		k.now = max(at, k.now)
		k.c.Advance(k.now)
		if next, ok := k.c.Deadline(); ok && next <= at && !k.pending() {
			k.t.Fatalf("Advance left a deadline in the past")
		}
		if at == end || k.pending() {
			break
		}
	}
	if !k.pending() {
		k.now = max(k.now, end)
	} else if k.now != end {
		k.t.Fatalf("a segment is due %v before the end of the wait", end.Sub(k.now))
	}
}

// timeout lets the next deadline pass, and returns how long that took.
func (k *talk) timeout() time.Duration {
	k.t.Helper()
	at, ok := k.c.Deadline()
	if !ok {
		k.t.Fatal("nothing is waited for")
	}
	wait := at.Sub(k.now)
	k.now = max(k.now, at)
	k.c.Advance(k.now)
	return wait
}

// pending reports whether a segment is due, without taking it.
func (k *talk) pending() bool {
	c, cfg := *k.c, *k.c.cfg
	cfg.Events = nil
	c.cfg = &cfg
	c.snd.loss.board.segs = slices.Clone(c.snd.loss.board.segs)
	var s wire.Segment
	return c.Next(k.now, &s)
}

// send plays a segment of the peer's.
func (k *talk) send(line string) {
	k.t.Helper()
	s := k.parse(line, testIRS, testISS)
	k.c.Receive(k.now, &s)
}

// expect takes the next segment, which must be as the line says. Fields that
// the line leaves out are not looked at; flags and payload always are.
func (k *talk) expect(line string) wire.Segment {
	k.t.Helper()
	var got wire.Segment
	if !k.c.Next(k.now, &got) {
		k.t.Fatalf("expected %s, and nothing is due", line)
	}
	want := k.parse(line, testISS, testIRS)
	if diff := differs(line, &got, &want); diff != "" {
		k.t.Fatalf("expected %s\n     got %s (%s)", line, show(&got, testISS, testIRS), diff)
	}
	if got.SrcPort != 40000 || got.DstPort != 443 {
		k.t.Fatalf("ports %d to %d", got.SrcPort, got.DstPort)
	}
	got.Payload = append([]byte(nil), got.Payload...)
	return got
}

// quiet fails if a segment is due.
func (k *talk) quiet() {
	k.t.Helper()
	var s wire.Segment
	if k.c.Next(k.now, &s) {
		k.t.Fatalf("expected nothing, got %s", show(&s, testISS, testIRS))
	}
}

func (k *talk) write(p string) {
	k.t.Helper()
	if n := k.c.Write([]byte(p)); n != len(p) {
		k.t.Fatalf("Write took %d of %d octets", n, len(p))
	}
}

// read takes everything that is readable, which must be want.
func (k *talk) read(want string) {
	k.t.Helper()
	if got := string(k.c.Peek()); got != want {
		k.t.Fatalf("read %q, want %q", got, want)
	}
	k.c.Discard(len(want))
}

func (k *talk) state(want State) {
	k.t.Helper()
	if k.c.State() != want {
		k.t.Fatalf("state %v, want %v (err %v)", k.c.State(), want, k.c.Err())
	}
}

// said fails unless the last events include one of that name since the last call.
func (k *talk) said(name string) {
	k.t.Helper()
	for _, e := range k.log {
		if e == name {
			k.log = nil
			return
		}
	}
	k.t.Fatalf("no event %s among %v", name, k.log)
}

func (k *talk) parse(line string, seq, ack wire.Seq) wire.Segment {
	k.t.Helper()
	s := wire.Segment{SrcPort: 443, DstPort: 40000, Window: 65535}
	head, quoted, _ := strings.Cut(line, ` "`)
	words := strings.Fields(head)
	for _, f := range strings.Split(words[0], "-") {
		for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"} {
			if f == name {
				s.Flags |= 1 << i
			}
		}
	}
	for _, w := range words[1:] {
		key, val, _ := strings.Cut(w, "=")
		n, _ := strconv.ParseInt(val, 0, 64)
		switch key {
		case "seq":
			s.Seq = seq.Add(int(n))
		case "ack":
			s.Ack = ack.Add(int(n))
		case "win":
			s.Window = uint16(n)
		case "urg":
			s.Urgent = uint16(n)
		case "len":
			s.Payload = []byte(strings.Repeat("x", int(n)))
		case "mss":
			s.Options.AddMSS(uint16(n))
		case "ws":
			s.Options.AddWindowScale(uint8(n))
		case "ecn":
			s.ECN = map[string]wire.ECN{"no": wire.NotECT, "ECT(0)": wire.ECT0, "ECT(1)": wire.ECT1, "CE": wire.CE}[val]
		case "sackok":
			s.Options.AddSACKPermitted()
		case "ts":
			var v, e uint32
			fmt.Sscanf(val, "%d,%d", &v, &e)
			s.Options.AddTimestamps(v, e)
		case "sack":
			var blocks []wire.SACKBlock
			for _, b := range strings.Split(val, ",") {
				var l, r int
				fmt.Sscanf(b, "%d-%d", &l, &r)
				blocks = append(blocks, wire.SACKBlock{Left: ack.Add(l), Right: ack.Add(r)})
			}
			s.Options.AddSACK(blocks...)
		default:
			k.t.Fatalf("what is %q in %q?", w, line)
		}
	}
	if quoted != "" {
		s.Payload = []byte(strings.TrimSuffix(quoted, `"`))
	}
	return s
}

func differs(line string, got, want *wire.Segment) string {
	has := func(key string) bool { return strings.Contains(line, " "+key) }
	gs, gn := got.Options.SACK()
	ws, wn := want.Options.SACK()
	gm, _ := got.Options.MSS()
	wm, _ := want.Options.MSS()
	gw, _ := got.Options.WindowScale()
	ww, _ := want.Options.WindowScale()
	gv, ge, gok := got.Options.Timestamps()
	wv, we, wok := want.Options.Timestamps()
	switch {
	case got.Flags&^wire.PSH != want.Flags&^wire.PSH:
		return "flags"
	case want.Flags.Has(wire.PSH) && !got.Flags.Has(wire.PSH):
		return "PSH"
	case has("ecn=") && got.ECN != want.ECN:
		return got.ECN.String()
	case has("seq=") && got.Seq != want.Seq:
		return "seq"
	case has("ack=") && got.Ack != want.Ack:
		return "ack"
	case has("win=") && got.Window != want.Window:
		return "window"
	case has("len=") && len(got.Payload) != len(want.Payload):
		return "length"
	case !has("len=") && string(got.Payload) != string(want.Payload):
		return "payload"
	case has("mss=") && gm != wm:
		return "MSS"
	case has("ws=") && gw != ww:
		return "window scale"
	case has("sackok") && !got.Options.SACKPermitted():
		return "SACK permitted"
	case has("ts=") && (gv != wv || ge != we || gok != wok):
		return fmt.Sprintf("timestamps %d,%d", gv, ge)
	case has("sack=") && (gn != wn || gs != ws):
		return fmt.Sprintf("SACK blocks %v", gs[:gn])
	}
	return ""
}

func show(s *wire.Segment, seq, ack wire.Seq) string {
	p := string(s.Payload)
	if len(p) > 40 {
		p = p[:40] + "…"
	}
	return fmt.Sprintf("%v seq=%d ack=%d win=%d len=%d %q", s.Flags, s.Seq.Minus(seq), s.Ack.Minus(ack), s.Window, len(s.Payload), p)
}
