// Fragments of IP packets, kept until they are complete, within fixed bounds.

package reassembly

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// Lifetime is how long a packet's fragments wait for the rest, from the
	// first one (RFC 8200, section 4.5; RFC 1122, section 3.3.2).
	Lifetime = 60 * time.Second
	// MaxPackets bounds the packets that wait.
	MaxPackets = 64
	// MaxBytes bounds the bytes of all that wait, with some for the memory that
	// each fragment costs besides.
	MaxBytes = 256 << 10
	// maxPieces bounds the fragments of one packet that wait: enough for 64 KiB
	// over the narrowest links.
	maxPieces = 128
	// pieceCost is what a fragment costs besides its bytes.
	pieceCost = 64
	// maxPayload is the largest packet that fragments may add up to.
	maxPayload = 1<<16 - 1
)

// A Buffer puts packets together that arrived in fragments. Its memory is
// bounded; when it is full the oldest packet is dropped first. The zero Buffer
// is empty and ready to use. A Buffer is for one goroutine at a time.
type Buffer struct {
	queues []*queue // by age
	bytes  int
	whole  []byte // the packet put together last; reused
}

// A queue is one packet of which fragments have arrived.
type queue struct {
	src, dst netip.Addr
	id       uint32
	protocol uint8 // part of the key for IPv4 only (RFC 791, section 3.2)

	deadline wire.Instant
	pieces   []piece // by offset, without overlaps
	total    int     // the payload's length, or -1 until the last fragment has come
	first    uint8   // the protocol in the first fragment
	refusal  string  // why a fragment's headers make the packet unusable
	spoilt   bool    // fragments overlapped: the rest is dropped too
	ecn      [4]bool // which codepoints the fragments have
}

type piece struct {
	offset int
	data   []byte
}

func (p piece) end() int { return p.offset + len(p.data) }

// Why fragments are dropped.
var (
	errOverlap  = errors.New("a fragment overlaps another: the packet is dropped (RFC 5722)")
	errSpoilt   = errors.New("a fragment of a packet that was dropped for overlapping fragments")
	errTooMany  = errors.New("a packet in too many fragments")
	errOddPiece = errors.New("a fragment that is not the last, of a length that is no multiple of 8")
	errEmpty    = errors.New("a fragment without data")
	errTooLong  = fmt.Errorf("a fragment that ends beyond the %d bytes of the largest packet", maxPayload)
	errNested   = errors.New("a fragment of a fragment")
	errMarked   = errors.New("a fragment marked as congested, of a packet that is not ECN-capable (RFC 3168, section 5.3)")
	errEnds     = errors.New("fragments that contradict each other about their packet's length")
)

// Held returns how many packets wait for fragments, and the bytes that they
// cost.
func (r *Buffer) Held() (packets, bytes int) { return len(r.queues), r.bytes }

// Add takes one fragment with its data, which is copied. If the fragment
// completes a packet, Add returns the payload behind all headers, which is
// valid until the next call, and changes h to what it would have been if the
// packet had not been fragmented. An error says why the fragment was dropped.
func (r *Buffer) Add(now wire.Instant, h *wire.IP, data []byte) ([]byte, error) {
	r.expire(now)
	f := h.Fragment
	switch {
	case len(data) == 0:
		return nil, errEmpty
	case f.More && len(data)%8 != 0:
		return nil, errOddPiece
	case f.Offset+len(data) > maxPayload:
		return nil, errTooLong
	}
	p := r.find(now, h)
	if p.spoilt {
		return nil, errSpoilt
	}
	if err := r.place(p, h, data); err != nil {
		r.spoil(p)
		return nil, err
	}
	r.makeRoom(p)
	if !p.complete() {
		return nil, nil
	}
	r.whole = r.whole[:0]
	for _, x := range p.pieces {
		r.whole = append(r.whole, x.data...)
	}
	h.Protocol, h.Refusal, h.Fragment = p.first, p.refusal, wire.Fragment{}
	r.remove(p)
	if p.ecn[wire.CE] {
		if p.ecn[wire.NotECT] {
			return nil, errMarked
		}
		h.TrafficClass |= uint8(wire.CE)
	}
	return finish(h, r.whole)
}

