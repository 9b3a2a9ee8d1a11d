// Handshake messages put together from the fragments of records.

package tlsmsg

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/slab"
)

// DefaultMaxMessage is the length of the longest handshake message that an
// Assembler accepts by default, in bytes without the header. Chains of
// certificates are the longest messages; those in use are far shorter.
const DefaultMaxMessage = 64 << 10

// An Assembler turns the fragments of handshake records back into messages. A
// message may be spread over many records, and a record may hold many messages
// (RFC 5246, section 6.2.1). The zero Assembler is ready to use.
//
//	a.Write(record.Fragment)
//	for {
//		raw, err := a.Next()
//		if err != nil || raw == nil {
//			break
//		}
//		…
//	}
//
// It holds no more than one incomplete message and what one Write added, as
// long as Next is called until it returns nil before the next Write.
type Assembler struct {
	// MaxMessage bounds a message's length without the header, in bytes.
	// 0 means DefaultMaxMessage.
	MaxMessage int

	// Pool lends the memory, if it is not nil. What Next returned is then valid
	// only until Release.
	Pool *slab.Pool

	buf []byte
	err error // sticks

	lent  [maxLent][]byte // by the Pool; buf lies in the last
	lents int
}

// maxLent bounds the slices that an Assembler remembers to give back. More are
// left to the garbage collector.
const maxLent = 8

// ErrUnread says that fragments were written to an Assembler faster than Next
// was called.
var ErrUnread = errors.New("tlsmsg: Assembler: Write without Next until it returned nil")

// MessageTooLongError says that a header announces a message beyond the limit.
type MessageTooLongError struct {
	Type   HandshakeType
	Length int // announced, in bytes without the header
	Max    int
}

// Error names the message, its length in bytes, and the largest that is allowed.
func (e *MessageTooLongError) Error() string {
	return fmt.Sprintf("%s: length %d in its header, expected at most %d", e.Type.Heading(), e.Length, e.Max)
}

// Write takes the fragment of one handshake record, copying it. Errors are
// returned by Next.
func (a *Assembler) Write(fragment []byte) {
	if a.err != nil {
		return
	}
	if len(a.buf)+len(fragment) > HeaderLen+a.limit()+MaxCiphertext {
		a.err = ErrUnread
		return
	}
	if len(fragment) > cap(a.buf)-len(a.buf) {
		a.grow(len(fragment))
	}
	a.buf = append(a.buf, fragment...)
}

// grow makes room for n more bytes. Without a Pool, messages in records of
// their own share it: what Next returned comes before the others. The room
// doubles, since a peer may send a message in records of one byte each.
func (a *Assembler) grow(n int) {
	size := max(len(a.buf)+n, 2*len(a.buf))
	if a.Pool == nil {
		a.buf = append(make([]byte, 0, max(size, flightRoom)), a.buf...)
		return
	}
	old := a.buf
	a.buf = append(a.Pool.Get(size), old...)
	if k := a.lents - 1; k >= 0 && cap(a.lent[k]) == cap(old) && &a.lent[k][:1][0] == &old[:1][0] { // Next returned no part of it
		a.Pool.Put(a.lent[k])
		a.lents--
	}
	if a.lents < maxLent {
		a.lent[a.lents] = a.buf[:0]
		a.lents++
	}
}

// flightRoom is room for a small flight, in bytes.
const flightRoom = 1 << 10

// Next returns the next whole message, header included, or nil if more
// fragments are needed. The caller may keep the result, unless there is a Pool:
// it is not written to again. A header that announces too much fails with a
// [*MessageTooLongError] before the message itself arrives; every later call
// fails too.
func (a *Assembler) Next() (raw []byte, err error) {
	if a.err != nil || len(a.buf) < HeaderLen {
		return nil, a.err
	}
	n := int(a.buf[1])<<16 | int(a.buf[2])<<8 | int(a.buf[3])
	if limit := a.limit(); n > limit {
		a.err = &MessageTooLongError{Type: HandshakeType(a.buf[0]), Length: n, Max: limit}
		a.buf = nil
		return nil, a.err
	}
	n += HeaderLen
	if len(a.buf) < n {
		return nil, nil
	}
	raw, a.buf = a.buf[:n:n], a.buf[n:]
	if len(a.buf) == 0 && cap(a.buf) < HeaderLen {
		a.buf = nil // keep no reference to what only the caller may need
	}
	return raw, nil
}

// Release empties the assembler and gives its memory back to the Pool,
// including that of what Next returned.
func (a *Assembler) Release() {
	for i := range a.lents {
		a.Pool.Put(a.lent[i])
	}
	*a = Assembler{MaxMessage: a.MaxMessage, Pool: a.Pool}
}

// Trim frees unused room, once few messages are to come.
func (a *Assembler) Trim() {
	if len(a.buf) == 0 {
		a.buf = nil
	}
}

// Pending reports whether bytes of a message wait for the rest, or for Next.
// Nothing may be pending when another content type or new keys come in between
// (RFC 9846, section 5.1, which states what RFC 5246 leaves to the reader).
func (a *Assembler) Pending() bool { return len(a.buf) > 0 }

// Type returns the type of the message that Pending is about.
func (a *Assembler) Type() (t HandshakeType, ok bool) {
	if len(a.buf) == 0 {
		return 0, false
	}
	return HandshakeType(a.buf[0]), true
}

// Buffered returns the number of bytes that Pending is about.
func (a *Assembler) Buffered() int { return len(a.buf) }

func (a *Assembler) limit() int {
	if a.MaxMessage > 0 {
		return a.MaxMessage
	}
	return DefaultMaxMessage
}
