// Collects from a transcript what the streams of both directions hold.

package dissect

import (
	"bytes"
	"errors"
	"sort"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// DefaultKeep is how many bytes of records, and of handshake messages, an
// Anatomy keeps for each direction. Only retransmitted segments are older than
// that.
const DefaultKeep = 8 << 20

// An Anatomy knows what the byte streams of both directions hold, as far as a
// transcript's entries have told. The zero value knows nothing yet.
type Anatomy struct {
	streams [2]stream // by transcript.Dir
	suite   *suite.Suite
	etm     bool
	seen    situations
}

// stream is one direction.
type stream struct {
	records  []*record // in the order of their bytes
	held     int       // bytes in records
	shaken   int       // bytes of handshake messages that records brought
	told     int       // bytes of handshake messages that are known
	messages []*message
	kept     int                 // bytes in messages, and the cost of each message
	next     int64               // offset after the last record
	foreign  bool                // it does not begin like TLS
	over     bool                // the other side has said a fatal alert: who speaks live reads no further
	others   []transcript.Octets // in a capture: runs without TLS, in order, without their bytes
	tail     []byte              // its octets from next on, as far as they are in order
}

// messageCost is roughly what a message takes besides its bytes.
const messageCost = 128

// record is one TLS record, and the place of its content among the handshake
// messages of its direction.
type record struct {
	*transcript.Record
	shaken int // offset of its first byte there, if it holds handshake messages
	suite  *suite.Suite
	etm    bool
	first  bool // the first that is encrypted
	fresh  bool // a record of handshake messages that begins with a message
	tree   *field.Node
}

// holds is the type of what a record holds, as far as it is known.
func (r *record) holds() tlsmsg.ContentType {
	if r.Inner != 0 {
		return r.Inner
	}
	return r.Type
}

// message is one handshake message, and its place among all those of its
// direction.
type message struct {
	*transcript.Message
	start int
	tree  *field.Node
}

// Of returns what a whole transcript tells.
func Of(t *transcript.Transcript) *Anatomy {
	a := new(Anatomy)
	for _, e := range t.Entries {
		a.Learn(e)
	}
	return a
}

// Learn takes one entry. Entries of one direction must come in the order of
// their bytes, a record before the messages that it completes.
func (a *Anatomy) Learn(e *transcript.Entry) {
	if e.Dir > transcript.In {
		return
	}
	switch e.Type {
	case transcript.TypeSegment:
		a.seen.segment(e.Frame)
		a.streams[e.Dir].segment(e.Frame)
	case transcript.TypeRecord:
		a.record(e.Dir, e.Record)
	case transcript.TypeMessage:
		a.message(e.Dir, e.Message)
	case transcript.TypeOctets:
		a.streams[e.Dir].octets(e.Octets)
	}
}

// octets takes note of octets that are not TLS.
func (s *stream) octets(o *transcript.Octets) {
	if n := len(s.others); n > 0 && s.others[n-1].End == o.Offset && s.others[n-1].Why == o.Why {
		s.others[n-1].End = o.End
	} else {
		s.others = append(s.others, transcript.Octets{Why: o.Why, Offset: o.Offset, End: o.End})
	}
	if len(s.others) > maxOthers {
		s.others = s.others[1:]
	}
	s.foreign = false // TLS follows
	s.told = s.shaken // the rest of a message is lost
	s.behind(o.End)
}

// maxOthers bounds the runs of octets between records that are remembered.
const maxOthers = 1024

// behind drops the octets before an offset.
func (s *stream) behind(end int64) {
	if end > s.next {
		s.tail = s.tail[min(end-s.next, int64(len(s.tail))):]
		s.next = end
	}
}

// firstOther is the index of the first run without TLS that ends beyond an
// offset.
func (s *stream) firstOther(at int64) int {
	return sort.Search(len(s.others), func(i int) bool { return s.others[i].End > at })
}

// other is the run without TLS that an octet is in, or nil.
func (s *stream) other(at int64) *transcript.Octets {
	i := s.firstOther(at)
	if i < len(s.others) && s.others[i].Offset <= at {
		return &s.others[i]
	}
	return nil
}

// segment looks at the first bytes of a stream, and keeps bytes whose record is
// not known yet.
func (s *stream) segment(f *transcript.Frame) {
	if f.Stream.Len() == 0 || f.Discarded() {
		return
	}
	p := f.Payload()
	if f.Stream.Start == 0 && !f.Captured() {
		var not *tlsmsg.NotTLSError
		_, _, err := tlsmsg.NextRecord(p)
		s.foreign = errors.As(err, &not)
	}
	known := s.next + int64(len(s.tail)) - f.Stream.Start // that much of it
	if !s.foreign && known >= 0 && known < int64(len(p)) && len(s.tail) < maxTail {
		s.tail = append(s.tail, p[known:]...)
	}
}

// maxTail is more than a record can be.
const maxTail = tlsmsg.RecordHeaderLen + tlsmsg.MaxCiphertext

func (a *Anatomy) record(dir transcript.Dir, r *transcript.Record) {
	s := &a.streams[dir]
	fresh := s.shaken == s.told
	if r.Offset != s.next || r.Missing > 0 { // the rest of a message is lost
		s.told = s.shaken
	}
	s.behind(r.End())
	rec := &record{Record: r, shaken: s.shaken, suite: a.suite, etm: a.etm, fresh: fresh}
	rec.first = r.Encrypted && (len(s.records) == 0 || !s.records[len(s.records)-1].Encrypted)
	if rec.holds() == tlsmsg.ContentHandshake && r.Missing == 0 {
		s.shaken += len(r.Plaintext)
	}
	s.records = append(s.records, rec)
	s.held += len(r.Wire)
	for s.held > DefaultKeep && len(s.records) > 1 {
		s.held -= len(s.records[0].Wire)
		s.records[0] = nil
		s.records = s.records[1:]
	}
}

func (a *Anatomy) message(dir transcript.Dir, m *transcript.Message) {
	if m.Content == tlsmsg.ContentAlert && len(m.Raw) > 0 && tlsmsg.AlertLevel(m.Raw[0]) == tlsmsg.LevelFatal {
		a.streams[1-dir].over = true
	}
	if m.Content != tlsmsg.ContentHandshake || m.Sealed {
		return
	}
	s := &a.streams[dir]
	s.messages = append(s.messages, &message{Message: m, start: s.told})
	s.told += len(m.Raw)
	s.kept += len(m.Raw) + messageCost
	for s.kept > DefaultKeep && len(s.messages) > 1 { // older than all records that are kept
		s.kept -= len(s.messages[0].Raw) + messageCost
		s.messages[0] = nil
		s.messages = s.messages[1:]
	}
	if m.Type == tlsmsg.TypeServerHello {
		a.serverHello(m)
	}
}

// serverHello keeps what says how records are protected.
func (a *Anatomy) serverHello(m *transcript.Message) {
	msg, err := m.Handshake()
	hello, ok := msg.(*tlsmsg.ServerHello)
	if err != nil || !ok {
		return
	}
	a.suite = suite.Lookup13(hello.CipherSuite)
	a.seen.tls13 = a.suite != nil
	if s := suite.Lookup(hello.CipherSuite); s != nil {
		a.suite = s.For(hello.Version)
	}
	a.etm = tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionEncryptThenMAC) >= 0
}

