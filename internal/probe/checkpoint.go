package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A Checkpoint says how far a scan has come, so that another run goes on from
// there. Of each loop's targets those below Base have records, of those from
// there to Head the ones whose bit is set, and of those up to Ceiling some may
// have been probed. Of the lists it knows those that its targets came from. All
// records that it speaks of are on the disk before it is.
type Checkpoint struct {
	Version  int          `json:"version"`
	Scan     string       `json:"scan"` // what is probed, as the command line says it
	Seed     uint64       `json:"seed"`
	Shard    uint64       `json:"shard"`
	Shards   uint64       `json:"shards"`
	Finished bool         `json:"finished"`
	Output   string       `json:"output,omitempty"`
	Offset   int64        `json:"offset"` // of the output that belongs to it
	Records  uint64       `json:"records"`
	Lists    []ListExtent `json:"lists,omitempty"`
	Loops    []LoopExtent `json:"loops"`
}

// A LoopExtent is one loop's part.
type LoopExtent struct {
	Base    uint64 `json:"base"`
	Head    uint64 `json:"head"`
	Ceiling uint64 `json:"ceiling"`
	Done    []byte `json:"done"` // a bit for each from Base to Head
}

const checkpointVersion = 2

// mostNumbered is more targets than anybody has.
const mostNumbered = 1 << 62

// ReadCheckpoint reads a checkpoint, or returns nil where there is none yet.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c Checkpoint
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is no checkpoint: %w", path, err)
	}
	if c.Version != checkpointVersion {
		return nil, fmt.Errorf("%s is a checkpoint of version %d; this program writes and reads version %d. Name another file, or remove it to begin anew", path, c.Version, checkpointVersion)
	}
	if len(c.Loops) == 0 {
		return nil, fmt.Errorf("%s speaks of no loops: it is damaged", path)
	}
	for _, l := range c.Loops {
		if l.Head < l.Base || l.Ceiling < l.Head || l.Ceiling > mostNumbered || uint64(len(l.Done))*8 < l.Head-l.Base {
			return nil, fmt.Errorf("%s contradicts itself: it is damaged", path)
		}
	}
	return &c, nil
}

// write puts the checkpoint in the place of the last one, whole or not at all.
func (c *Checkpoint) write(path string) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return ReplaceFile(path, append(b, '\n'))
}

// standing is what a checkpoint says of a target.
type standing uint8

const (
	untouched standing = iota
	perhaps            // it may have been probed
	recorded           // it has a record
)

// of says how it stands with a loop's target. The loops are as many as they
// were.
func (c *Checkpoint) of(loop int, n uint64) standing {
	if c == nil || loop >= len(c.Loops) {
		return untouched
	}
	l := &c.Loops[loop]
	switch {
	case n < l.Base, n < l.Head && l.Done[(n-l.Base)/8]>>((n-l.Base)%8)&1 == 1:
		return recorded
	case n < l.Ceiling:
		return perhaps
	}
	return untouched
}

// shareOf is what a loop has of a shard.
func shareOf(shard, shards uint64, loop, loops int) share {
	shards = max(shards, 1)
	return share{shard + shards*uint64(loop), shards * uint64(loops)}
}