// finish reads the IPv6 extension headers that are in the fragmented part.
func finish(h *wire.IP, whole []byte) ([]byte, error) {
	if h.Version != 6 {
		return whole, nil
	}
	c := field.New("IPv6", whole)
	var x wire.Extensions
	if err := x.Decode(&c, h.Protocol); err != nil {
		return nil, err
	}
	if x.Fragment.Partial() {
		return nil, errNested
	}
	h.Protocol = x.Protocol
	if h.Refusal == "" {
		h.Refusal = x.Refusal
	}
	return c.Ahead(), nil
}

// find finds the packet that a fragment belongs to, or begins one.
func (r *Buffer) find(now wire.Instant, h *wire.IP) *queue {
	key := queue{src: h.Src, dst: h.Dst, id: h.Fragment.ID}
	if h.Version == 4 {
		key.protocol = h.Protocol
	}
	for _, p := range r.queues {
		if p.src == key.src && p.dst == key.dst && p.id == key.id && p.protocol == key.protocol {
			return p
		}
	}
	if len(r.queues) == MaxPackets {
		r.remove(r.queues[0])
	}
	key.deadline, key.total = now.Add(Lifetime), -1
	r.queues = append(r.queues, &key)
	return &key
}

// place puts a fragment in its place. An exact duplicate changes nothing (RFC
// 8200, section 4.5); any other overlap is an error.
func (r *Buffer) place(p *queue, h *wire.IP, data []byte) error {
	x := piece{h.Fragment.Offset, data}
	i := 0
	for i < len(p.pieces) && p.pieces[i].offset < x.offset {
		i++
	}
	switch {
	case i < len(p.pieces) && p.pieces[i].offset == x.offset && bytes.Equal(p.pieces[i].data, data):
		return nil
	case i > 0 && p.pieces[i-1].end() > x.offset, i < len(p.pieces) && p.pieces[i].offset < x.end():
		return errOverlap
	case len(p.pieces) == maxPieces:
		return errTooMany
	case p.total >= 0 && (x.end() > p.total || !h.Fragment.More):
		return errEnds
	case !h.Fragment.More && i < len(p.pieces): // there is data beyond the end
		return errEnds
	}
	if !h.Fragment.More {
		p.total = x.end()
	}
	if x.offset == 0 {
		p.first = h.Protocol
	}
	p.ecn[h.ECN()] = true
	if p.refusal == "" {
		p.refusal = h.Refusal
	}
	x.data = bytes.Clone(data)
	p.pieces = append(p.pieces, piece{})
	copy(p.pieces[i+1:], p.pieces[i:])
	p.pieces[i] = x
	r.bytes += x.cost()
	return nil
}

func (p piece) cost() int { return len(p.data) + pieceCost }

func (p *queue) complete() bool {
	at := 0
	for _, x := range p.pieces {
		if x.offset != at {
			return false
		}
		at = x.end()
	}
	return at == p.total
}

// makeRoom drops the oldest packets, except keep, until the rest is within
// bounds. One packet alone always is.
func (r *Buffer) makeRoom(keep *queue) {
	for i := 0; r.bytes > MaxBytes && i < len(r.queues); {
		if p := r.queues[i]; p != keep {
			r.remove(p)
		} else {
			i++
		}
	}
}

func (r *Buffer) expire(now wire.Instant) {
	for len(r.queues) > 0 && !now.Before(r.queues[0].deadline) {
		r.remove(r.queues[0])
	}
}

// spoil discards a packet's fragments, and marks it so that later ones are
// dropped (RFC 5722, section 4).
func (r *Buffer) spoil(p *queue) {
	p.spoilt = true
	for _, x := range p.pieces {
		r.bytes -= x.cost()
	}
	p.pieces = nil
}

func (r *Buffer) remove(p *queue) {
	r.spoil(p)
	for i := range r.queues {
		if r.queues[i] == p {
			r.queues = append(r.queues[:i], r.queues[i+1:]...)
			return
		}
	}
}
