// What a scan is, and what its workers are told while it runs.

package fleet

import (
	"context"
	"errors"
	"time"
)

// A Spec is what a scan is: the same for all workers.
type Spec struct {
	Format     int       `json:"format"`
	Name       string    `json:"name"`
	ID         string    `json:"id"`    // tells it from others of that name
	Args       []string  `json:"args"`  // of probe: flags and targets
	Files      []string  `json:"files"` // that the flags name, in the scan's object store
	Scan       string    `json:"scan"`  // tells its targets and their order from others
	Shards     uint64    `json:"shards"`
	Seed       uint64    `json:"seed"`      // of the order
	Rate       float64   `json:"rate"`      // packets a second, of all workers together
	Targets    uint64    `json:"targets"`   // how many there are; 0: nobody knows
	MaxBytes   int64     `json:"max_bytes"` // of results in JetStream; -1: without limit
	Started    time.Time `json:"started"`
	ByRawshake string    `json:"by_rawshake"` // the version that started it
}

// specFormat is the format of a Spec, and of all that lies beside it.
const specFormat = 1

// NewSpec is a Spec of this program's format.
func NewSpec(name string) Spec {
	return Spec{Format: specFormat, Name: name, ID: newInstance(), Started: time.Now().UTC()}
}

// States of a scan, as workers heed them.
const (
	Running = "running"
	Paused  = "paused"  // shards are given back, and none is taken
	Stopped = "stopped" // workers leave
)

// SetState has all workers run, pause, or stop.
func (s *Scan) SetState(ctx context.Context, state string) error { return s.write(ctx, "state", state) }

// State is whether workers run, pause, or stop.
func (s *Scan) State(ctx context.Context) (state string, err error) {
	_, err = s.read(ctx, "state", &state)
	return state, err
}

// Exclude leaves more addresses, blocks and ranges out, from now on. All workers know
// them within a second, or send nothing.
func (s *Scan) Exclude(ctx context.Context, list ...string) error {
	for {
		var all []string
		revision, _, err := s.readAt(ctx, "exclude", &all)
		if err != nil {
			return err
		}
		if _, err = s.change(ctx, "exclude", append(all, list...), revision); !errors.Is(err, errChanged) {
			return err
		}
	}
}

// Excluded is what Exclude has left out.
func (s *Scan) Excluded(ctx context.Context) (list []string, err error) {
	_, err = s.read(ctx, "exclude", &list)
	return list, err
}

// File is a file of the scan's.
func (s *Scan) File(ctx context.Context, name string) ([]byte, error) {
	files, err := s.hub.js.ObjectStore(ctx, filesOf(s.Spec.Name))
	if err != nil {
		return nil, explain(err)
	}
	b, err := files.GetBytes(ctx, name)
	return b, explain(err)
}
