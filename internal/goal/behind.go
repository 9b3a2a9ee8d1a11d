// Whether anybody is behind a SYN-ACK.

package goal

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What a SYN-ACK can lack.
const (
	BareWindow  = "its SYN-ACK has a closed window"
	BareOptions = "its SYN-ACK has no options, though the SYN has"
	bareBoth    = "its SYN-ACK has a closed window and no options, though the SYN has"
)

// BareSYNACK says what a SYN-ACK lacks that nearly all hosts' have, if it answers a SYN
// with options; "": nothing. A SYN proxy can take no data before it has a connection to
// the host, and something that answers for every port does not know the host's options.
func BareSYNACK(window uint16, o *wire.Options) string {
	none := o.Cut() == 0
	for option := range o.All() {
		none = none && option.Kind == wire.OptNOP
	}
	switch {
	case window == 0 && none:
		return bareBoth
	case window == 0:
		return BareWindow
	case none:
		return BareOptions
	}
	return ""
}

// nothingBehind reports whether the SYN-ACK is all that came, it lacks what nearly all
// hosts' have, and what the client sent since would have had an answer of any host: in
// somebody else's connection, if it was given the time.
func (s *Story) nothingBehind() bool {
	if s.bare == "" || s.behind || !s.prompted.set || s.rst[transcript.In].set {
		return false
	}
	until := s.end
	if e := s.firstEnd(transcript.Out); e.set {
		until = e.at
	}
	return !s.captured || until-s.prompted.at >= quiet
}

// nothingAnswers explains a silence behind such a SYN-ACK.
func (d *diagnosis) nothingAnswers(r *transcript.Reason) {
	r.Code, r.Layer, r.Sure, r.Frames = "nothing_behind", transcript.TCP, transcript.Likely, frames(d.synACK, d.prompted)
	r.What = "nothing came behind the ACK of the SYN-ACK"
	if d.err != nil {
		r.What += ": " + d.said()
	}
	r.Means = fmt.Sprintf("nobody may be behind what answered the SYN: %s, and what has an answer of every host has none. A SYN proxy, or a firewall that answers for every port, does so", d.bare)
	r.Remedy = "See whether a port answers alike on which nothing can listen, and look at the packets at the host itself."
}

// endedBehind explains an end that came straight behind such a SYN-ACK. It reports whether
// there was one.
func (d *diagnosis) endedBehind(r *transcript.Reason) bool {
	if d.bare == "" || d.behind || d.moment != beforeHello {
		return false
	}
	r.Means = fmt.Sprintf("what answered the SYN, a SYN proxy or something like it, may have found nobody behind it that takes the connection: %s; or the server takes nothing from this address", d.bare)
	r.Remedy = "See at the host itself whether something listens on this port."
	return true
}

// follows takes note of what follows the SYN-ACK: what asks for an answer, and what shows
// that somebody is there.
func (s *Story) follows(f *transcript.Frame, m mark) {
	n, flags := f.Stream.Len(), f.Segment.Flags
	switch {
	case f.Dir == transcript.In:
		s.behind = s.behind || n > 0 || !flags.Has(wire.FIN)
	case s.prompted.set:
	case n > 0, f.Seq == 0 && s.optional: // RFC 9293, section 3.8.4
		s.prompted = m
	}
}
