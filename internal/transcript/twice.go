// Recognizes a packet that a capture holds twice. A capture on all interfaces
// of a machine, or on a mirrored port, holds a packet once for each place that
// it passed, with a hop limit that routers have counted down meanwhile, and
// perhaps with a checksum that was left to a network card at one place and not
// at the other.

package transcript

import (
	"hash/maphash"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// recentFrames is how many frames of a direction are compared, since taps
	// hand packets over in batches.
	recentFrames = 64
	// sameID is how long ago a packet may have been seen first, if its sender
	// gives each packet its own identification: a retransmission has another
	// one.
	sameID = time.Second
	// sameTime is the same for packets without one (IPv6, or an identification
	// that never changes). No retransmission comes that soon.
	sameTime = 2 * time.Millisecond
)

// A sighted frame is one that others are compared with.
type sighted struct {
	at   time.Duration
	hash uint64
	link uint64 // a hash of what the link put before the packet
	id   uint32 // 0: none
}

// recent are the last frames of a direction, the oldest overwritten first.
type recent struct {
	frames   [recentFrames]sighted
	count    int
	numbered bool // identifications differ from packet to packet
}

var hashSeed = maphash.MakeSeed()

// seenTwice reports whether a frame is the same packet as one before it.
func (r *Recorder) seenTwice(f *Frame) bool {
	if f.Segment == nil || f.Dir > In || f.Whole != nil || f.Cut > 0 || f.IP.Fragment.Partial() {
		return false
	}
	list := &r.recent[f.Dir]
	now := sighted{at: f.At, hash: f.hash(), link: maphash.Bytes(hashSeed, f.Raw[:len(f.Raw)-len(f.Packet)])}
	if f.IP.Version == 4 {
		now.id = f.IP.Fragment.ID
	}
	if list.count > 0 {
		last := &list.frames[(list.count-1)%recentFrames]
		list.numbered = list.numbered || last.id != now.id && last.hash != now.hash
	}
	twice := list.has(&now, f)
	if !twice {
		list.frames[list.count%recentFrames] = now
		list.count++
	}
	return twice
}

func (l *recent) has(now *sighted, f *Frame) bool {
	identified := l.numbered && now.id != 0
	// A bare acknowledgment may be repeated at once, to report that a hole is
	// still there (RFC 5681, section 4.2). Then it passes the same place again.
	repeats := f.Segment.Len() == 0 && !f.Segment.Flags.Has(wire.RST)
	for i := range min(l.count, recentFrames) {
		before := &l.frames[i]
		if before.hash != now.hash || before.id != now.id || !identified && repeats && before.link == now.link {
			continue
		}
		apart := (now.at - before.at).Abs()
		if apart <= sameTime || identified && apart <= sameID {
			return true
		}
	}
	return false
}

// hash is a hash of the segment without its checksum.
func (f *Frame) hash() uint64 {
	const checksum, after = 16, 18                                       // its place in the TCP header
	b := f.Packet[f.IP.HeaderLen():min(f.IP.TotalLength, len(f.Packet))] // without a short frame's padding
	var h maphash.Hash
	h.SetSeed(hashSeed)
	h.Write(b[:min(checksum, len(b))])
	h.Write(b[min(after, len(b)):])
	return h.Sum64()
}
