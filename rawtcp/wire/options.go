// TCP options (RFC 9293, section 3.2), decoded, looked up and built.

package wire

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/rawshake/rawshake/field"
)

// An OptionKind is a TCP option's kind (IANA, "TCP Option Kind Numbers").
type OptionKind uint8

// The options that are read and made (IANA, "TCP Option Kind Numbers").
const (
	OptEOL           OptionKind = 0 // with the next two, the set that is mandatory (RFC 9293, section 3.2, MUST-4)
	OptNOP           OptionKind = 1
	OptMSS           OptionKind = 2
	OptWindowScale   OptionKind = 3 // RFC 7323, section 2
	OptSACKPermitted OptionKind = 4 // RFC 2018, section 2
	OptSACK          OptionKind = 5 // RFC 2018, section 3
	OptTimestamps    OptionKind = 8 // RFC 7323, section 3
)

// The options that are only read.
const (
	OptMD5      OptionKind = 19  // RFC 2385
	OptAO       OptionKind = 29  // RFC 5925, section 2.2
	OptMPTCP    OptionKind = 30  // RFC 8684, section 3
	OptFastOpen OptionKind = 34  // RFC 7413, section 4.1.1
	OptAccECN0  OptionKind = 172 // with the next one, RFC 9768, section 3.2.3
	OptAccECN1  OptionKind = 174
)

var optionNames = map[OptionKind]string{
	OptEOL: "EOL", OptNOP: "NOP", OptMSS: "MSS", OptWindowScale: "window scale",
	OptSACKPermitted: "SACK permitted", OptSACK: "SACK", OptTimestamps: "timestamps",
	OptMD5: "MD5 signature", OptAO: "TCP-AO", OptMPTCP: "MPTCP", OptFastOpen: "fast open cookie",
	OptAccECN0: "AccECN order 0", OptAccECN1: "AccECN order 1",
}

// String returns the name that tools show, as in "MSS", or "option 254" for a kind
// without one.
func (k OptionKind) String() string {
	if name, ok := optionNames[k]; ok {
		return name
	}
	return fmt.Sprintf("option %d", uint8(k))
}

const (
	// MaxOptionsLen is the most bytes of options that a data offset of 15
	// allows.
	MaxOptionsLen = 40
	// MaxWindowScale is the largest shift count (RFC 7323, section 2.3).
	MaxWindowScale = 14
	// MaxSACKBlocks is how many SACK blocks fit into a segment's options (RFC
	// 2018, section 3).
	MaxSACKBlocks = 4
)

// Options are a segment's TCP options as they are on the wire, in order,
// including unknown ones. The zero value holds none.
type Options struct {
	raw       [MaxOptionsLen]byte
	n         uint8
	cut       uint8 // how many bytes of them a capture left out
	malformed bool
}

// An Option is one option. Data aliases the Options it came from.
type Option struct {
	Kind OptionKind
	Data []byte // without kind and length
}

// A SACKBlock is a run of octets that arrived beyond a hole: Left is its first
// sequence number, Right the one after its last (RFC 2018, section 3).
type SACKBlock struct{ Left, Right Seq }

// Raw returns the options as on the wire. The slice aliases o.
func (o *Options) Raw() []byte { return o.raw[:o.n] }

// Malformed reports whether the options ended in one whose length is impossible
// (0, 1, or past the end). The options before it count (RFC 9293, section 3.2,
// MUST-7).
func (o *Options) Malformed() bool { return o.malformed }

// Cut returns how many bytes of the options a capture left out.
func (o *Options) Cut() int { return int(o.cut) }

// CutOff leaves only the first n bytes of the options, for a segment of which a
// capture left out the rest. An option that is cut is no longer returned.
func (o *Options) CutOff(n int) {
	if n >= int(o.n) {
		return
	}
	o.n, o.cut, o.malformed = uint8(n), o.n-uint8(n), false
	for b := o.raw[:n]; len(b) > 0; {
		opt, size := first(b)
		if size == 0 || opt.Kind == OptEOL {
			o.malformed = size == 0 && len(b) > 1 && b[1] < 2
			return
		}
		b = b[size:]
	}
}

// All returns the well-formed options in order, up to but without the end of
// the list. Unknown kinds are among them: the caller ignores them (RFC 9293,
// MUST-6).
func (o *Options) All() iter.Seq[Option] {
	return func(yield func(Option) bool) {
		for b := o.raw[:o.n]; len(b) > 0; {
			opt, size := first(b)
			if size == 0 || opt.Kind == OptEOL || !yield(opt) {
				return
			}
			b = b[size:]
		}
	}
}

// MSS returns the maximum segment size option's value, in bytes.
func (o *Options) MSS() (uint16, bool) {
	if d := o.find(OptMSS, 2); d != nil {
		return binary.BigEndian.Uint16(d), true
	}
	return 0, false
}

// WindowScale returns the window scale option's shift count as sent; the
// receiver clamps values over MaxWindowScale.
func (o *Options) WindowScale() (uint8, bool) {
	if d := o.find(OptWindowScale, 1); d != nil {
		return d[0], true
	}
	return 0, false
}

// SACKPermitted reports whether the SACK-permitted option is there.
func (o *Options) SACKPermitted() bool { return o.find(OptSACKPermitted, 0) != nil }

// Timestamps returns TSval and TSecr.
func (o *Options) Timestamps() (val, ecr uint32, ok bool) {
	d := o.find(OptTimestamps, 8)
	if d == nil {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:]), true
}

