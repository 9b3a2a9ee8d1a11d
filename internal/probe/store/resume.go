// An output is resumed only if it is the file that belongs to the checkpoint.
// What must be cut off is not lost: a damaged or outdated checkpoint costs no
// result.

package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/outfile"
)

// tailLen is how many of the output's last bytes a checkpoint knows. Results
// hold the time and an address, so that no two places are alike.
const tailLen = 4096

// hashTail is a checkpoint's Tail for these last bytes of an output.
func hashTail(last []byte) string {
	h := sha256.Sum256(last)
	return hex.EncodeToString(h[:16])
}

// fileTail reads the bytes before a place in a file, at most tailLen.
func fileTail(f *os.File, at int64) ([]byte, error) {
	b := make([]byte, min(at, tailLen))
	_, err := f.ReadAt(b, at-int64(len(b)))
	return b, err
}

// ContinueOutput goes on with the file of an earlier run, from the checkpoint's place in
// it. Results after that place are of targets which are probed again: they are set aside,
// in a file with .cut at the end of its name, and Output.Aside says how many. A file that
// does not belong to the checkpoint is refused, and left as it is.
func ContinueOutput(path string, c *Checkpoint) (*Output, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Offset == 0:
		return CreateOutput(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is gone, and the checkpoint counts %d results in it: put it back, or begin anew with another checkpoint", path, c.Results)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return CreateOutput(path) // a pipe or a device: nothing is kept there
	}
	f, err := outfile.Existing(path)
	if err != nil {
		return nil, err
	}
	o, err := c.goOn(f, path)
	if err != nil {
		f.Close()
	}
	return o, err
}

func (c *Checkpoint) goOn(f *os.File, path string) (*Output, error) {
	last, behind, err := c.examine(f, path)
	if err != nil {
		return nil, fmt.Errorf("%w. It was left as it is: name the checkpoint and the output that belong together, or begin anew with others", err)
	}
	aside := path + ".cut"
	exposed := []outfile.Warning{outfile.Found(f, outfile.Private)}
	if len(behind) > 0 {
		w, err := setAside(aside, behind)
		exposed = append(exposed, w)
		if err != nil {
			return nil, fmt.Errorf("the results after those that the checkpoint counts cannot be set aside: %w", err)
		}
	}
	if err := f.Truncate(c.Offset); err != nil {
		return nil, err
	}
	if _, err := f.Seek(c.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	o, err := outputTo(f, path, &counter{w: f, n: c.Offset, last: last})
	if err == nil {
		o.Exposed = exposed
		o.Aside, o.AsidePath = bytes.Count(behind, []byte("\n")), aside
	}
	return o, err
}

// examine checks that a file is the output that belongs to the checkpoint. It returns the
// last bytes before the checkpoint's place, and the whole lines after it.
func (c *Checkpoint) examine(f *os.File, path string) (last, behind []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() < c.Offset {
		return nil, nil, fmt.Errorf("%s is shorter (%d bytes) than the checkpoint says (%d): it is not the file of that scan", path, info.Size(), c.Offset)
	}
	if last, err = fileTail(f, c.Offset); err != nil {
		return nil, nil, err
	}
	if hashTail(last) != c.Tail {
		return nil, nil, fmt.Errorf("%s is not the file of that scan: what stands before byte %d, to which the checkpoint knows it, is something else", path, c.Offset)
	}
	rest := io.NewSectionReader(f, c.Offset, info.Size()-c.Offset)
	behind, err = wholeLines(rest, path, c.open())
	if err != nil {
		return nil, nil, fmt.Errorf("%s does not go on as the checkpoint says: after byte %d %w", path, c.Offset, err)
	}
	return last, behind, nil
}

// maxBehind bounds what a run can have written between two checkpoints.
const maxBehind = 1 << 30

// wholeLines reads the results that a run wrote after its last checkpoint, of which there
// are at most so many. The last of them may have been cut by a
// crash, and what is compressed may have no end.
func wholeLines(r io.Reader, path string, most uint64) ([]byte, error) {
	in := bufio.NewReader(r)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil, nil
	}
	plain, err := unpack(in, path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxBehind))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	n := uint64(0)
	for line := range bytes.Lines(b) {
		switch {
		case line[0] != '{':
			return nil, errors.New("there is something that is no result")
		case !bytes.HasPrefix(line, certificateLine):
			n++
		}
	}
	if len(b) == maxBehind || n > most {
		return nil, fmt.Errorf("there are %d results, and no more than %d targets were in flight: the checkpoint is older than the file", n, most)
	}
	return b, nil
}

// certificateLine begins a line that is no target's own.
var certificateLine = []byte(`{"type":"certificate"`)

// unpack reads what was compressed as the file's name says.
func unpack(in *bufio.Reader, path string) (io.Reader, error) {
	var plain io.Reader = in
	var err error
	switch {
	case strings.HasSuffix(path, ".gz"):
		plain, err = gzip.NewReader(in)
	case strings.HasSuffix(path, ".zst"):
		plain, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return strings.NewReader(""), nil // not even its head was written whole
	}
	if err != nil {
		return nil, fmt.Errorf("stands something that is not compressed as its name says: %w", err)
	}
	return plain, nil
}

// setAside adds results to a file and brings them to the disk. It writes
// through no link.
func setAside(path string, records []byte) (outfile.Warning, error) {
	f, exposed, err := outfile.Append(path, outfile.Private, unix.O_NOFOLLOW)
	if err != nil {
		return exposed, err
	}
	_, err = f.Write(records)
	return exposed, errors.Join(err, f.Sync(), f.Close())
}
