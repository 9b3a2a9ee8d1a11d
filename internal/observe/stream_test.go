package observe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var ends = Flow{netip.MustParseAddrPort("198.18.0.1:40000"), netip.MustParseAddrPort("198.18.0.2:443")}

// isn is each side's initial sequence number: the client's wraps after 15 octets.
var isn = [2]wire.Seq{transcript.Out: 0xfffffff0, transcript.In: 5000}

// segment is an IP packet of the flow, whose numbers count from the initial ones.
func segment(dir transcript.Dir, flags wire.Flags, seq, ack uint32, payload string) []byte {
	src, dst := ends.Client, ends.Server
	if dir == transcript.In {
		src, dst = dst, src
	}
	s := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Flags: flags, Window: 1000,
		Seq: isn[dir] + wire.Seq(seq), Payload: []byte(payload)}
	if flags.Has(wire.ACK) {
		s.Ack = isn[1-dir] + wire.Seq(ack)
	}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), src.Addr(), dst.Addr())
}

// An ear takes segments, and records each direction's octets in order.
type ear struct {
	c     *Connection
	count int
	heard [2]strings.Builder
	said  []string
}

func newEar() *ear {
	e := &ear{}
	e.c = NewConnection(ends, time.Time{}, transcript.KeepNothing, nil, func(entry *transcript.Entry) {
		if entry.Decision != nil {
			e.said = append(e.said, entry.Decision.Name+": "+entry.Decision.Text)
		}
	})
	return e
}

func (e *ear) packet(p []byte, lost int) {
	e.count++
	f := e.c.recorder.Captured(&transcript.Sighting{Number: e.count, Dir: ends.direction(p), Link: wire.LinkRaw, Raw: p, Packet: p, Lost: lost})
	if !f.Discarded() {
		e.c.streams[f.Dir].arrive(f)
		e.c.acknowledged(f)
	}
	e.c.damaged(f)
	e.listen()
}

// listen writes down what can be taken, and a gap as "[3]".
func (e *ear) listen() {
	for again := true; again; {
		again = false
		for dir := range e.heard {
			p, ok := e.c.streams[dir].take(&e.c.streams[1-dir])
			switch {
			case !ok:
				continue
			case p.missing > 0:
				fmt.Fprintf(&e.heard[dir], "[%d]", p.missing)
			default:
				e.heard[dir].Write(p.data)
			}
			again = true
		}
	}
}

func (e *ear) end() {
	for dir := range e.c.streams {
		e.c.streams[dir].giveUp()
	}
	e.listen()
}

func (e *ear) open() {
	e.packet(segment(transcript.Out, wire.SYN, 0, 0, ""), 0)
	e.packet(segment(transcript.In, wire.SYN|wire.ACK, 0, 1, ""), 0)
	e.packet(segment(transcript.Out, wire.ACK, 1, 1, ""), 0)
}

// A piece is a segment of the client's with octets, or only an acknowledgment of
// the server's.
type piece struct {
	seq     uint32
	payload string
	ack     uint32 // of the server's: what it has
}

