// Makes a transcript of what a driver reports.

package transcript

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/tlsmsg"
)

const (
	// DefaultLimit is how much of one connection a recorder keeps, in bytes.
	DefaultLimit = 16 << 20
	// KeepNothing is a limit for transcripts that only the listener sees.
	KeepNothing = -1
)

const (
	// entryCost is roughly what an entry takes besides its bytes.
	entryCost = 512
	// maxHeld bounds the outgoing records and messages that wait for the frame
	// that carries them. No more wait than a send buffer holds.
	maxHeld = 4096
)

// A Recorder makes a transcript of what a driver tells it, in the order in
// which it happens. Its methods must be called from one goroutine at a time.
// Times count from the start of the recording.
type Recorder struct {
	t        Transcript
	listener func(*Entry)
	limit    int
	used     int

	passive bool      // the connection is somebody else's, from a capture
	strict  bool      // in a capture, damaged segments never count
	recent  [2]recent // by Dir: frames of the capture, to recognize duplicates

	frames int
	parts  reassembly.Buffer // packets that came in fragments
	latest [2]*Frame         // by Dir: the last segment
	halves [2]half           // by Dir

	base [2]int64 // by Dir: octets before TLS
	held []*Entry // outgoing entries, made but not sent yet
	lost int      // held entries that did not fit

	learned learned
}

// learned is what the entries themselves say about the result.
type learned struct {
	synAt, helloAt   time.Duration
	rtt, handshake   time.Duration
	haveSYN, haveRTT bool
	haveHello, tls   bool
	judged, verified bool
	result           Result // version, suite, group, ALPN
}

// NewRecorder returns a recorder that keeps about limit bytes (0 means
// DefaultLimit; KeepNothing keeps only the result). The listener, if not nil,
// is called with each entry once it is complete, even beyond the limit.
func NewRecorder(limit int, listener func(*Entry)) *Recorder {
	if limit == 0 {
		limit = DefaultLimit
	}
	return &Recorder{limit: limit, listener: listener}
}

// Transcript returns what was kept. It is complete after Result.
func (r *Recorder) Transcript() *Transcript { return &r.t }

// Packet records an IP packet that was just sent, or that arrived and has not
// been processed yet. kernelSent marks a RST that the local kernel sent from
// our address and port. The packet is copied.
func (r *Recorder) Packet(at time.Duration, dir Dir, packet []byte, kernelSent bool) *Frame {
	r.frames++
	raw := append([]byte(nil), packet...)
	f := &Frame{Number: r.frames, At: at, Dir: dir, KernelSent: kernelSent, Raw: raw, Packet: raw}
	f.parse()
	return r.frame(f)
}

// frame records a decoded frame.
func (r *Recorder) frame(f *Frame) *Frame {
	at, dir := f.At, f.Dir
	f.complete(&r.parts)
	if f.Whole != nil {
		name, text := f.describe()
		r.decide(at, dir, Link, f, &Decision{Name: name, Text: fmt.Sprintf("%s, which completes a segment of %d bytes", text, len(f.Whole))})
	}
	e := &Entry{At: at, Dir: dir, Layer: TCP, Type: TypeSegment, Frame: f}
	if f.Segment == nil {
		name, text := f.describe()
		e.Layer, e.Type, e.Decision = Link, TypeDecision, &Decision{Name: name, Text: text}
		r.add(e, len(f.Raw))
		return f
	}
	r.place(f)
	r.add(e, len(f.Raw))
	if dir == Out && !f.KernelSent {
		r.release(f.At, f)
	}
	return f
}

// Note records something that the link or the guard did.
func (r *Recorder) Note(at time.Duration, layer Layer, name, text string) {
	r.decide(at, Local, layer, nil, &Decision{Name: name, Text: text})
}

// Restart says that a new connection to another address follows, with its own
// sequence numbers, round trips and result. The numbers of frames go on.
func (r *Recorder) Restart() {
	r.parts, r.latest, r.halves = reassembly.Buffer{}, [2]*Frame{}, [2]half{}
	r.held, r.lost, r.base, r.learned = nil, 0, [2]int64{}, learned{}
}

// handshakeTime is the time from the frame that begins the ClientHello to the
// one that ends the later Finished, if frames are seen. It leaves out what this
// side did before the first and after the last, and another handshake on the
// same connection.
func (r *Recorder) handshakeTime() (time.Duration, bool) {
	var from, to *Frame
	finished := 0
	for _, e := range r.t.Entries {
		m := e.Message
		switch {
		case m == nil || m.Content != tlsmsg.ContentHandshake || e.Frame == nil:
		case m.Type == tlsmsg.TypeClientHello && from == nil:
			from = e.Frame
		case m.Type == tlsmsg.TypeFinished && finished < 2:
			if finished++; to == nil || e.Frame.At > to.At {
				to = e.Frame
			}
		}
	}
	if from == nil || to == nil {
		return 0, false
	}
	return to.At - from.At, true
}

