// Reads pcapng, whatever a file claims.

package capture

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// maxInterfaces bounds the interfaces of a section.
	maxInterfaces = 4096
	// maxOptions bounds how much is read of a block's options, in bytes.
	maxOptions = 256 << 10
	// maxComments bounds the comments of one packet.
	maxComments = 256
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// ngReader reads pcapng: sections of blocks, each with its length at both ends.
type ngReader struct {
	order      byteOrder
	interfaces []ngInterface
	blocks     int

	// Of the block that is being read.
	offset int64
	typ    uint32
	left   int64 // of its body

	options []byte // reused
}

// ngInterface is what an Interface Description Block says that reading needs.
type ngInterface struct {
	link       wire.LinkType
	snapLength uint32
	clock      clock
}

func (f *ngReader) where() string { return fmt.Sprintf("block %d (%s)", f.blocks, blockName(f.typ)) }

func (f *ngReader) next(r *Reader, p *Packet) error {
	for {
		length, err := f.begin(r.src)
		if err == io.EOF {
			return io.EOF
		}
		found := false
		if err == nil {
			found, err = f.block(r, p)
		}
		if err == nil {
			err = f.end(r.src, length)
		}
		if err != nil {
			return broken(f.offset, f.where(), midway(err))
		}
		if found {
			p.Offset = f.offset
			return nil
		}
	}
}

// begin reads a block's type and length.
func (f *ngReader) begin(src *source) (length uint32, err error) {
	f.offset, f.typ = src.at, 0
	f.blocks++
	var h [8]byte
	if err := src.read(h[:]); err != nil {
		return 0, err
	}
	if binary.BigEndian.Uint32(h[:]) == blockSection {
		if err := f.section(src); err != nil {
			return 0, err
		}
	}
	if f.order == nil {
		return 0, fmt.Errorf("the file does not begin with a section header")
	}
	f.typ, length = f.order.Uint32(h[:]), f.order.Uint32(h[4:])
	if length < blockOverhead || length%4 != 0 {
		return 0, fmt.Errorf("its length is %d, expected a multiple of 4 that is at least %d", length, blockOverhead)
	}
	f.left = int64(length) - blockOverhead
	if f.typ == blockSection {
		if f.left -= 4; f.left < 0 { // the byte-order magic is read
			return 0, fmt.Errorf("its length is %d, too short for a section header", length)
		}
	}
	return length, nil
}

// section begins a section, of either byte order.
func (f *ngReader) section(src *source) error {
	f.typ = blockSection
	var magic [4]byte
	if err := src.read(magic[:]); err != nil {
		return midway(err)
	}
	switch byteOrderMagic {
	case binary.LittleEndian.Uint32(magic[:]):
		f.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic[:]):
		f.order = binary.BigEndian
	default:
		return fmt.Errorf("its byte-order magic is %#x, expected %#x in either order", magic, byteOrderMagic)
	}
	f.interfaces = f.interfaces[:0]
	return nil
}

// end skips the rest of a block and checks the length at its end.
func (f *ngReader) end(src *source, length uint32) error {
	if err := src.skip(f.left); err != nil {
		return err
	}
	var b [4]byte
	if err := src.read(b[:]); err != nil {
		return err
	}
	if again := f.order.Uint32(b[:]); again != length {
		return fmt.Errorf("its length is %d at its front and %d at its end", length, again)
	}
	return nil
}

// take reads n bytes of the block's body.
func (f *ngReader) take(src *source, b []byte) error {
	if int64(len(b)) > f.left {
		return fmt.Errorf("it is too short: %d bytes left of %d", f.left, len(b))
	}
	f.left -= int64(len(b))
	return src.read(b)
}

// block reads as much of a body as is of use, and reports whether it is a
// packet.
func (f *ngReader) block(r *Reader, p *Packet) (found bool, err error) {
	switch f.typ {
	case blockInterface:
		return false, f.interfaceDescription(r.src)
	case blockEnhanced, blockPacket:
		return true, f.enhanced(r, p)
	case blockSimple:
		return true, f.simple(r, p)
	case blockSecrets:
		return false, f.secrets(r)
	}
	return false, nil
}

