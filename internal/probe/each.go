// Lists the targets of a scan that sends nothing.

package probe

import (
	"context"

	"github.com/rawshake/rawshake/internal/probe/supply"
)

// Each gives f every target in the order of a scan that sends nothing, and
// returns how many there were.
func Each(ctx context.Context, o *Options, f func(Target) error) (n uint64, err error) {
	return supply.Each(ctx, o.Space, o.Seed, o.Name, o.Feed, o.Shard, o.Shards, f)
}
