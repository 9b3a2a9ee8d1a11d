package simnet

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	oneSeed = flag.Int64("seed", -1, "play this seed alone, and show what happened")
	seeds   = flag.Int("seeds", defaultSeeds, "how many seeds TestSeeds plays")
	first   = flag.Uint64("first", 0, "the first of them")
	counts  = flag.Bool("counts", false, "show the coverage counters")
)

// maxFailures is how many failing seeds are shown: the rest say the same.
const maxFailures = 3

// For every seed: readers get a prefix of what was written, and EOF only when
// it is whole; every end terminates, with an error where it is not whole;
// nothing but window probes leaves the peer's window, nothing is acknowledged
// that did not arrive, no checksum is wrong; memory stays under its bound. And
// over all of them everything happens that there is to test.
func TestSeeds(t *testing.T) {
	if *oneSeed >= 0 {
		var trace strings.Builder
		r := play(uint64(*oneSeed), &trace)
		t.Logf("seed %d: %d packets, digest %08x\n%s", r.Seed, r.Packets, r.Digest, trace.String())
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return
	}
	total, failed := playMany(*first, *seeds)
	for _, r := range failed[:min(len(failed), maxFailures)] {
		var trace strings.Builder
		again := play(r.Seed, &trace)
		t.Errorf("seed %d: %v\n(played again: %v)\n%s\nto see it again: go test ./internal/test/simnet -run TestSeeds -seed %d",
			r.Seed, r.Err, again.Err, tail(trace.String(), 160), r.Seed)
	}
	if len(failed) > maxFailures {
		t.Errorf("%d more seeds fail, the first of them: %v", len(failed)-maxFailures, numbers(failed[maxFailures:]))
	}
	if *counts {
		t.Logf("\n%v", total)
	}
	if missing := total.Missing(); len(missing) > 0 && *seeds >= enoughSeeds {
		t.Errorf("never happened in %d seeds: %s", *seeds, strings.Join(missing, "; "))
	}
}

// onceWrong are seeds of which a fault was once told: by the first, our ACKs lay
// beyond the peer's closed window while a window probe was out; by the others, the
// books of this package were wrong about an old SYN that began another connection, or
// (the last two) about how soon a pair of ports may be used again, and about what a
// forger knew.
var onceWrong = []uint64{75549, 445991, 606070, 620766, 691272, 699980, 1945860}

func TestSeedsThatFailedOnce(t *testing.T) {
	for _, seed := range onceWrong {
		if r := play(seed, nil); r.Err != nil {
			t.Errorf("seed %d: %v", seed, r.Err)
		}
	}
}

// enoughSeeds bring about everything that there is to bring about.
const enoughSeeds = 5000

// play plays a seed, and takes a panic for a failure.
func play(seed uint64, trace *strings.Builder) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Result{Seed: seed, Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	if trace == nil {
		return Run(seed, nil)
	}
	return Run(seed, trace)
}

// playMany plays seeds on all processors, and stops early when many fail.
func playMany(first uint64, n int) (Coverage, []Result) {
	var next atomic.Int64
	var mu sync.Mutex
	var failed []Result
	total := Coverage{}
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			mine := Coverage{}
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					break
				}
				r := play(first+uint64(i), nil)
				mine.Add(r.Coverage)
				if r.Err != nil {
					mu.Lock()
					failed = append(failed, r)
					if len(failed) > 50 {
						next.Store(int64(n))
					}
					mu.Unlock()
				}
			}
			mu.Lock()
			total.Add(mine)
			mu.Unlock()
		})
	}
	group.Wait()
	slices.SortFunc(failed, func(a, b Result) int { return int(int64(a.Seed) - int64(b.Seed)) })
	return total, failed
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func numbers(rs []Result) (list []uint64) {
	for _, r := range rs[:min(len(rs), 20)] {
		list = append(list, r.Seed)
	}
	return list
}

// The same seed makes the same packets at the same times, also with somebody
// watching.
func TestASeedDecidesEverything(t *testing.T) {
	digests := map[uint32]bool{}
	for seed := range uint64(100) {
		a, b := play(seed, nil), play(seed, new(strings.Builder))
		if a.Digest != b.Digest || a.Packets != b.Packets || a.Steps != b.Steps {
			t.Errorf("seed %d: %08x and %08x, %d and %d packets", seed, a.Digest, b.Digest, a.Packets, b.Packets)
		}
		digests[a.Digest] = true
	}
	if len(digests) < 95 {
		t.Errorf("%d different runs of 100 seeds", len(digests))
	}
}
