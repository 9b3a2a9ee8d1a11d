// Lists the targets of a scan that sends nothing.

package supply

import (
	"context"

	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// Each gives f every target of a shard in the order of a scan of one loop, and returns
// how many there were.
func Each(ctx context.Context, space *targets.Space, seed uint64, name string, feed *Feed, shard, shards uint64, f func(Target) error) (n uint64, err error) {
	var d *Distributor
	if feed != nil {
		d = NewDistributor(feed, shard, shards)
	}
	chain := New(space, seed, name, Part{shard, shards, 0, 1}, d, syn.NewMAC([16]byte{}), 1).(*chainSource)
	for ; chain.space != nil && n < chain.count; n++ {
		t, _, _ := chain.Take()
		if err := f(t); err != nil {
			return n, err
		}
	}
	if d == nil {
		return n, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go d.Run(ctx)
	for t := range d.outs[0] {
		if t.leftOut() {
			continue
		}
		if err := f(t.Target); err != nil {
			return n, err
		}
		n++
	}
	return n, d.Failure()
}