// SACK returns the SACK option's blocks and their number.
func (o *Options) SACK() (blocks [MaxSACKBlocks]SACKBlock, n int) {
	for d := o.find(OptSACK, wholeBlocks); len(d) >= 8 && n < MaxSACKBlocks; d = d[8:] {
		blocks[n] = SACKBlock{Seq(binary.BigEndian.Uint32(d)), Seq(binary.BigEndian.Uint32(d[4:]))}
		n++
	}
	return blocks, n
}

// Add appends an option of any kind, and reports whether it fitted into
// MaxOptionsLen. All but EOL and NOP get a length (RFC 9293, MUST-68).
func (o *Options) Add(kind OptionKind, data ...byte) bool {
	if kind == OptEOL || kind == OptNOP {
		return o.append(byte(kind))
	}
	if int(o.n)+2+len(data) > MaxOptionsLen {
		return false
	}
	o.append(byte(kind), byte(2+len(data)))
	return o.append(data...)
}

// AddMSS appends a maximum segment size option, in bytes.
func (o *Options) AddMSS(mss uint16) bool { return o.Add(OptMSS, byte(mss>>8), byte(mss)) }

// AddWindowScale appends a window scale option.
func (o *Options) AddWindowScale(shift uint8) bool { return o.Add(OptWindowScale, shift) }

// AddSACKPermitted appends a SACK-permitted option.
func (o *Options) AddSACKPermitted() bool { return o.Add(OptSACKPermitted) }

// AddTimestamps appends a timestamps option.
func (o *Options) AddTimestamps(val, ecr uint32) bool {
	return o.Add(OptTimestamps, byte(val>>24), byte(val>>16), byte(val>>8), byte(val),
		byte(ecr>>24), byte(ecr>>16), byte(ecr>>8), byte(ecr))
}

// AddSACK appends one SACK option with as many of the blocks as fit, and
// returns how many did.
func (o *Options) AddSACK(blocks ...SACKBlock) int {
	n := min(len(blocks), (MaxOptionsLen-int(o.n)-2)/8, MaxSACKBlocks)
	if n <= 0 {
		return 0
	}
	o.append(byte(OptSACK), byte(2+8*n))
	for _, b := range blocks[:n] {
		o.append(byte(b.Left>>24), byte(b.Left>>16), byte(b.Left>>8), byte(b.Left),
			byte(b.Right>>24), byte(b.Right>>16), byte(b.Right>>8), byte(b.Right))
	}
	return n
}

func (o *Options) append(b ...byte) bool {
	if int(o.n)+len(b) > MaxOptionsLen {
		return false
	}
	o.n += uint8(copy(o.raw[o.n:], b))
	return true
}

func (o *Options) paddedLen() int { return (int(o.n) + int(o.cut) + 3) &^ 3 }

// appendPadded appends the options, filled up with EOL to the 32-bit boundary
// that the data offset counts in: zeros (RFC 9293, section 3.1, MUST-69).
func (o *Options) appendPadded(b []byte) []byte {
	b = append(b, o.raw[:o.n]...)
	for range o.paddedLen() - int(o.n) {
		b = append(b, byte(OptEOL))
	}
	return b
}

// wholeBlocks, for find, is any number of SACK blocks.
const wholeBlocks = -1

// find returns the data of the first option of a kind and length.
func (o *Options) find(kind OptionKind, size int) []byte {
	for b := o.raw[:o.n]; len(b) > 0; {
		opt, n := first(b)
		if n == 0 || opt.Kind == OptEOL {
			break
		}
		if opt.Kind == kind && (len(opt.Data) == size || size == wholeBlocks && len(opt.Data)%8 == 0) {
			return opt.Data
		}
		b = b[n:]
	}
	return nil
}

// first splits the first option off b, wherever in a word it begins (RFC 9293,
// MUST-64). A size of 0 says that it is malformed.
func first(b []byte) (opt Option, size int) {
	opt.Kind = OptionKind(b[0])
	if opt.Kind == OptEOL || opt.Kind == OptNOP {
		return opt, 1
	}
	if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
		return opt, 0
	}
	opt.Data = b[2:b[1]:b[1]]
	return opt, int(b[1])
}

// decode reads the options, all that is left in the cursor's group.
func (o *Options) decode(c *field.Cursor) {
	o.n, o.cut, o.malformed = 0, 0, false
	if n := c.Left(); n > MaxOptionsLen {
		c.Failf("%d bytes of options, at most %d fit", n, MaxOptionsLen)
		return
	}
	o.n = uint8(copy(o.raw[:], c.Ahead()))
	for c.More() {
		c.Item()
		o.decodeOne(c)
		c.Leave()
	}
}

func (o *Options) decodeOne(c *field.Cursor) {
	kind := field.Enum8[OptionKind](c, "kind")
	switch kind {
	case OptEOL:
		if c.More() {
			c.Rest("padding")
		}
		return
	case OptNOP:
		return
	}
	if !c.More() {
		o.malformed = true
		return
	}
	n := int(c.Uint8("length")) - 2
	if n < 0 || n > c.Left() {
		o.malformed = true
		c.Means("impossible")
		if c.More() {
			c.Rest("malformed")
		}
		return
	}
	decodeOptionData(c, kind, n)
}

// IsZero reports whether there are no options.
func (o *Options) IsZero() bool { return o.n == 0 }
