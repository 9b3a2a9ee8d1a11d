// How large the packets of a path may be, as earlier connections found.

package endpoint

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// pathLifetime is how long a path's size, as a connection found it, is used
	// for others (RFC 1191, section 6.3; RFC 8201, section 5.3).
	pathLifetime = 10 * time.Minute
	// maxPaths bounds the narrow paths that are remembered.
	maxPaths = 256
	// peerMSS6 is the MSS of a peer that announces none, over IPv6 (RFC 9293,
	// section 3.7.1, MUST-15).
	peerMSS6 = wire.IPv6MinMTU - wire.IPv6HeaderLen - wire.TCPHeaderLen
)

// A path is what a connection learned about the path to an address.
type path struct {
	segment   int  // what it takes, in octets of options and payload
	fragments bool // it takes less than a connection's smallest segment
	until     tcb.Instant
}

// fitPath sets the sizes in cfg for a connection to remote, from the link's MTU
// in bytes and from what earlier connections learned about the path.
func (e *Endpoint) fitPath(cfg *tcb.Config, now tcb.Instant, remote netip.Addr, mtu int) {
	headers := wire.IPv4HeaderLen + wire.TCPHeaderLen
	if !remote.Is4() {
		headers = wire.IPv6HeaderLen + wire.TCPHeaderLen
		cfg.PeerMSS = peerMSS6
	}
	// RFC 9293, section 3.7.1, MUST-67: the MSS option counts neither header's options.
	cfg.MSS = uint16(min(mtu, 1<<16-1) - headers)
	if p, ok := e.paths[remote]; ok && now.Before(p.until) {
		cfg.MaxSegment, cfg.MayFragment = min(int(cfg.MSS), p.segment), p.fragments
	}
	if e.cfg.MaxMSS > 0 && e.cfg.MaxMSS < int(cfg.MSS) { // bounds what we receive; we may send more
		cfg.MaxSegment = cmp.Or(cfg.MaxSegment, int(cfg.MSS))
		cfg.MSS = uint16(e.cfg.MaxMSS)
	}
}

// learnPath remembers for later connections that f has found its path narrower
// than it was configured.
func (e *Endpoint) learnPath(now tcb.Instant, f *Flow) {
	n, fragments := f.Machine.MaxSegment(), f.Machine.MayFragment()
	if n == 0 || n >= f.segment && (f.fragments || !fragments) {
		return
	}
	f.segment, f.fragments = n, fragments
	if e.paths == nil {
		e.paths = make(map[netip.Addr]path)
	}
	to := f.Remote.Addr()
	if _, known := e.paths[to]; !known && len(e.paths) >= maxPaths {
		e.forgetPath()
	}
	e.paths[to] = path{segment: n, fragments: fragments, until: now.Add(pathLifetime)}
}

// forgetPath makes room for another path: the oldest is dropped.
func (e *Endpoint) forgetPath() {
	var oldest netip.Addr
	for a, p := range e.paths {
		if !oldest.IsValid() || p.until.Before(e.paths[oldest].until) {
			oldest = a
		}
	}
	delete(e.paths, oldest)
}
