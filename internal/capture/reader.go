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

// maxPacket bounds how much is read of one packet, in bytes: libpcap's largest
// snap length. The rest is skipped.
const maxPacket = 256 << 10

// A Packet is one frame of a capture.
type Packet struct {
	Number   int       // in the file, 1 for the first
	Offset   int64     // of its block or record in the file
	At       time.Time // the previous packet's, if this one has no time
	Link     wire.LinkType
	Data     []byte   // as captured; valid until the next packet is read
	Length   int      // of the whole frame, in bytes: more than len(Data) if it was cut
	Comments []string // text from whoever wrote the file
	Joined   []int    // the frames that Data is reassembled from; see Fragments

	Header wire.LinkHeader // what precedes the IP packet, once IP has found it
}

// ErrNotCapture says that a file is neither pcap nor pcapng.
var ErrNotCapture = errors.New("this is no capture: it begins neither as pcap nor as pcapng")

// compressions are the programs that decompress a file, by its first bytes.
var compressions = []struct{ magic, program string }{
	{"\x1f\x8b", "gzip -dc"}, {"\x28\xb5\x2f\xfd", "zstd -dc"}, {"\xfd7zXZ", "xz -dc"}, {"BZh", "bzip2 -dc"}, {"\x04\x22\x4d\x18", "lz4 -dc"},
}

// notCapture is ErrNotCapture for a file that begins with b, with a remedy if
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
// front to back, and holds one packet at a time. Memory is bounded, whatever
// lengths the file claims.
type Reader struct {
	// Secrets is called with each secret in the file, in order, and may keep
	// the slices. It may be nil.
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

// NewReader recognizes the format by the first bytes and returns a reader for
// it. The error wraps ErrNotCapture if it is neither pcap nor pcapng.
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

// Next reads the next packet into p. It returns io.EOF at the end of the file,
// and a [*BrokenError] where the file is broken.
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

// midway turns io.EOF in the middle of something into io.ErrUnexpectedEOF.
func midway(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
