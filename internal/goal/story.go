// What a diagnosis keeps of a connection.

package goal

import (
	"time"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A Story is what a diagnosis needs to know of a connection. It takes note of
// the transcript's entries as they come, and keeps a bounded amount, so that the
// entries themselves need not be kept. Out is what the client sends, and In what
// the server sends, whoever they are.
type Story struct {
	captured     bool            // the connection is somebody else's: none of its ends is ours
	port         uint16          // the server's, if it is known
	failedBefore *starttls.Error // why TLS did not begin, as an observer has found
	preceded     bool            // something was said before TLS
	told         string          // what the observer says about its end

	segments
	conversation
	notes map[string]note // decisions that matter, by name: the first of each
}

// A note is a decision and the frame that it is about.
type note struct {
	text  string
	frame int
	count int
}

func (n note) set() bool { return n.count > 0 }

// A mark is a place in the transcript. The zero mark is none.
type mark struct {
	set   bool
	frame int // 0: its frame is not known
	at    time.Duration
}

// NewStory returns an empty story. Captured says that the connection is somebody
// else's.
func NewStory(captured bool) *Story {
	return &Story{captured: captured, notes: map[string]note{}}
}

// Entry takes note of one entry.
func (s *Story) Entry(e *transcript.Entry) {
	switch e.Type {
	case transcript.TypeSegment:
		s.segment(e)
	case transcript.TypeRecord:
		s.record(e)
	case transcript.TypeMessage:
		s.message(e)
	case transcript.TypeOctets:
		s.preceded = s.preceded || e.Octets.Why == "preamble"
	case transcript.TypeDecision:
		s.decision(e)
	}
}

// markOf returns the place of an entry.
func markOf(e *transcript.Entry) mark {
	m := mark{set: true, at: e.At}
	if e.Frame != nil {
		m.frame = e.Frame.Number
	}
	return m
}

// frames returns the numbers of the frames at several places.
func frames(marks ...mark) []int {
	var list []int
	for _, m := range marks {
		if m.frame > 0 && (len(list) == 0 || list[len(list)-1] != m.frame) {
			list = append(list, m.frame)
		}
	}
	return list
}

// maxNotes bounds the decisions of different names that are kept.
const maxNotes = 64

func (s *Story) decision(e *transcript.Entry) {
	d := e.Decision
	s.event(e, d.Event)
	if d.Name == "handshake_over" { // an observer without secrets
		s.moment = connected
	}
	n, known := s.notes[d.Name]
	if !known && len(s.notes) == maxNotes {
		return
	}
	if !known {
		n = note{text: d.Text, frame: markOf(e).frame}
	}
	n.count++
	s.notes[d.Name] = n
	if f := e.Frame; f != nil && f.ICMP != nil && f.ICMP.IsError() && !s.icmp.set && e.Dir == transcript.In {
		s.icmp, s.icmpText = markOf(e), d.Text
	}
}

// side names an end of the connection.
func side(dir transcript.Dir) string {
	if dir == transcript.Out {
		return "client"
	}
	return "server"
}

// moment is how far the conversation has come.
type moment uint8

const (
	beforeHello       moment = iota // no TLS was spoken
	afterHello                      // the ClientHello is the last message
	inServerFlight                  // the server has begun its flight but not ended it
	afterServerFlight               // it is the client's turn
	afterClientFlight               // the client has sent its keys, or its Finished
	connected                       // the handshake is complete
)

// conversation is what the two sides said in TLS.
type conversation struct {
	moment moment
	last   string // the last message: "the client's ClientHello"
	lastAt mark

	hello       *tlsmsg.ClientHello // the last one; nil: none, or none that can be read
	helloAt     mark
	helloLen    int
	serverHello *tlsmsg.ServerHello
	serverAt    mark
	exchange    *tlsmsg.ServerKeyExchange
	chainAt     mark // the server's Certificate
	request     *tlsmsg.CertificateRequest
	requestAt   mark
	credential  int  // certificates in the client's Certificate
	credAt      mark // the client's Certificate

	again        bool // a handshake after the first has begun
	helloRequest mark // one after the handshake was complete
	data         [2]mark
	dataFirst    []byte // of what the server sent, decrypted
	alerts       []alert
	sealed       [2]mark // an alert that cannot be decrypted here: nearly always close_notify
	because      string  // why our own side sent its alert
	verdict      error
	chain        Chain // the verdict of an observer, if there was one
	judged       bool
	version      tlsmsg.Version
	encrypted    [2]bool // ChangeCipherSpec went by
}

// An alert is one that went by, with the last message before it.
type alert struct {
	dir transcript.Dir
	tlsmsg.Alert
	mark
	when      moment
	after     string
	plaintext bool // in the clear, after that side's ChangeCipherSpec
}
