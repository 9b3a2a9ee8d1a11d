package tcb

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
)

// The plain parts, each against the simplest thing that does the same.

func TestSpansAreASetOfNumbers(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		base := wire.Seq(0xffffffe0) // across the wrap
		var set spans
		var model [100]bool
		for range 60 {
			l := rng.IntN(100)
			r := l + rng.IntN(min(101-l, 1<<rng.IntN(7)))
			if rng.IntN(8) == 0 {
				set.cut(base.Add(l))
				clear(model[:l])
			} else if l < r && set.add(span{base.Add(l), base.Add(r)}, 5) {
				for i := l; i < r; i++ {
					model[i] = true
				}
			}
			checkSpans(t, rng, set, &model, base)
		}
	}
}

func checkSpans(t *testing.T, rng *rand.Rand, set spans, model *[100]bool, base wire.Seq) {
	t.Helper()
	if len(set) > 5 {
		t.Fatalf("%d runs, at most 5 were asked for", len(set))
	}
	for i, s := range set {
		if s.len() <= 0 || i > 0 && !set[i-1].right.Less(s.left) {
			t.Fatalf("runs %v", set)
		}
	}
	l := rng.IntN(100)
	r := l + rng.IntN(101-l)
	want := 0
	for i := range model {
		if in := set.within(base.Add(i), base.Add(i+1)) == 1; in != model[i] {
			t.Fatalf("%d: %v, want %v", i, in, model[i])
		}
		if model[i] && l <= i && i < r {
			want++
		}
	}
	if got := set.within(base.Add(l), base.Add(r)); got != want {
		t.Fatalf("within %d to %d: %d, want %d", l, r, got, want)
	}
	for l < r && model[l] {
		l++
	}
	end := l
	for end < r && !model[end] {
		end++
	}
	if gap := set.gapAt(base.Add(l), base.Add(r)); gap.len() != end-l || gap.len() > 0 && gap.left != base.Add(l) {
		t.Fatalf("gap of %v from %d to %d: %v, want %d to %d", set, l, r, gap, l, end)
	}
}

func TestBufferIsAQueue(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var pool *slab.Pool
		if seed%2 == 1 {
			pool = &slab.Pool{Poison: true}
		}
		var q buffer
		var model []byte
		const limit = 1000
		for range 500 {
			if rng.IntN(2) == 0 {
				p := randomBytes(rng, rng.IntN(limit-len(model)+1))
				q.add(p, limit, pool)
				model = append(model, p...)
			} else {
				n := rng.IntN(len(model) + 1)
				q.cut(n, pool)
				model = model[n:]
			}
			if !bytes.Equal(q.bytes(), model) || q.len() != len(model) {
				t.Fatalf("holds %d octets, want %d", q.len(), len(model))
			}
			if most := limit + limit/2; cap(q.b) > most && pool == nil || cap(q.b) > most*5/4 {
				t.Fatalf("takes %d octets for at most %d", cap(q.b), limit)
			}
			if pool != nil && q.len() == 0 && cap(q.b) > 0 {
				t.Fatal("it is empty, and has memory of the pool")
			}
		}
	}
}

func TestAFullBufferIsReusedInPlace(t *testing.T) {
	var q buffer
	const limit = 1 << 16
	q.add(make([]byte, limit), limit, nil)
	turn := func() {
		q.cut(1, nil)
		q.add([]byte{1}, limit, nil)
	}
	for range limit { // until it has its room to move in
		turn()
	}
	if n := testing.AllocsPerRun(limit, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
