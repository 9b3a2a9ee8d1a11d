// What a scan is at.

package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Status is what is known of a scan.
type Status struct {
	Spec     Spec           `json:"scan"`
	State    string         `json:"state"`    // what workers are to do: running, paused, stopped
	Finished bool           `json:"finished"` // nothing is left to be done
	Recorded uint64         `json:"targets_done"`
	Results  uint64         `json:"results"` // that checkpoints count
	Shards   ShardCounts    `json:"shards"`
	Aside    []ShardState   `json:"set_aside,omitempty"`
	Retaken  []ShardState   `json:"taken_again,omitempty"` // that took more than one worker
	Workers  []WorkerStatus `json:"workers"`
	Excluded []string       `json:"excluded,omitempty"` // while it runs
	Stored   uint64         `json:"stored_bytes"`       // of results
	Kept     []string       `json:"kept,omitempty"`     // WORKER:FILE, of results that are not in the stream
}

// ShardCounts are how many shards are how far.
type ShardCounts struct {
	Done    uint64 `json:"done"`
	Working uint64 `json:"working"`
	Open    uint64 `json:"open"`
	Aside   uint64 `json:"set_aside"`
}

// A WorkerStatus is a worker, there or gone.
type WorkerStatus struct {
	Member
	Seen   time.Time `json:"seen"`   // its last word, by the server's clock
	Left   bool      `json:"left"`   // it said that it goes
	Silent bool      `json:"silent"` // for longer than a lease
}

// pastKey is of a worker that has left.
func pastKey(name string) string { return "past." + name }

// Status reads what is known of a scan.
func (s *Scan) Status(ctx context.Context) (*Status, error) {
	st := &Status{Spec: s.Spec, State: Running}
	if _, err := s.read(ctx, "state", &st.State); err != nil {
		return nil, err
	}
	var err error
	if st.Excluded, err = s.Excluded(ctx); err != nil {
		return nil, err
	}
	stream, err := s.hub.js.Stream(ctx, resultsOf(s.Spec.Name))
	if err != nil {
		return nil, explain(err)
	}
	info := stream.CachedInfo()
	st.Stored = info.State.Bytes
	if err := s.workers(ctx, st, info.TimeStamp); err != nil {
		return nil, err
	}
	if err := s.shards(ctx, st); err != nil {
		return nil, err
	}
	st.Finished = st.Over()
	return st, nil
}

// workers lists them. Who is silent is judged by the server's clock, which stamped their
// words: ours may be wrong.
func (s *Scan) workers(ctx context.Context, st *Status, now time.Time) error {
	err := s.each(ctx, func(e jetstream.KeyValueEntry) error {
		w := WorkerStatus{Seen: e.Created(), Left: strings.HasPrefix(e.Key(), pastKey(""))}
		w.Silent = now.Sub(e.Created()) > Lease
		st.Workers = append(st.Workers, w)
		return json.Unmarshal(e.Value(), &st.Workers[len(st.Workers)-1].Member)
	}, memberKey("*"), pastKey("*"))
	slices.SortFunc(st.Workers, func(a, b WorkerStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Seen.Compare(b.Seen))
	})
	return err
}

func (s *Scan) shards(ctx context.Context, st *Status) error {
	working := make(map[uint64]bool)
	for _, w := range st.Workers {
		if !w.Left && !w.Silent && w.Shard != nil {
			working[*w.Shard] = true
		}
	}
	known := uint64(0)
	err := s.each(ctx, func(e jetstream.KeyValueEntry) error {
		var shard ShardState
		if err := json.Unmarshal(e.Value(), &shard); err != nil {
			return err
		}
		shard.Checkpoint = nil
		known++
		st.Recorded += shard.Recorded
		st.Results += shard.Results
		st.Kept = append(st.Kept, shard.Kept...)
		switch {
		case shard.Done:
			st.Shards.Done++
		case shard.Aside != "":
			st.Shards.Aside++
			st.Aside = append(st.Aside, shard)
		case working[shard.Shard]:
			st.Shards.Working++
		default:
			st.Shards.Open++
		}
		if shard.Takes > 1 {
			st.Retaken = append(st.Retaken, shard)
		}
		return nil
	}, "shard.*")
	st.Shards.Open += s.Spec.Shards - min(known, s.Spec.Shards)
	return err
}

// Over reports whether nothing is left to be done.
func (st *Status) Over() bool { return st.Shards.Done+st.Shards.Aside == st.Spec.Shards }

// each gives the present values of keys.
func (s *Scan) each(ctx context.Context, f func(jetstream.KeyValueEntry) error, keys ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*answerTime)
	defer cancel()
	w, err := s.kv.WatchFiltered(ctx, keys, jetstream.IgnoreDeletes())
	if err != nil {
		return explain(err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return explain(context.Cause(ctx))
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("the server ended the answer")
			}
			if e == nil {
				return nil
			}
			if err := f(e); err != nil {
				return err
			}
		}
	}
}
