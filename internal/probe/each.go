package probe

import "context"

// Each gives f every target in the order of a scan that sends nothing, and
// returns how many there were.
func Each(ctx context.Context, o *Options, f func(Target) error) (n uint64, err error) {
	one := *o
	one.Loops = 1
	l := newLoop(&one, 0)
	var d *distributor
	if o.Feed != nil {
		d = &distributor{feed: o.Feed, share: share{o.Shard, max(o.Shards, 1)}}
	}
	l.supply([16]byte{}, d)
	chain := l.begun.source.(*chainSource)
	for ; chain.space != nil && n < chain.count; n++ {
		t, _, _ := chain.take()
		if err := f(t); err != nil {
			return n, err
		}
	}
	if d == nil {
		return n, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go d.run(ctx)
	for t := range d.outs[0] {
		if t.leftOut() {
			continue
		}
		if err := f(t.Target); err != nil {
			return n, err
		}
		n++
	}
	return n, d.failure()
}
