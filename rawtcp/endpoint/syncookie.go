// SYN cookies: initial sequence numbers from which a connection can be rebuilt
// when its ACK arrives, so that a flood of SYNs costs no memory (RFC 4987,
// section 3.6).

package endpoint

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A cookie has five bits of time, three of the peer's MSS, and 24 bits of a
// keyed hash over both and the addresses. What else the SYN offered is lost:
// such a connection has no window scaling, SACK or timestamps.

const (
	cookieTick = 64 * time.Second
	cookieLife = 2 // ticks for which a cookie is valid
)

// cookieMSS are the MSS values that a cookie can hold; a peer's own is rounded
// down to one of them.
var cookieMSS = [8]uint16{28, 88, 216, 536, 1220, 1400, 1440, 1460}

// sendCookie answers a SYN without keeping state for it.
func (e *Endpoint) sendCookie(now tcb.Instant, l *Listening, local, remote netip.AddrPort, s *wire.Segment) {
	if len(e.strays) >= maxStrayReplies {
		e.drop("SYN dropped: the backlog is full, and so is the queue of answers")
		return
	}
	l.flooded, l.cookies = true, now
	mss, ok := s.Options.MSS()
	if !ok {
		mss = tcb.DefaultMSS
	}
	index := 0
	for i, m := range cookieMSS {
		if m <= mss {
			index = i
		}
	}
	cfg := e.Config(now, local, remote)
	cfg.SYNSent = true
	if l.Configure != nil {
		l.Configure(&cfg) // the window and MSS must be those that the connection will have
	}
	r := strayReply{local: local.Addr(), remote: remote.Addr(), seg: wire.Segment{
		SrcPort: local.Port(), DstPort: remote.Port(), Flags: wire.SYN | wire.ACK,
		Seq: e.cookie(cookieTime(now), uint32(index), s.Seq, local, remote), Ack: s.Seq.Add(1), Window: cfg.FirstWindow(),
	}}
	r.seg.Options.AddMSS(cfg.MSS)
	e.strays = append(e.strays, r)
}

// receiveCookie takes an ACK to a port that has sent cookies, and reports
// whether no RST must answer it. An ACK of a valid cookie completes a
// handshake. While the queue for Accept is full nothing is answered: the ACK,
// and the data after it, may come from a peer with a valid cookie, which will
// send again.
func (e *Endpoint) receiveCookie(now tcb.Instant, l *Listening, local, remote netip.AddrPort, s *wire.Segment) bool {
	if !l.flooded || now.Sub(l.cookies) > (cookieLife+1)*cookieTick {
		return false
	}
	if l.full() {
		e.drop(fmt.Sprintf("ACK dropped: %d connections to port %d wait to be accepted", len(l.queue), local.Port()))
		return true
	}
	mss, ok := e.openCookie(now, local, remote, s)
	if !ok {
		return false
	}
	syn := wire.Segment{Seq: s.Seq.Add(-1), Flags: wire.SYN, Window: s.Window}
	syn.Options.AddMSS(mss)
	cfg := e.Config(now, local, remote)
	cfg.ISS, cfg.SYNSent = s.Ack.Add(-1), true
	f := e.begin(now, l, local, remote, cfg, &syn)
	if f == nil {
		return false
	}
	f.Machine.Receive(now, s)
	e.Touch(f)
	return true
}

// openCookie reports whether a segment acknowledges a cookie of ours that is
// still valid, and returns the peer's MSS, which is in it.
func (e *Endpoint) openCookie(now tcb.Instant, local, remote netip.AddrPort, s *wire.Segment) (mss uint16, ok bool) {
	cookie, peerISS := s.Ack.Add(-1), s.Seq.Add(-1)
	index := uint32(cookie) >> 24 & 7
	for age := range uint32(cookieLife) {
		if e.cookie(cookieTime(now)-age, index, peerISS, local, remote) == cookie {
			return cookieMSS[index], true
		}
	}
	return 0, false
}

func cookieTime(now tcb.Instant) uint32 { return uint32(now.Sub(0) / cookieTick) }

func (e *Endpoint) cookie(tick, index uint32, peerISS wire.Seq, local, remote netip.AddrPort) wire.Seq {
	low := e.flowHash("cookie", local, remote, tick, index, uint32(peerISS)) & (1<<24 - 1)
	return wire.Seq(tick<<27 | index<<24 | low)
}