// between returns the records that hold bytes from start to end of a direction.
func (s *stream) between(start, end int64) []*record {
	i := sort.Search(len(s.records), func(i int) bool { return s.records[i].End() > start })
	j := i
	for j < len(s.records) && s.records[j].Offset < end {
		j++
	}
	return s.records[i:j]
}

// told reports whether all of a record's content is known. A handshake message
// that continues in a later record is not known yet.
func (r *record) told(s *stream) bool {
	return r.Type != tlsmsg.ContentHandshake || r.Encrypted || r.Missing > 0 || r.shaken+len(r.Plaintext) <= s.told
}

// Complete reports whether everything in a frame's payload is known, so that
// nothing more can be learned about it.
func (a *Anatomy) Complete(f *transcript.Frame) bool {
	if f.Segment == nil || f.Dir > transcript.In || f.Stream.Len() == 0 || f.Discarded() {
		return true
	}
	s, next := &a.streams[f.Dir], f.Stream.Start
	if s.foreign {
		return true
	}
	records := s.between(f.Stream.Start, f.Stream.End)
	for next < f.Stream.End {
		switch o := s.other(next); {
		case o != nil:
			next = o.End
		case len(records) > 0 && records[0].Offset <= next:
			if !records[0].told(s) {
				return false
			}
			next = max(next, records[0].End())
			records = records[1:]
		default:
			return false
		}
	}
	return true
}

// within returns the messages in a record, and nil if they are not what the
// record holds.
func (s *stream) within(r *record) []*message {
	start, end := r.shaken, r.shaken+len(r.Plaintext)
	i := sort.Search(len(s.messages), func(i int) bool { return s.messages[i].start+len(s.messages[i].Raw) > start })
	j := i
	for ; j < len(s.messages) && s.messages[j].start < end; j++ {
		m := s.messages[j]
		lo, hi := max(start, m.start), min(end, m.start+len(m.Raw))
		if !bytes.Equal(r.Plaintext[lo-start:hi-start], m.Raw[lo-m.start:hi-m.start]) {
			return nil
		}
	}
	return s.messages[i:j]
}