// Result records how the connection ended. It fills in what the caller left
// zero, from the entries: what was negotiated, the round trip, the duration of
// the handshake. Nothing may be recorded after it.
func (r *Recorder) Result(at time.Duration, res Result) {
	if n := len(r.held) + r.lost; n > 0 {
		r.decide(at, Local, TLS, nil, &Decision{Name: "never_sent", Text: unsent(r.held, n)})
		r.held = nil
	}
	l := &r.learned
	fill(&res.Version, l.result.Version)
	fill(&res.CipherSuite, l.result.CipherSuite)
	fill(&res.NoSuite, l.result.NoSuite)
	fill(&res.Group, l.result.Group)
	fill(&res.ALPN, l.result.ALPN)
	fill(&res.RTT, l.rtt)
	if t, ok := r.handshakeTime(); ok && l.handshake > 0 {
		l.handshake = t
	}
	fill(&res.Handshake, l.handshake)
	res.Judged, res.Trusted = res.Judged || l.judged, res.Trusted || l.verified
	res.PeerVerified = res.PeerVerified || l.verified && l.handshake > 0
	e := &Entry{At: at, Dir: Local, Layer: TCP, Type: TypeResult, Result: &res}
	if l.tls {
		e.Layer = TLS
	}
	r.t.Entries = append(r.t.Entries, e) // always kept
	r.tell(e)
}

func fill[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

func unsent(held []*Entry, n int) string {
	for _, e := range held {
		if e.Message != nil {
			return fmt.Sprintf("%s was made but never left: the connection ended first", e.Message.Name())
		}
	}
	return fmt.Sprintf("%d records were made but never left: the connection ended first", n)
}

// add keeps an entry if there is room for it and its bytes, and tells the
// listener.
func (r *Recorder) add(e *Entry, bytes int) {
	if r.limit == KeepNothing {
		r.tell(e)
		return
	}
	if !r.t.Truncated {
		if r.used += bytes + entryCost; r.used <= r.limit {
			r.t.Entries = append(r.t.Entries, e)
		} else {
			r.overflow(e.At)
		}
	}
	r.tell(e)
}

func (r *Recorder) overflow(at time.Duration) {
	r.t.Truncated = true
	full := &Entry{At: at, Dir: Local, Layer: Link, Type: TypeDecision, Decision: &Decision{
		Name: "transcript_full",
		Text: fmt.Sprintf("the transcript holds %d bytes and is full: what follows is shown, but not kept", r.limit),
	}}
	r.t.Entries = append(r.t.Entries, full)
	r.tell(full)
}

func (r *Recorder) tell(e *Entry) {
	if r.listener != nil {
		r.listener(e)
	}
}

func (r *Recorder) decide(at time.Duration, dir Dir, layer Layer, f *Frame, d *Decision) {
	r.add(&Entry{At: at, Dir: dir, Layer: layer, Type: TypeDecision, Frame: f, Decision: d}, len(d.Text))
}

// hold keeps an outgoing entry until the frame that carries it is sent.
func (r *Recorder) hold(e *Entry) {
	if len(r.held) == maxHeld {
		r.lost++
		return
	}
	r.held = append(r.held, e)
}

// release adds the held entries whose first byte was sent, with f if that is
// known.
func (r *Recorder) release(at time.Duration, f *Frame) {
	next := r.halves[Out].next()
	waiting := r.held[:0]
	for _, e := range r.held {
		if e.first() >= next {
			waiting = append(waiting, e)
			continue
		}
		e.At, e.Frame = at, f
		r.add(e, e.size())
	}
	clear(r.held[len(waiting):])
	r.held = waiting
}

// first is the offset of the entry's first byte in the byte stream.
func (e *Entry) first() int64 {
	switch {
	case e.Record != nil:
		return e.Record.Offset
	case e.Octets != nil:
		return e.Octets.Offset
	case e.Decision != nil:
		return int64(e.Decision.Event.(beginning))
	}
	return e.Message.Offset
}

// end is the offset after the entry's last byte in the byte stream.
func (e *Entry) end() int64 {
	switch {
	case e.Record != nil:
		return e.Record.End()
	case e.Octets != nil:
		return e.Octets.End
	}
	return e.Message.End
}

// Size is about how much memory an entry takes, in bytes.
func (e *Entry) Size() int {
	n := entryCost
	switch {
	case e.Type == TypeSegment:
		n += 2 * len(e.Frame.Raw) // and the decoded form
	case e.Record != nil || e.Message != nil || e.Octets != nil || e.Decision != nil:
		n += e.size()
	}
	return n
}

// size is the number of bytes that a record, a message or octets hold.
func (e *Entry) size() int {
	switch {
	case e.Record != nil:
		return len(e.Record.Wire) + len(e.Record.Plaintext)
	case e.Octets != nil:
		return len(e.Octets.Raw)
	case e.Decision != nil:
		return len(e.Decision.Text)
	}
	return len(e.Message.Raw)
}
