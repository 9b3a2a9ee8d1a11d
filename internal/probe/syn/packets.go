// The packets of the SYN side, made from templates.

package syn

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
)

// ReceiveBuffer is the window that we offer. It needs no scale.
const ReceiveBuffer = 1<<16 - 1

// Packets makes the packets of a path, which all leave from one address of this
// machine. It is not safe for concurrent use.
type Packets struct {
	Local netip.Addr
	mss   uint16
	ecn   wire.ECNMode
	ipID  uint16

	profile *tcb.Profile // see Profile
	opening *tcb.Profile // see Opening

	syn   []byte // the SYN to nobody, as a packet: what changes is written over it
	tcpAt int    // where its TCP header begins
	dstAt int    // and where its destination
	sum   uint64 // of all words of the TCP checksum that do not change
	ipSum uint64 // and of the IPv4 header's
	tsAt  int    // where its TSval stands
}

// NewPackets makes those of an address and an MSS, whose SYNs ask for this kind of ECN.
func NewPackets(local netip.Addr, mss uint16, ecn wire.ECNMode) Packets {
	p := Packets{Local: local, mss: mss, ecn: ecn}
	p.makeSYN()
	return p
}

// config is what all connections have in common.
func (p *Packets) config() tcb.Config {
	cfg := tcb.Config{MSS: p.mss, ECN: p.ecn, ReceiveBuffer: ReceiveBuffer, DataOnACK: true}
	if p.Local.Is6() {
		cfg.PeerMSS = 1220 // RFC 9293, section 3.7.1
	}
	return cfg
}

// Profile is that of the path's connections, whose SYN has left when they begin. It is
// made at the first call.
func (p *Packets) Profile(timeout time.Duration, pool *slab.Pool) *tcb.Profile {
	if p.profile == nil {
		cfg := p.config()
		cfg.SYNSent, cfg.UserTimeout, cfg.Pool = true, timeout, pool
		p.profile = tcb.NewProfile(cfg)
	}
	return p.profile
}

// Opening is that of connections that send their SYN themselves.
func (p *Packets) Opening(timeout time.Duration, pool *slab.Pool) *tcb.Profile {
	if p.opening == nil {
		cfg := p.config()
		cfg.UserTimeout, cfg.Pool = timeout, pool
		p.opening = tcb.NewProfile(cfg)
	}
	return p.opening
}

// makeSYN has the machine itself make the SYN that is copied for all.
func (p *Packets) makeSYN() {
	cfg := p.config()
	c := tcb.New(cfg)
	c.Open(0)
	var s wire.Segment
	c.Next(0, &s)
	nobody := netip.IPv4Unspecified()
	p.dstAt, p.tcpAt = wire.IPv4DstOffset, wire.IPv4HeaderLen
	if p.Local.Is6() {
		nobody, p.dstAt, p.tcpAt = netip.IPv6Unspecified(), wire.IPv6DstOffset, wire.IPv6HeaderLen
	}
	p.syn = p.Append(nil, nobody, &s, false)
	tcp := p.syn[p.tcpAt:]
	clear(tcp[wire.TCPChecksumOffset:][:2])
	// The TSval of this SYN is 0, so that it can be found in no other way than
	// by walking the options.
	for at := wire.TCPHeaderLen; at < len(tcp); {
		switch wire.OptionKind(tcp[at]) {
		case wire.OptNOP, wire.OptEOL:
			at++
		case wire.OptTimestamps:
			p.tsAt = p.tcpAt + at + 2
			at += int(tcp[at+1])
		default:
			at += int(tcp[at+1])
		}
	}
	p.sum = uint64(^wire.TCPChecksum(tcp, p.Local, nobody))
	if p.Local.Is4() {
		clear(p.syn[wire.IPv4IDOffset:][:2])
		clear(p.syn[wire.IPv4ChecksumOffset:][:2])
		p.ipSum = uint64(^wire.Checksum(p.syn[:p.tcpAt]))
	}
}

// SYN is the packet of the SYN to a target from one of our ports. It is valid until the
// next call.
func (p *Packets) SYN(to netip.Addr, remote, local uint16, iss, tsVal uint32) []byte {
	b := p.syn
	var dst uint64
	if p.Local.Is4() {
		a := to.As4()
		copy(b[p.dstAt:], a[:])
		dst = wire.Sum(a[:], 0)
		p.ipID++
		binary.BigEndian.PutUint16(b[wire.IPv4IDOffset:], p.ipID)
		binary.BigEndian.PutUint16(b[wire.IPv4ChecksumOffset:], ^wire.Fold(p.ipSum+dst+uint64(p.ipID)))
	} else {
		a := to.As16()
		copy(b[p.dstAt:], a[:])
		dst = wire.Sum(a[:], 0)
	}
	tcp := b[p.tcpAt:]
	binary.BigEndian.PutUint16(tcp[wire.TCPSrcPortOffset:], local)
	binary.BigEndian.PutUint16(tcp[wire.TCPDstPortOffset:], remote)
	binary.BigEndian.PutUint32(tcp[wire.TCPSeqOffset:], iss)
	sum := p.sum + dst + uint64(local) + uint64(remote) + uint64(iss)
	if p.tsAt > 0 {
		binary.BigEndian.PutUint32(b[p.tsAt:], tsVal)
		sum += uint64(tsVal)
	}
	binary.BigEndian.PutUint16(tcp[wire.TCPChecksumOffset:], ^wire.Fold(sum))
	return b
}

// Append wraps a segment of ours into an IP packet, which routers may
// fragment or not.
func (p *Packets) Append(b []byte, dst netip.Addr, s *wire.Segment, fragments bool) []byte {
	h := wire.IP{DontFragment: !fragments, HopLimit: wire.DefaultHopLimit, Src: p.Local, Dst: dst}
	if p.Local.Is4() {
		if p.ipID++; p.ipID == 0 {
			p.ipID = 1 // a raw socket's kernel replaces 0 by an ID of its own
		}
		h.Fragment.ID = uint32(p.ipID)
	}
	return h.AppendSegment(b, s)
}

// Clock is the timestamp clock of package tcb: milliseconds.
func Clock(now wire.Instant) uint32 { return uint32(now / wire.Instant(time.Millisecond)) }
