// Reads classic pcap files (draft-ietf-opsawg-pcap): a header, then records of
// a time, two lengths and a packet.

package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // by Alexey Kuznetsov: eight more bytes in each record
)

type classicReader struct {
	order  binary.ByteOrder
	unit   time.Duration // of the fraction of a second
	link   wire.LinkType
	header [24]byte // of a record: 16 bytes, or 24 of the modified kind
	size   int
}

func newClassicReader(src *source) (*classicReader, error) {
	var h [24]byte
	readErr := src.read(h[:])
	f := &classicReader{unit: time.Microsecond, size: 16}
	for _, f.order = range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch f.order.Uint32(h[:]) {
		case magicMicro:
		case magicNano:
			f.unit = time.Nanosecond
		case magicModified:
			f.size = 24
		default:
			continue
		}
		if readErr != nil {
			return nil, broken(0, "file header", midway(readErr))
		}
		f.link = wire.LinkType(f.order.Uint32(h[20:]) & 0xffff) // the bits above are the length of a frame check sequence
		return f, nil
	}
	return nil, notCapture(h[:])
}

func (f *classicReader) next(r *Reader, p *Packet) error {
	p.Offset = r.src.at
	h := f.header[:f.size]
	where := func() string { return fmt.Sprintf("packet record %d", r.count+1) }
	if err := r.src.read(h); err != nil {
		if err == io.EOF {
			return io.EOF
		}
		return broken(p.Offset, where(), err)
	}
	captured, length := f.order.Uint32(h[8:]), f.order.Uint32(h[12:])
	var err error
	if p.Data, err = r.data(int64(captured)); err != nil {
		return broken(p.Offset, where()+fmt.Sprintf(" of %d bytes", captured), err)
	}
	p.At = time.Unix(int64(f.order.Uint32(h)), int64(f.order.Uint32(h[4:]))*int64(f.unit))
	p.Link, p.Length = f.link, int(max(length, captured))
	return nil
}