func (f *ngReader) interfaceDescription(src *source) error {
	if len(f.interfaces) == maxInterfaces {
		return fmt.Errorf("more than %d interfaces in a section", maxInterfaces)
	}
	var b [8]byte
	if err := f.take(src, b[:]); err != nil {
		return err
	}
	i := ngInterface{link: wire.LinkType(f.order.Uint16(b[:])), snapLength: f.order.Uint32(b[4:]), clock: microseconds}
	err := f.eachOption(src, func(code uint16, value []byte) {
		switch {
		case code == optInterfaceResolution && len(value) == 1:
			i.clock.resolution(value[0])
		case code == optInterfaceOffset && len(value) == 8:
			i.clock.offset = int64(f.order.Uint64(value))
		}
	})
	f.interfaces = append(f.interfaces, i)
	return err
}

// enhanced reads an Enhanced Packet Block, or the obsolete Packet Block, whose
// interface has 16 bits.
func (f *ngReader) enhanced(r *Reader, p *Packet) error {
	var h [20]byte
	if err := f.take(r.src, h[:]); err != nil {
		return err
	}
	id := f.order.Uint32(h[:])
	if f.typ == blockPacket {
		id = uint32(f.order.Uint16(h[:]))
	}
	if int64(id) >= int64(len(f.interfaces)) {
		return fmt.Errorf("its interface is %d, and the section has %d", id, len(f.interfaces))
	}
	i := &f.interfaces[id]
	p.Link = i.link
	p.At = i.clock.time(uint64(f.order.Uint32(h[4:]))<<32 | uint64(f.order.Uint32(h[8:])))
	captured, length := f.order.Uint32(h[12:]), f.order.Uint32(h[16:])
	p.Length = int(max(captured, length))
	if err := f.data(r, p, captured); err != nil {
		return err
	}
	return f.eachOption(r.src, func(code uint16, value []byte) {
		if code == optComment && len(p.Comments) < maxComments {
			p.Comments = append(p.Comments, string(value))
		}
	})
}

// simple reads a Simple Packet Block, which has no time, and as much of the
// packet as the first interface's snap length allows.
func (f *ngReader) simple(r *Reader, p *Packet) error {
	var h [4]byte
	if err := f.take(r.src, h[:]); err != nil {
		return err
	}
	if len(f.interfaces) == 0 {
		return fmt.Errorf("the section has no interface")
	}
	length := f.order.Uint32(h[:])
	captured := length
	if snap := f.interfaces[0].snapLength; snap > 0 {
		captured = min(captured, snap)
	}
	p.Link, p.Length = f.interfaces[0].link, int(length)
	return f.data(r, p, captured)
}

func (f *ngReader) data(r *Reader, p *Packet, captured uint32) (err error) {
	n := (int64(captured) + 3) &^ 3
	if n > f.left {
		return fmt.Errorf("it claims a packet of %d bytes, with %d left in the block", captured, f.left)
	}
	f.left -= n
	if p.Data, err = r.data(int64(captured)); err != nil {
		return err
	}
	return r.src.skip(n - int64(captured))
}

// eachOption reads the rest of a block as options, and stops where they break
// off.
func (f *ngReader) eachOption(src *source, tell func(code uint16, value []byte)) error {
	n := int(min(f.left, maxOptions))
	if cap(f.options) < n {
		f.options = make([]byte, n)
	}
	b := f.options[:n]
	if err := f.take(src, b); err != nil {
		return err
	}
	for len(b) >= 4 {
		code, length := f.order.Uint16(b), int(f.order.Uint16(b[2:]))
		b = b[4:]
		if code == optEnd || length > len(b) {
			return nil
		}
		tell(code, b[:length])
		b = b[min(padded(length), len(b)):]
	}
	return nil
}

// secrets reads a Decryption Secrets Block.
func (f *ngReader) secrets(r *Reader) error {
	var h [8]byte
	if err := f.take(r.src, h[:]); err != nil {
		return err
	}
	typ, n := f.order.Uint32(h[:]), int64(f.order.Uint32(h[4:]))
	if n > f.left {
		return fmt.Errorf("it claims %d bytes of secrets, with %d left in the block", n, f.left)
	}
	if typ != secretsTLSKeyLog || r.Secrets == nil {
		return nil
	}
	before := r.src.at
	err := ScanKeyLog(r.src.limit(n), r.Secrets)
	f.left -= r.src.at - before
	return err
}
