package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// hopLimit is the TTL of what we send (IANA's recommended default, RFC 1700).
const hopLimit = 64

// receiveBuffer is the window that we offer. It needs no scale.
const receiveBuffer = 1<<16 - 1

// A path is an interface of this machine and an address on it by which targets
// are reached.
type path struct {
	link       link.Ring
	witness    bool // it sees the kernel's RSTs
	local      netip.Addr
	first      uint16 // of the loop's ports
	mss        uint16
	hop        link.Hop                // of all targets, where there is nobody to ask
	neighbours *neighbours.Table       // or who finds theirs; nil: nobody
	written    map[netip.Addr]link.Hop // those of whom nobody asks
	ipID       uint16

	profile *tcb.Profile // see loop.profile

	syn   []byte // the SYN to nobody, as a packet: what changes is written over it
	tcpAt int    // where its TCP header begins
	dstAt int    // and where its destination
	sum   uint32 // of all words of the TCP checksum that do not change
	ipSum uint32 // and of the IPv4 header's
	tsAt  int    // where its TSval stands
	route link.Route
	ports uint16
}

// Offsets in a TCP header (RFC 9293, section 3.1).
const (
	tcpSrcPort  = 0
	tcpDstPort  = 2
	tcpSeq      = 4
	tcpChecksum = 16
)

// config is what all connections have in common.
func (p *path) config() tcb.Config {
	cfg := tcb.Config{MSS: p.mss, ReceiveBuffer: receiveBuffer, DataOnACK: true}
	if p.local.Is6() {
		cfg.PeerMSS = 1220 // RFC 9293, section 3.7.1
	}
	return cfg
}

// profile is that of a path's connections, whose SYN has left when they begin.
func (l *loop) profile(p *path) *tcb.Profile {
	if p.profile == nil {
		cfg := p.config()
		cfg.SYNSent, cfg.UserTimeout, cfg.Pool = true, l.o.Timeout, &l.pool
		p.profile = tcb.NewProfile(cfg)
	}
	return p.profile
}

// makeSYN has the machine itself make the SYN that is copied for all.
func (p *path) makeSYN() {
	cfg := p.config()
	c := tcb.New(cfg)
	c.Open(0)
	var s wire.Segment
	c.Next(0, &s)
	nobody := netip.IPv4Unspecified()
	p.dstAt, p.tcpAt = 16, wire.IPv4HeaderLen
	if p.local.Is6() {
		nobody, p.dstAt, p.tcpAt = netip.IPv6Unspecified(), 24, wire.IPv6HeaderLen
	}
	p.syn = p.appendPacket(nil, nobody, &s, false)
	tcp := p.syn[p.tcpAt:]
	clear(tcp[tcpChecksum:][:2])
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
	p.sum = uint32(^wire.TCPChecksum(tcp, p.local, nobody))
	if p.local.Is4() {
		clear(p.syn[ipID:][:2])
		clear(p.syn[ipChecksum:][:2])
		p.ipSum = uint32(^wire.Checksum(p.syn[:p.tcpAt]))
	}
}

// Offsets in an IPv4 header (RFC 791, section 3.1).
const (
	ipID       = 4
	ipChecksum = 10
)

// aim writes a target into the SYN, and gives the packet. It is valid until
// the next call.
func (p *path) aim(t *Target, local uint16, iss, tsVal uint32) []byte {
	b := p.syn
	var dst uint32
	if p.local.Is4() {
		a := t.Addr.As4()
		copy(b[p.dstAt:], a[:])
		dst = sumOf(a[:])
		p.ipID++
		binary.BigEndian.PutUint16(b[ipID:], p.ipID)
		binary.BigEndian.PutUint16(b[ipChecksum:], ^fold(p.ipSum+dst+uint32(p.ipID)))
	} else {
		a := t.Addr.As16()
		copy(b[p.dstAt:], a[:])
		dst = sumOf(a[:])
	}
	tcp := b[p.tcpAt:]
	binary.BigEndian.PutUint16(tcp[tcpSrcPort:], local)
	binary.BigEndian.PutUint16(tcp[tcpDstPort:], t.Port)
	binary.BigEndian.PutUint32(tcp[tcpSeq:], iss)
	sum := p.sum + dst + uint32(local) + uint32(t.Port) + iss>>16 + iss&0xffff
	if p.tsAt > 0 {
		binary.BigEndian.PutUint32(b[p.tsAt:], tsVal)
		sum += tsVal>>16 + tsVal&0xffff
	}
	binary.BigEndian.PutUint16(tcp[tcpChecksum:], ^fold(sum))
	return b
}

// sumOf adds 16-bit words (RFC 1071).
func sumOf(b []byte) (sum uint32) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

// appendPacket wraps a segment of ours into an IP packet, which routers may
// fragment or not.
func (p *path) appendPacket(b []byte, dst netip.Addr, s *wire.Segment, fragments bool) []byte {
	n := s.HeaderLen() + len(s.Payload)
	if p.local.Is4() {
		if p.ipID++; p.ipID == 0 {
			p.ipID = 1 // a raw socket's kernel replaces 0 by an ID of its own
		}
		h := wire.IPv4{ID: p.ipID, DontFragment: !fragments, TTL: hopLimit, Protocol: wire.ProtocolTCP, Src: p.local, Dst: dst}
		b = h.AppendTo(b, n)
	} else {
		h := wire.IPv6{HopLimit: hopLimit, NextHeader: wire.ProtocolTCP, Src: p.local, Dst: dst}
		b = h.AppendTo(b, n)
	}
	return s.AppendTo(b, p.local, dst)
}

// tsClock is the timestamp clock of package tcb: milliseconds.
func tsClock(now tcb.Instant) uint32 { return uint32(now / tcb.Instant(time.Millisecond)) }
