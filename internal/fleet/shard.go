// How far a shard is.

package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rawshake/rawshake/internal/probe/store"
)

// A ShardState is what the bucket says of a shard: one value, changed by compare-and-set,
// so that of two workers that take themselves for its holder one finds out.
type ShardState struct {
	Shard      uint64          `json:"shard"`
	Worker     string          `json:"worker"` // that has it, or had it last
	Take       string          `json:"take"`   // tells each time that it was taken from the others
	Takes      int             `json:"takes"`  // how often it was
	Tries      int             `json:"tries"`  // of them, in a row without progress
	Mark       uint64          `json:"mark"`   // how many targets were done when it was taken
	Recorded   uint64          `json:"recorded"`
	Results    uint64          `json:"results"`
	Done       bool            `json:"done"`
	Aside      string          `json:"aside,omitempty"` // why nobody is to take it any more
	Error      string          `json:"error,omitempty"` // what ended the last try
	Kept       []string        `json:"kept,omitempty"`  // files of workers that keep their results
	Checkpoint json.RawMessage `json:"checkpoint,omitempty"`
}

func shardKey(i uint64) string { return fmt.Sprintf("shard.%d", i) }

// A take is a worker's work on a shard.
type take struct {
	scan     *Scan
	ctx      context.Context // ends with the lease
	state    ShardState
	revision uint64
}

// ErrShardLost says that somebody else has a shard that we took to be ours.
var ErrShardLost = errors.New("another worker has this shard now")

// take notes that a worker begins with a shard. Where nobody is to begin with it the take's state
// says so: it is done, or set aside. Then, or if somebody else is faster, nothing is changed.
func (s *Scan) take(ctx context.Context, shard uint64, worker string) (*take, error) {
	t := &take{scan: s, ctx: ctx, state: ShardState{Shard: shard}}
	var err error
	if t.revision, _, err = s.readAt(ctx, shardKey(shard), &t.state); err != nil {
		return nil, err
	}
	st := &t.state
	if st.Done || st.Aside != "" {
		return t, nil
	}
	if st.Recorded > st.Mark {
		st.Tries = 0
	}
	if st.Tries >= MaxTries {
		st.Aside = fmt.Sprintf("%d workers in a row came no further, the last was %s", st.Tries, st.Worker)
		if st.Error != "" {
			st.Aside += ": " + st.Error
		}
	} else {
		st.Worker, st.Take, st.Mark, st.Error = worker, newInstance(), st.Recorded, ""
		st.Takes++
		st.Tries++
	}
	if t.revision, err = s.change(ctx, shardKey(shard), st, t.revision); errors.Is(err, errChanged) {
		return nil, ErrShardLost
	}
	return t, err
}

// Resume is the shard's checkpoint, if it has one.
func (t *take) Resume() (*store.Checkpoint, error) {
	if len(t.state.Checkpoint) == 0 {
		return nil, nil
	}
	return store.DecodeCheckpoint(fmt.Sprintf("the checkpoint of shard %d", t.state.Shard), t.state.Checkpoint)
}

// keep is the take's [store.Keeper].
func (t *take) keep(c *store.Checkpoint) error {
	b, err := c.Encode()
	if err != nil {
		return err
	}
	st := &t.state
	st.Checkpoint, st.Recorded, st.Results, st.Done = b, c.Recorded(), c.Results, c.Finished
	return t.save()
}

// save writes the state. It waits for a server that is away.
func (t *take) save() error {
	for {
		ctx, cancel := context.WithTimeout(t.ctx, answerTime)
		revision, err := t.scan.change(ctx, shardKey(t.state.Shard), &t.state, t.revision)
		cancel()
		switch {
		case err == nil:
			t.revision = revision
			return nil
		case errors.Is(err, errChanged):
			if err = t.recognize(); err != nil {
				return err
			}
			continue
		}
		if !sleep(t.ctx, 100*time.Millisecond) {
			return errors.Join(context.Cause(t.ctx), err)
		}
	}
}

// recognize finds out whether a state that was changed is still ours: a change may have
// come about although its answer did not reach us.
func (t *take) recognize() error {
	var now ShardState
	revision, there, err := t.scan.readAt(t.ctx, shardKey(t.state.Shard), &now)
	switch {
	case err != nil:
		return err
	case !there || now.Take != t.state.Take || revision == t.revision:
		return ErrShardLost
	}
	t.revision = revision
	return nil
}

// giveBack notes how a take ended that did not finish the shard. One that was only
// stopped is no failed try.
func (t *take) giveBack(failure error) error {
	if failure == nil {
		t.state.Tries = 0
	} else {
		t.state.Error = failure.Error()
	}
	return t.save()
}

// Retry has shards that were set aside taken again, and returns how many there were.
func (s *Scan) Retry(ctx context.Context) (n int, err error) {
	st, err := s.Status(ctx)
	if err != nil {
		return 0, err
	}
	for i := range st.Aside {
		key := shardKey(st.Aside[i].Shard)
		var now ShardState
		revision, there, err := s.readAt(ctx, key, &now)
		if err != nil {
			return n, err
		}
		if !there || now.Aside == "" {
			continue
		}
		now.Aside, now.Tries = "", 0
		if _, err := s.change(ctx, key, &now, revision); errors.Is(err, errChanged) {
			continue // somebody else does the same
		} else if err != nil {
			return n, err
		}
		id := jetstream.WithMsgID(fmt.Sprintf("shard-%d-again-%d", now.Shard, now.Takes))
		if _, err := s.hub.js.Publish(ctx, s.Spec.shardSubject(), fmt.Append(nil, now.Shard), id); err != nil {
			return n, explain(err)
		}
		n++
	}
	return n, nil
}
