// Opens a capture of either format and reads it packet by packet.

package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// maxPacket is the most that is read of one packet, in bytes: libpcap's largest
// snap length. What a file claims beyond that is passed over.
const maxPacket = 256 << 10

// A Packet is one frame of a capture.
type Packet struct {
	Number   int       // in the file, 1 for the first
	Offset   int64     // of its block or record in the file
	At       time.Time // of a packet without a time, that of the one before
	Link     wire.LinkType
	Data     []byte   // as captured; valid until the next packet is read
	Length   int      // of the frame as it was, in bytes: more than len(Data) if it was cut
	Comments []string // text from whoever wrote the file
	Joined   []int    // the frames that Data is put together from; see Fragments

	Header wire.LinkHeader // what stands before the IP packet, once that is found
}

// ErrNotCapture says that a file is neither pcap nor pcapng.
var ErrNotCapture = errors.New("this is no capture: it begins neither as pcap nor as pcapng")

// compressions are programs that undo what a file begins as.
var compressions = []struct{ magic, program string }{
	{"\x1f\x8b", "gzip -dc"}, {"\x28\xb5\x2f\xfd", "zstd -dc"}, {"\xfd7zXZ", "xz -dc"}, {"BZh", "bzip2 -dc"}, {"\x04\x22\x4d\x18", "lz4 -dc"},
}

// notCapture is ErrNotCapture of a file that begins as b, with a way out where
// there is one.
func notCapture(b []byte) error {
	for _, c := range compressions {
		if bytes.HasPrefix(b, []byte(c.magic)) {
			return fmt.Errorf("%w, but as a compressed file: %s FILE | rawshake explain -", ErrNotCapture, c.program)
		}
	}
	return ErrNotCapture
}

// A Reader reads a capture file, pcap or pcapng of either byte order, from
// front to back, and holds one packet of it at a time. Whatever lengths the
// file claims, memory is bounded.
type Reader struct {
	// Secrets is told each secret that the file holds, in the order of the
	// file; the slices are the callee's to keep. May be nil.
	Secrets func(label string, clientRandom, secret []byte)

	src    *source
	format format
	count  int
	packet []byte // reused
	last   time.Time
	err    error // sticks
}

// A format reads one packet of its kind of file into p, or returns io.EOF at
// the end.
type format interface {
	next(r *Reader, p *Packet) error
}

// NewReader looks at the first bytes and returns a reader of what they begin.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{src: newSource(from)}
	magic, err := r.src.r.Peek(4)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: it has %d bytes", ErrNotCapture, len(magic))
		}
		return nil, err
	}
	if binary.BigEndian.Uint32(magic) == blockSection {
		r.format = &ngReader{}
		return r, nil
	}
	classic, err := newClassicReader(r.src)
	if err != nil {
		return nil, err
	}
	r.format = classic
	return r, nil
}

// Next reads the next packet into p. At the end of the file it returns io.EOF,
// and where the file is broken a [*BrokenError].
func (r *Reader) Next(p *Packet) error {
	if r.err != nil {
		return r.err
	}
	*p = Packet{Comments: p.Comments[:0]}
	if r.err = r.format.next(r, p); r.err != nil {
		return r.err
	}
	r.count++
	p.Number = r.count
	if p.At.IsZero() {
		p.At = r.last
	}
	r.last = p.At
	return nil
}

// Offset is how much of the file was read, in bytes.
func (r *Reader) Offset() int64 { return r.src.at }

// data reads a packet of n bytes, the first maxPacket of it.
func (r *Reader) data(n int64) ([]byte, error) {
	keep := int(min(n, maxPacket))
	if cap(r.packet) < keep {
		r.packet = make([]byte, keep)
	}
	b := r.packet[:keep]
	if err := r.src.read(b); err != nil {
		return nil, midway(err)
	}
	if rest := n - int64(keep); rest > 0 {
		if err := r.src.skip(rest); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// midway is what the end of the file means after a beginning.
func midway(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
