// The output: a file, compressed or not, or a stream.

package store

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/rawshake/rawshake/internal/outfile"
)

// An Output is where results go: a file, compressed if its name says so, or somebody
// else's stream.
type Output struct {
	Path string // empty: not ours to open or close

	file *os.File
	to   *counter
	buf  *bufio.Writer // before the compressor, or the file
	pack packer        // nil: nothing is compressed

	Aside     int    // results that were set aside, see ContinueOutput
	AsidePath string // where

	Exposed []outfile.Warning // of what was there before, and others can read
}

// packer is a compressor that can end a section and begin another. What it has ended can
// be read whatever comes after it.
type packer interface {
	io.Writer
	Close() error
	Reset(io.Writer)
}

// counter knows how far a file was written, and its last bytes.
type counter struct {
	w    io.Writer
	n    int64
	last []byte // at most tailLen
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.last = append(c.last, p[max(0, n-tailLen):n]...)
	if extra := len(c.last) - tailLen; extra > 0 {
		c.last = c.last[:copy(c.last, c.last[extra:])]
	}
	return n, err
}

// NewOutput writes to a stream.
func NewOutput(w io.Writer) *Output {
	o := &Output{to: &counter{w: w}}
	o.file, _ = w.(*os.File)
	o.buf = bufio.NewWriterSize(o.to, 64<<10)
	return o
}

// CreateOutput makes a file, in place of one that is there.
func CreateOutput(path string) (*Output, error) {
	f, exposed, err := outfile.Create(path, outfile.Private)
	if err != nil {
		return nil, err
	}
	o, err := outputTo(f, path, &counter{w: f})
	if err == nil {
		o.Exposed = append(o.Exposed, exposed)
	}
	return o, err
}

// outputTo writes to a file that is open.
func outputTo(f *os.File, path string, to *counter) (*Output, error) {
	o := &Output{Path: path, file: f, to: to}
	var w io.Writer = to
	switch {
	case strings.HasSuffix(path, ".gz"):
		o.pack = gzip.NewWriter(to)
	case strings.HasSuffix(path, ".zst"):
		z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
		if err != nil {
			f.Close()
			return nil, err
		}
		o.pack = z
	}
	if o.pack != nil {
		w = o.pack
	}
	o.buf = bufio.NewWriterSize(w, 64<<10)
	return o, nil
}

// Write takes results, and keeps up to 64 KiB of them back.
func (o *Output) Write(p []byte) (int, error) { return o.buf.Write(p) }

// Flush lets a reader of the stream see what was written. What is compressed
// waits for Sync.
func (o *Output) Flush() error {
	if o.pack != nil {
		return nil
	}
	return o.buf.Flush()
}

// Sync brings what was written to the disk, and says how far the file then
// reaches: up to there it can be read by itself.
func (o *Output) Sync() (int64, error) {
	if err := o.buf.Flush(); err != nil {
		return 0, err
	}
	if o.pack != nil {
		if err := o.pack.Close(); err != nil {
			return 0, err
		}
		o.pack.Reset(o.to)
	}
	if o.file != nil {
		if err := o.file.Sync(); err != nil && !isNoFile(err) {
			return 0, err
		}
	}
	return o.to.n, nil
}

// Close ends the output. That the disk is full may show only here.
func (o *Output) Close() error {
	err := o.buf.Flush()
	if o.pack != nil {
		err = errors.Join(err, o.pack.Close())
	}
	if o.Path != "" {
		err = errors.Join(err, o.file.Close())
	}
	return err
}
