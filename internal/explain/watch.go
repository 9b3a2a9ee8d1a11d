// One pass over packets: finds the matching connections and shows one of them.

package explain

import (
	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxListed bounds the connections that a report lists.
	maxListed = 10_000
	// maxCandidates bounds the connections that are followed until it is known
	// whether they match, and candidateLimit what is kept of each.
	maxCandidates  = 64
	candidateLimit = 256 << 10
	// holdLimit is how much of a connection is held back until it is known
	// whether it is the only one, in bytes.
	holdLimit = 16 << 20
)

// A watch is one pass over packets.
type watch struct {
	o        *Options
	secrets  *secrets
	table    *observe.Table
	report   *Report
	outcomes outcomes // of those that may be listed
	single   bool     // one connection is shown: there is no list

	follow bool // whether to show a connection, or only to look for those that match
	fresh  bool // whether to show only a connection whose SYN is seen
	hold   bool // whether to show nothing until it is clear that no other matches

	chosen     *observe.Summary
	shown      *follower
	candidates map[*observe.Summary]*follower

	kinds     map[wire.Content]int // packets that are not read
	fragments capture.Fragments
	waiting   map[int]wire.Content // fragments by number, with the kind that they are counted as
}

// A follower follows a connection, and holds its entries back.
type follower struct {
	*observe.Connection
	held  []*transcript.Entry
	bytes int
}

func (w *watch) newFollower(s *observe.Summary, p *capture.Packet) *follower {
	f := &follower{}
	f.Connection = observe.NewConnection(s.Flow, p.At, w.o.Limit, w.secrets.find, f.keep)
	if w.o.StrictChecksums {
		f.Connection.StrictChecksums()
	}
	f.JudgeBy(judgeBy(w.o.Roots))
	return f
}

// keep holds an entry back.
func (f *follower) keep(e *transcript.Entry) {
	f.held = append(f.held, e)
	f.bytes += e.Size()
}

// release shows what was held back, and what comes from now on.
func (f *follower) release(listener func(*transcript.Entry)) {
	for _, e := range f.held {
		if listener != nil {
			listener(e)
		}
	}
	f.held, f.bytes = nil, 0
	f.Listen(listener)
}

func newWatch(o *Options, s *secrets, r *Report) *watch {
	return &watch{o: o, secrets: s, report: r, outcomes: outcomes{roots: o.Roots, strict: o.StrictChecksums, secrets: s.find}, table: observe.NewTable(), candidates: map[*observe.Summary]*follower{}}
}

// packet takes one packet of the capture.
func (w *watch) packet(p *capture.Packet) {
	w.report.Packets++
	ip, err := w.ip(p)
	if err != nil {
		w.unreadFrame(p, err)
		return
	}
	if ip == nil {
		return
	}
	if p.Header.Further {
		w.unread(wire.Content{Name: "frames with further packets behind the first one (A-MSDU)", Opaque: true})
	}
	s := w.table.Find(p.At, ip, &p.Header)
	if s == nil {
		for range max(1, len(p.Joined)) {
			w.unread(contained(p, ip))
		}
		return
	}
	w.report.Total = w.table.Connections()
	w.list(s)
	w.secrets.sessions.packet(s, p, ip)
	if !w.single && w.o.Filter.match(s) != no {
		w.outcomes.packet(s, p, ip)
	}
	if w.follow {
		w.show(s, p, ip)
	}
}

// list keeps the connections that match.
func (w *watch) list(s *observe.Summary) {
	if s.Packets == 1 && w.o.Filter.match(s) != no {
		if len(w.report.Matching) == maxListed {
			w.report.Unlisted++
			return
		}
		w.report.Matching = append(w.report.Matching, s)
	}
}

// show hands a packet to its connection, if that is shown or may be.
func (w *watch) show(s *observe.Summary, p *capture.Packet, ip []byte) {
	m := w.o.Filter.match(s)
	if w.fresh && !s.Begun() {
		m = no
	}
	f := w.shown
	if s != w.chosen {
		switch f = w.candidates[s]; {
		case w.chosen != nil && w.hold && m == yes: // there are several, which will be listed
			w.shown, w.follow = nil, false
			return
		case w.chosen != nil, f == nil && s.Packets > 1: // it does not match, or there were too many
			return
		case m == no:
			delete(w.candidates, s)
			return
		case f == nil && m == later && len(w.candidates) == maxCandidates:
			return
		case f == nil:
			f = w.newFollower(s, p)
			w.candidates[s] = f
		}
	}
	if m == yes && w.chosen == nil {
		w.chosen, w.shown, w.candidates = s, f, nil
		if !w.hold {
			f.release(w.o.Listener)
		}
	}
	f.Packet(p, ip)
	switch {
	case s != w.chosen && f.bytes > candidateLimit:
		delete(w.candidates, s)
	case s == w.chosen && w.hold && f.bytes > holdLimit: // shown even if it is not the only one
		w.hold = false
		f.release(w.o.Listener)
	}
}

// end closes the connection that is shown; why says why nothing more comes.
func (w *watch) end(why string) {
	if w.shown == nil {
		return
	}
	if w.hold {
		w.shown.release(w.o.Listener)
	}
	w.shown.Close(why)
	w.report.Shown, w.report.Transcript = w.chosen, w.shown.Transcript()
}
