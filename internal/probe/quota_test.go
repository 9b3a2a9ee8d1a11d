package probe

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/test/schema"
)

// A scan writes only what is asked for and counts the rest, ends when enough is
// written or its time is over, and takes a sample of its targets.
func TestAScanWritesWhatIsAskedForAndNoMore(t *testing.T) {
	l := newWideLab(t)
	serveTLS(t, l, "0.0.0.0:443")
	const open, closed = "443", "444"
	outcomes := func(list ...string) map[string]bool {
		wanted, err := record.ParseOutcomes(list)
		check(t, err)
		return wanted
	}
	for name, tc := range map[string]struct {
		ports   string
		change  func(*Options)
		want    error
		results int // -1: some
		counted uint64
		outcome string
	}{
		"only what is open": {open + "," + closed, func(o *Options) { o.Only = outcomes("certificate") }, nil, 256, 512, "certificate"},
		"all but that":      {open + "," + closed, func(o *Options) { o.Only = outcomes("-certificate") }, nil, 256, 512, "closed"},
		"so many results":   {open, func(o *Options) { o.MaxResults = 17; o.Loops = 2 }, ErrResults, 17, 0, "certificate"},
		"so long":           {open, func(o *Options) { o.MaxRuntime = 300 * time.Millisecond; o.Rate = 50 }, ErrRuntime, -1, 0, "certificate"},
		"a sample":          {open, func(o *Options) { o.Space.Sample(33); o.Loops = 2 }, nil, 33, 33, "certificate"},
		"a sample's shard":  {open, func(o *Options) { o.Space.Sample(33); o.Shard, o.Shards = 1, 2 }, nil, 16, 16, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, tc.ports, "198.19.0.0/24")
			tc.change(&o)
			var out bytes.Buffer
			var stats Stats
			var err error
			check(t, l.Near().Do(func() error {
				s, bad := Open(t.Context(), o, store.NewOutput(&out))
				if bad != nil {
					return bad
				}
				stats, err = s.Run(t.Context(), t.Context())
				return nil
			}))
			if !errors.Is(err, tc.want) || err != nil && tc.want == nil {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			schema.Check(t, out.Bytes())
			records := readRecords(t, out.Bytes())
			if len(records) != tc.results && tc.results >= 0 || len(records) == 0 || len(records) == 256 && tc.want != nil {
				t.Errorf("%d results, want %d", len(records), tc.results)
			}
			if tc.counted > 0 && stats.Results != tc.counted {
				t.Errorf("%d counted, want %d", stats.Results, tc.counted)
			}
			for _, r := range records {
				if r.Outcome != tc.outcome {
					t.Fatalf("%+v", r)
				}
			}
		})
	}
}

func TestOutcomesThatDoNotExistAreRefused(t *testing.T) {
	for _, list := range [][]string{{"opened"}, {"open", "-silent"}, {"-silent", "open"}, {""}} {
		if _, err := record.ParseOutcomes(list); err == nil {
			t.Errorf("%q was taken", list)
		}
	}
}
