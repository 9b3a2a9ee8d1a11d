// A list that is read once, and recognized when a scan is resumed.

package targets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"sync"
)

// A List is a file, or standard input. It is read once, from its present position,
// and knows what was read: a target's place in the order is its line, so that a
// scan can go on only with the list that it was begun with.
type List struct {
	Name string
	From io.Reader

	mu     sync.Mutex
	bytes  uint64    // that were read,
	digest hash.Hash // of them; nil: of none
	last   byte      // of them
	was    *ListExtent
	proven bool // what was read before has come again
}

// A ListExtent is how much of a list was read, and what that was.
type ListExtent struct {
	Name   string `json:"name"`
	Bytes  uint64 `json:"bytes"`
	SHA256 string `json:"sha256"` // of those bytes, in hexadecimal
}

// Read is io.Reader's. Where an earlier run has read other bytes than come now,
// it fails instead of going beyond them. The last line gets an end if it has
// none: what is added to the file one day must not make another of it.
func (l *List) Read(p []byte) (int, error) {
	if l.was != nil && l.bytes < l.was.Bytes {
		p = p[:min(uint64(len(p)), l.was.Bytes-l.bytes)]
	}
	n, err := l.From.Read(p)
	switch {
	case n > 0 && errors.Is(err, io.EOF):
		err = nil // until the next time
	case n == 0 && errors.Is(err, io.EOF) && l.last != '\n' && l.bytes > 0 && len(p) > 0:
		n, err = copy(p, "\n"), nil
	}
	if wrong := l.note(p[:n], errors.Is(err, io.EOF)); wrong != nil {
		return 0, wrong
	}
	return n, err
}

// note takes account of what was read.
func (l *List) note(b []byte, ended bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.digest == nil {
		l.digest = sha256.New()
	}
	if len(b) > 0 {
		l.digest.Write(b)
		l.bytes += uint64(len(b))
		l.last = b[len(b)-1]
	}
	switch {
	case l.was == nil:
	case l.bytes < l.was.Bytes && ended:
		return fmt.Errorf("%w: it ends after %d bytes, and %d were read before; %s", errOtherList, l.bytes, l.was.Bytes, mendList)
	case l.bytes == l.was.Bytes && l.read().SHA256 != l.was.SHA256:
		return fmt.Errorf("%w: its first %d bytes, which were read before, have changed; %s", errOtherList, l.bytes, mendList)
	case l.bytes >= l.was.Bytes:
		l.proven = true
	}
	return nil
}

var errOtherList = errors.New("it is not the list that this scan was begun with")

const mendList = "a target's place is its line, so that going on would leave some out and probe others twice: " +
	"put the list back as it was (what stands behind those bytes may be new), or begin anew with another checkpoint"

// read is what was read so far.
func (l *List) read() ListExtent {
	e := ListExtent{Name: l.Name, Bytes: l.bytes}
	if l.digest != nil {
		e.SHA256 = hex.EncodeToString(l.digest.Sum(nil))
	}
	return e
}

// Extent is what was read, by this run or an earlier one, and whether this one
// knows that it goes on with the same list.
func (l *List) Extent() (e ListExtent, proven bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.was != nil && l.bytes < l.was.Bytes {
		return *l.was, l.proven
	}
	return l.read(), true
}

// Expect demands that the list is what it was. A file is compared now, and read again
// from its beginning; what comes through a pipe is compared as it comes.
func (l *List) Expect(was ListExtent) error {
	if was.Bytes == 0 {
		return nil
	}
	l.was = &was
	file, ok := l.From.(io.Seeker)
	if !ok {
		return nil
	}
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // a pipe
	}
	if was.Bytes > math.MaxInt64 {
		return fmt.Errorf("%w: %d bytes of it were read, more than a file has; %s", errOtherList, was.Bytes, mendList)
	}
	if _, err := io.CopyN(io.Discard, l, int64(was.Bytes)); err != nil {
		return err
	}
	l.bytes, l.digest, l.last = 0, nil, 0
	_, err = file.Seek(begin, io.SeekStart)
	return err
}

// Lists are those of a scan, in their order.
type Lists []*List

// Expect demands that they are those that an earlier run has read. One that is not fails
// here if it is a file, else where it differs.
func (ls Lists) Expect(was []ListExtent) error {
	if len(was) != len(ls) {
		return fmt.Errorf("it speaks of %d lists, and there are %d", len(was), len(ls))
	}
	for i, l := range ls {
		if err := l.Expect(was[i]); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	return nil
}

// Extents are those of all, and whether all are what they were.
func (ls Lists) Extents() (list []ListExtent, proven bool) {
	proven = true
	for _, l := range ls {
		e, ok := l.Extent()
		list, proven = append(list, e), proven && ok
	}
	return list, proven
}