func TestSegmentsBecomeAStream(t *testing.T) {
	acks := func(n int, ack uint32) (list []piece) {
		for range n {
			list = append(list, piece{ack: ack})
		}
		return list
	}
	for name, tc := range map[string]struct {
		pieces []piece
		want   string // before the capture ends
		rest   string // and what comes at its end
	}{
		"in order":                      {[]piece{{1, "ab", 0}, {3, "cd", 0}}, "abcd", ""},
		"out of order":                  {[]piece{{5, "ef", 0}, {3, "cd", 0}, {1, "ab", 0}}, "abcdef", ""},
		"across the wrap":               {[]piece{{1, "0123456789", 0}, {21, "klmno", 0}, {11, "abcdefghij", 0}}, "0123456789abcdefghijklmno", ""},
		"again":                         {[]piece{{1, "ab", 0}, {1, "ab", 0}, {3, "c", 0}}, "abc", ""},
		"again, and more":               {[]piece{{1, "ab", 0}, {1, "abcd", 0}}, "abcd", ""},
		"again, while it waits":         {[]piece{{3, "cd", 0}, {3, "cd", 0}, {1, "ab", 0}}, "abcd", ""},
		"again with other octets":       {[]piece{{1, "ab", 0}, {1, "XY", 0}, {3, "c", 0}}, "abc", ""},
		"others while it waits":         {[]piece{{3, "cd", 0}, {2, "XYZW", 0}, {1, "a", 0}}, "aXcdW", ""},
		"one over all that wait":        {[]piece{{3, "c", 0}, {5, "e", 0}, {1, "ABCDEF", 0}}, "ABcDeF", ""},
		"a keep-alive":                  {[]piece{{1, "ab", 0}, {2, "X", 0}, {3, "c", 0}}, "abc", ""},
		"a hole that is never filled":   {[]piece{{1, "ab", 0}, {5, "ef", 0}}, "ab", "[2]ef"},
		"a hole that was acknowledged":  {append([]piece{{1, "ab", 0}, {5, "ef", 0}}, acks(patience+1, 7)...), "ab[2]ef", ""},
		"a hole for which it is early":  {append([]piece{{1, "ab", 0}, {5, "ef", 0}}, acks(patience-1, 7)...), "ab", "[2]ef"},
		"a hole that nobody has filled": {append([]piece{{1, "ab", 0}, {5, "ef", 0}}, acks(100, 3)...), "ab", "[2]ef"},
	} {
		e := newEar()
		e.open()
		for _, p := range tc.pieces {
			if p.payload != "" {
				e.packet(segment(transcript.Out, wire.ACK, p.seq, 1, p.payload), 0)
			} else {
				e.packet(segment(transcript.In, wire.ACK, 1, p.ack, ""), 0)
			}
		}
		if got := e.heard[transcript.Out].String(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		e.end()
		if got := e.heard[transcript.Out].String(); got != tc.want+tc.rest {
			t.Errorf("%s, at the end: %q, want %q", name, got, tc.want+tc.rest)
		}
	}
}

func TestAStreamBeginsWhereTheCaptureDoes(t *testing.T) {
	e := newEar()
	e.packet(segment(transcript.Out, wire.ACK, 5000, 300, "middle"), 0)
	e.packet(segment(transcript.In, wire.ACK, 300, 5006, "answer"), 0)
	if a, b := e.heard[0].String(), e.heard[1].String(); a != "middle" || b != "answer" {
		t.Errorf("%q, %q", a, b)
	}
}

// What a snap length cut off is a gap at once, since nothing will fill it.
func TestASnapLengthLeavesGaps(t *testing.T) {
	e := newEar()
	e.open()
	for i, payload := range []string{"abcdef", "ghijkl"} {
		p := segment(transcript.Out, wire.ACK, uint32(1+6*i), 1, payload)
		e.packet(p[:len(p)-4], 4)
	}
	e.end()
	if got, want := e.heard[0].String(), "ab[4]gh"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// An answer that the capture holds before its question is looked at after it.
func TestAQuestionComesBeforeItsAnswer(t *testing.T) {
	e := newEar()
	e.open()
	e.packet(segment(transcript.In, wire.ACK, 1, 9, "answer"), 0)
	if got := e.heard[1].String(); got != "" {
		t.Errorf("the answer comes first: %q", got)
	}
	e.packet(segment(transcript.Out, wire.ACK, 1, 1, "question"), 0)
	if a, b := e.heard[0].String(), e.heard[1].String(); a != "question" || b != "answer" {
		t.Errorf("%q, %q", a, b)
	}
}

// Whatever the pieces are cut to, however often and in whatever order they come,
// the stream is the same.
func TestAnyPiecesInAnyOrderMakeTheSameStream(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 6))
		data := make([]byte, 1+rng.IntN(3000))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		var pieces [][2]int
		for at := 0; at < len(data); {
			n := min(1+rng.IntN(200), len(data)-at)
			for range 1 + rng.IntN(2) {
				pieces = append(pieces, [2]int{max(0, at-rng.IntN(100)), min(len(data), at+n+rng.IntN(100))})
			}
			at += n
		}
		rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		e := newEar()
		e.open()
		for _, p := range pieces {
			e.packet(segment(transcript.Out, wire.ACK, uint32(1+p[0]), 1, string(data[p[0]:p[1]])), 0)
		}
		if got := e.heard[0].String(); !bytes.Equal([]byte(got), data) {
			t.Fatalf("seed %d: %d octets of %d, or others", seed, len(got), len(data))
		}
		if s := &e.c.streams[0]; s.held != 0 || len(s.waiting) != 0 {
			t.Errorf("seed %d: %d bytes are still held", seed, s.held)
		}
	}
}

