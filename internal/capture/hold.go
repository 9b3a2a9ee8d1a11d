// Lets secrets stand before the packets that they decrypt, though they are known
// later.

package capture

import "io"

// maxHold bounds the blocks that secrets may still come before, in bytes.
const maxHold = 1 << 20

// hold is what was written, or is to be, since [Writer.Hold].
type hold struct {
	on   bool
	from int64  // where it begins in the file
	tail []byte // its blocks
}

// Hold lets all secrets until Release stand before the packets that come now: in
// TLS 1.3 the ServerHello makes the secrets of what follows it in the same packet,
// and who reads a capture once needs them before that. A file is rewritten from
// here on. Elsewhere, as in a pipe, packets wait for Release. It does nothing in a
// capture that is to hold no secrets.
func (w *Writer) Hold() {
	if w.err == nil && w.secrets && !w.hold.on {
		w.hold = hold{on: true, from: w.size}
	}
}

// Release ends Hold. It returns errors as Packet does.
func (w *Writer) Release() error {
	tail, on := w.hold.tail, w.hold.on
	w.hold = hold{}
	if !on || w.rewrites || len(tail) == 0 || w.err != nil {
		return nil
	}
	return w.write(tail)
}

// keep takes note of a block that is to be written. It reports whether that has to
// wait. Where there are too many, the rest goes its way.
func (w *Writer) keep(block []byte) (waits bool) {
	h := &w.hold
	switch {
	case !h.on:
		return false
	case len(h.tail)+len(block) > maxHold:
		w.Release()
		return false
	}
	h.tail = append(h.tail, block...)
	return !w.rewrites
}

// rewritten takes note of a block that has taken the place of the last.
func (h *hold) rewritten(at int64, block []byte) {
	if h.on && at >= h.from {
		h.tail = append(h.tail[:at-h.from], block...)
	}
}

// insert writes a block before what is held.
func (w *Writer) insert(block []byte) error {
	h := &w.hold
	if !w.rewrites {
		_, err := w.dst.Write(block)
		if err != nil {
			return w.fail(err)
		}
		w.size += int64(len(block))
		return nil
	}
	_, err := w.file.WriteAt(append(block[:len(block):len(block)], h.tail...), h.from)
	if err == nil {
		_, err = w.file.Seek(w.size+int64(len(block)), io.SeekStart)
	}
	if err != nil { // as the disk is full: what was there stays
		w.file.WriteAt(h.tail, h.from)
		w.file.Truncate(w.size)
		return w.fail(err)
	}
	n := int64(len(block))
	h.from, w.size = h.from+n, w.size+n
	if w.last != nil && w.lastAt >= h.from-n {
		w.lastAt += n
	}
	return nil
}
