// The checkpoint: how far a scan has come.

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"

	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Checkpoint says how far a scan has come, so that another run goes on from
// there. Of each loop's targets those below Base have results, of those from
// there to Head the ones whose bit is set, and of those up to Ceiling some may
// have been probed. It knows the lists that its targets came from. All results that it
// counts are on the disk before it is.
type Checkpoint struct {
	Version  int                  `json:"version"`
	Scan     string               `json:"scan"` // what is probed, as the command line says it
	Seed     uint64               `json:"seed"`
	Shard    uint64               `json:"shard"`
	Shards   uint64               `json:"shards"`
	Finished bool                 `json:"finished"`
	Output   string               `json:"output,omitempty"`
	Offset   int64                `json:"offset"`         // of the output that belongs to it
	Tail     string               `json:"tail,omitempty"` // what stands before that place, see fileTail
	Results  uint64               `json:"records"`
	Lists    []targets.ListExtent `json:"lists,omitempty"`
	Loops    []LoopExtent         `json:"loops"`
	Sum      string               `json:"sum"` // of all the others
}

// A LoopExtent is one loop's part.
type LoopExtent struct {
	Base    uint64 `json:"base"`
	Head    uint64 `json:"head"`
	Ceiling uint64 `json:"ceiling"`
	Done    []byte `json:"done"` // a bit for each from Base to Head
}

// ceiling is up to where a loop's targets may have been probed; 0 without a
// checkpoint.
func (c *Checkpoint) ceiling(loop int) uint64 {
	if c == nil {
		return 0
	}
	return c.Loops[loop].Ceiling
}

const checkpointVersion = 3

// maxNumbered is more targets than anybody has.
const maxNumbered = 1 << 62

// maxLoops is more loops than a scan may have, and maxCheckpoint more bytes
// than a checkpoint takes.
const (
	maxLoops      = 64
	maxCheckpoint = 1 << 30
)

// ReadCheckpoint reads a checkpoint, or returns nil where there is none yet.
// One that is damaged anywhere is refused: what it says decides what of the
// output is kept.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	case info.Size() > maxCheckpoint:
		return nil, fmt.Errorf("%s is no checkpoint: it is too large", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return DecodeCheckpoint(path, b)
}

// damage says which field cannot be as it is, or nothing.
func (c *Checkpoint) damage() string {
	if why := c.contradiction(); why != "" {
		return why
	}
	if c.Sum != c.sum() {
		return "its sum is not that of its fields"
	}
	return ""
}

// contradiction says which field contradicts another, or nothing.
func (c *Checkpoint) contradiction() string {
	switch {
	case c.Offset < 0:
		return "offset is less than 0"
	case c.Shard >= max(c.Shards, 1):
		return "shard is not less than shards"
	case len(c.Loops) == 0, len(c.Loops) > maxLoops:
		return fmt.Sprintf("it speaks of %d loops", len(c.Loops))
	}
	var done uint64
	for i := range c.Loops {
		l := &c.Loops[i]
		switch {
		case l.Head < l.Base || l.Ceiling < l.Head || l.Ceiling > maxNumbered:
			return fmt.Sprintf("base, head and ceiling of loop %d are in the wrong order", i)
		case uint64(len(l.Done)) != (l.Head-l.Base+7)/8:
			return fmt.Sprintf("done of loop %d does not reach from base to head", i)
		case c.Finished && l.Base != l.Head:
			return fmt.Sprintf("finished is true, and loop %d has targets without a result", i)
		}
		done += l.recorded()
	}
	switch {
	case c.Results > done:
		return fmt.Sprintf("records is %d, and the loops have done %d targets", c.Results, done)
	case c.Output != "" && c.Offset == 0 && c.Results > 0:
		return fmt.Sprintf("offset is 0, and records is %d", c.Results)
	}
	return ""
}

// recorded is how many of the loop's targets have results, or were passed over.
func (l *LoopExtent) recorded() uint64 {
	n := l.Base
	for _, b := range l.Done {
		n += uint64(bits.OnesCount8(b))
	}
	return n
}

// Recorded is how many targets have results, or were passed over.
func (c *Checkpoint) Recorded() (n uint64) {
	for i := range c.Loops {
		n += c.Loops[i].recorded()
	}
	return n
}

// open is how many targets may have been probed and have no result that the checkpoint
// counts.
func (c *Checkpoint) open() (n uint64) {
	for i := range c.Loops {
		n += c.Loops[i].Ceiling - min(c.Loops[i].recorded(), c.Loops[i].Ceiling)
	}
	return n
}

// sum is a hash of the fields as they are written.
func (c *Checkpoint) sum() string {
	rest := *c
	rest.Sum = ""
	b, err := json.Marshal(&rest)
	if err != nil { // it has no field that could not be written
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// Fits says why a checkpoint cannot be of a scan of this shard, or nil; and of this
// space, if the targets come from nowhere else: space is nil where they do.
func (c *Checkpoint) Fits(shard, shards uint64, space *targets.Space) error {
	if c.Shard != shard || c.Shards != shards {
		return fmt.Errorf("it is of shard %d/%d", c.Shard, c.Shards)
	}
	if space == nil {
		return nil
	}
	for i, l := range c.Loops {
		step := max(shards, 1)
		first, have := shard+step*uint64(i), uint64(0) // the loops have them in turn
		step *= uint64(len(c.Loops))
		if n := space.Probed(); n > first {
			have = (n-first-1)/step + 1
		}
		if l.Head > have {
			return fmt.Errorf("loop %d has done targets up to %d, and there are %d", i, l.Head, have)
		}
	}
	return nil
}

// write replaces the last checkpoint by this one, whole or not at all.
func (c *Checkpoint) write(path string) error {
	b, err := c.Encode()
	if err != nil {
		return err
	}
	return ReplaceFile(path, b, outfile.Private)
}

// Encode returns the checkpoint as text, with its sum.
func (c *Checkpoint) Encode() ([]byte, error) {
	c.Sum = c.sum()
	b, err := json.Marshal(c)
	return append(b, '\n'), err
}

// DecodeCheckpoint reads a checkpoint's text; name is what errors call it.
func DecodeCheckpoint(name string, b []byte) (*Checkpoint, error) {
	var c Checkpoint
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is no checkpoint: it does not hold what one holds. Name another file, or remove it to begin anew", name)
	}
	if c.Version != checkpointVersion {
		return nil, fmt.Errorf("%s is a checkpoint of version %d; this program writes and reads version %d. Name another file, or remove it to begin anew", name, c.Version, checkpointVersion)
	}
	if why := c.damage(); why != "" {
		return nil, fmt.Errorf("%s is damaged: %s. The output was left as it is: put a good copy of the checkpoint in its place, or begin anew with another checkpoint and another output", name, why)
	}
	return &c, nil
}

// A Standing is what a checkpoint says of a target.
type Standing uint8

const (
	Untouched Standing = iota
	Perhaps            // it may have been probed
	Recorded           // it has a result
)

// Of is the standing of a loop's target. There are as many loops as before.
func (c *Checkpoint) Of(loop int, n uint64) Standing {
	if c == nil || loop >= len(c.Loops) {
		return Untouched
	}
	l := &c.Loops[loop]
	switch {
	case n < l.Base, n < l.Head && l.Done[(n-l.Base)/8]>>((n-l.Base)%8)&1 == 1:
		return Recorded
	case n < l.Ceiling:
		return Perhaps
	}
	return Untouched
}
