// What a connection of ours says before TLS.

package transcript

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Preamble records octets that precede TLS. Those that this side says become an
// entry when the frame with the first of them goes by.
func (r *Recorder) Preamble(at time.Duration, dir Dir, raw []byte, offset int64) {
	e := &Entry{At: at, Dir: dir, Layer: TCP, Type: TypeOctets, Octets: &Octets{Why: "preamble", Raw: raw, Offset: offset, End: offset + int64(len(raw))}}
	if dir == Out {
		r.hold(e)
		return
	}
	if e.Frame = r.halves[In].completed(e.end()); e.Frame == nil {
		e.Frame = r.latest[In]
	}
	r.add(e, e.size())
}

// Begins records that TLS begins in streams of which so many octets went by, with the
// frame that has the first of ours behind them. The offsets of what TLS reports count from there.
func (r *Recorder) Begins(at time.Duration, ours, theirs int64, title string) {
	r.base = [2]int64{Out: ours, In: theirs}
	r.hold(&Entry{At: at, Dir: Local, Layer: TLS, Type: TypeDecision, Decision: &Decision{Name: "tls_begins", Text: BeginsText(ours, theirs, title), Event: beginning(ours)}})
}

// A beginning is where our first octet under TLS stands in our stream.
type beginning int64

// BeginsText says where TLS begins in a stream, and what precedes it.
func BeginsText(client, server int64, title string) string {
	text := fmt.Sprintf("TLS begins here, after %d bytes of the client and %d of the server", client, server)
	if title != "" {
		text += " in another protocol: " + title
	}
	return text
}

// moved is the event with its place in the stream that TLS is a part of.
func (r *Recorder) moved(event handshake.Event) handshake.Event {
	switch e := event.(type) {
	case handshake.RecordEvent:
		e.Offset += r.base[e.Dir]
		return e
	case handshake.MessageEvent:
		e.Offset += r.base[e.Dir]
		e.End += r.base[e.Dir]
		return e
	}
	return event
}
