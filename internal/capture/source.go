// A file read from front to back, and how an error says where it is broken.

package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// A BrokenError says where a capture file stops making sense. Everything before
// that was read.
type BrokenError struct {
	Offset  int64  // of the block or record, in bytes from the beginning of the file
	Where   string // "block 7 (Enhanced Packet)", "packet record 3"
	Problem string
	Err     error // the failure to read, if it was one
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.Where, e.Offset, e.Problem)
}

// Unwrap returns the failure to read, or nil.
func (e *BrokenError) Unwrap() error { return e.Err }

// A source reads a file from front to back and knows where it is.
type source struct {
	r  *bufio.Reader
	at int64
}

func newSource(r io.Reader) *source { return &source{r: bufio.NewReaderSize(r, 64<<10)} }

// read fills b. At the end of the file, before the first byte, it is io.EOF;
// after that, io.ErrUnexpectedEOF.
func (s *source) read(b []byte) error {
	n, err := io.ReadFull(s.r, b)
	s.at += int64(n)
	return err
}

// skip skips n bytes, however many a file claims.
func (s *source) skip(n int64) error {
	skipped, err := io.CopyN(io.Discard, s.r, n)
	s.at += skipped
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// limit returns a reader of the next n bytes.
func (s *source) limit(n int64) io.Reader { return &io.LimitedReader{R: (*counting)(s), N: n} }

type counting source

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.at += int64(n)
	return n, err
}

// broken makes the error of a block or record that begins at offset.
func broken(offset int64, where string, err error) error {
	problem := err.Error()
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		problem = "the file ends in the middle of it"
	}
	return &BrokenError{Offset: offset, Where: where, Problem: problem, Err: err}
}