// A peer that sends one octet more each time, along with all those before it,
// takes no more memory than any other.
func TestWhatWaitsIsBoundedByItsFrames(t *testing.T) {
	var s stream
	f := &transcript.Frame{Raw: make([]byte, 60_000)}
	for i := range int64(1000) {
		s.insert(chunk{start: 10 + 2*i, data: f.Raw[:1], frame: f})
		if !s.lost {
			continue
		}
		for s.lost && len(s.waiting) > 0 {
			s.take(&stream{})
		}
	}
	if n := len(s.waiting) * len(f.Raw); n > 2*maxHeld {
		t.Errorf("%d bytes of frames wait", n)
	}
	var h half
	for i := range int64(maxMarks) {
		new(Connection).append(&h, chunk{start: i, data: []byte{23}, frame: f}, f)
	}
	if n := len(h.marks) * len(f.Raw); n > 2*maxMarked {
		t.Errorf("%d bytes of frames are remembered for a record", n)
	}
	if h.drop(maxMarks); h.frameAt(maxMarks) != f || h.marked != len(h.marks)*len(f.Raw) {
		t.Errorf("%d bytes are counted, of %d frames", h.marked, len(h.marks))
	}
}

// BenchmarkHostileReordering is a sender that sends one octet at a time, the last
// one first: each packet goes before all that wait.
func BenchmarkHostileReordering(b *testing.B) {
	const n = 1 << 14
	f := &transcript.Frame{Raw: []byte{23}}
	for range b.N {
		var s stream
		for i := int64(n); i > 0; i-- {
			s.insert(chunk{start: 2 * i, data: f.Raw, frame: f})
			for s.lost {
				if _, ok := s.take(&stream{}); !ok {
					break
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/packet")
}

// A record that the capture cuts is reported with what there is of it.
func TestACutRecordIsTold(t *testing.T) {
	var records []*transcript.Record
	c := NewConnection(ends, time.Time{}, transcript.KeepNothing, nil, func(e *transcript.Entry) {
		if e.Record != nil {
			records = append(records, e.Record)
		}
	})
	number := 0
	put := func(p []byte, lost int) {
		number++
		c.Packet(&capture.Packet{Number: number, Link: wire.LinkRaw, Data: p[:len(p)-lost], Length: len(p)}, p[:len(p)-lost])
	}
	put(segment(transcript.Out, wire.SYN, 0, 0, ""), 0)
	put(segment(transcript.In, wire.SYN|wire.ACK, 0, 1, ""), 0)
	hello := "\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + strings.Repeat("r", 58)
	put(segment(transcript.Out, wire.ACK, 1, 1, hello), 50)
	put(segment(transcript.Out, wire.ACK, uint32(1+len(hello)), 1, "\x17\x03\x03\x00\x0a"+strings.Repeat("x", 10)), 3)
	put(segment(transcript.Out, wire.ACK, uint32(16+len(hello)), 1, "\x15\x03\x03\x00\x02\x01\x00"), 1)
	c.Close("")
	if len(records) != 3 {
		t.Fatalf("%d records, want 3", len(records))
	}
	if r := records[0]; r.Missing != 50 || len(r.Wire) != len(hello)-50 || r.Encrypted || len(r.Plaintext) != len(r.Wire)-5 || r.End() != int64(len(hello)) {
		t.Errorf("the hello: %+v", r)
	}
	if r := records[1]; r.Missing != 3 || !r.Encrypted || r.Plaintext != nil {
		t.Errorf("what follows it: %+v", r)
	}
	if r := records[2]; r.Missing != 1 || len(r.Wire) != 6 {
		t.Errorf("the last one: %+v", r)
	}
}
