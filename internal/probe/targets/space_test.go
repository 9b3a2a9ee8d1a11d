package targets

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func space(t *testing.T, rules *Rules, ports string, words ...string) (*Space, []Refusal) {
	t.Helper()
	p, err := ParsePorts(ports)
	if err != nil {
		t.Fatal(err)
	}
	var specs []Spec
	for _, w := range words {
		s, err := ParseSpec(w)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	s, refused, err := BuildSpace(specs, p, rules)
	if err != nil {
		t.Fatal(err)
	}
	return s, refused
}

func TestEachTargetHasOneNumber(t *testing.T) {
	s, _ := space(t, &Rules{AllowSpecial: true}, "443,8443,9000-9002",
		"198.18.0.0/28", "198.18.0.8-198.18.0.40", "198.18.0.9:80", "198.18.0.0/30:443", "2001:db8::/120", "[2001:db8::7]:22", "203.0.113.1")
	const want = 41*5 + 1 + 256*5 + 1 + 5
	if s.Len() != want {
		t.Errorf("%d targets, want %d", s.Len(), want)
	}
	seen := make(map[netip.AddrPort]bool)
	for i := range s.Len() {
		a, port := s.At(i)
		if seen[netip.AddrPortFrom(a, port)] {
			t.Errorf("%v:%d has two numbers", a, port)
		}
		seen[netip.AddrPortFrom(a, port)] = true
		if n, ok := s.Index(a, port); !ok || n != i {
			t.Errorf("%v:%d is number %d, %v, want %d", a, port, n, ok, i)
		}
	}
	for _, a := range []string{"198.18.0.41", "198.17.255.255", "2001:db8::100"} {
		if _, ok := s.Index(netip.MustParseAddr(a), 443); ok {
			t.Errorf("%s has a number", a)
		}
	}
	if _, ok := s.Index(netip.MustParseAddr("198.18.0.1"), 80); ok {
		t.Error("a port that is not asked for has a number")
	}
}

func TestSpecialAddressesAreScannedOnlyWhereTheyAreMeant(t *testing.T) {
	for _, tc := range []struct {
		what, word string
		allow      bool
		want       uint64
	}{
		{"typed out", "198.18.0.0/24", false, 256},
		{"one address", "127.0.0.1", false, 1},
		{"a range that contains a block", "198.16.0.0/13", false, 6 << 16},
		{"and asked for", "198.16.0.0/13", true, 8 << 16},
		{"half in", "9.255.255.0-10.0.0.255", false, 256},
		{"multicast, never", "224.0.0.0/24", true, 0},
		{"broadcast, never", "255.255.255.254/31", true, 1},
		{"this network, never", "0.0.0.0/8", true, 0},
		{"IPv6, a range that contains a block", "2001:db7:ffff:ffff:ffff:ffff:ffff:fff0-2001:db8::f", false, 16},
	} {
		s, refused := space(t, &Rules{AllowSpecial: tc.allow}, "443", tc.word)
		if s.Len() != tc.want {
			t.Errorf("%s: %d targets of %s, want %d", tc.what, s.Len(), tc.word, tc.want)
		}
		var set Set
		r, _ := ParseRange(tc.word)
		set.Add(r)
		all, _ := set.Count()
		for _, x := range refused {
			all -= x.Count
		}
		if all != tc.want {
			t.Errorf("%s: the refusals %v do not add up", tc.what, refused)
		}
	}
}

func TestExcludedAddressesHaveNoNumber(t *testing.T) {
	var rules Rules
	for _, w := range []string{"198.18.0.16/28", "198.18.0.255", "198.17.0.0/16", "198.18.0.20-198.18.0.40"} {
		r, err := ParseRange(w)
		if err != nil {
			t.Fatal(err)
		}
		rules.Exclude.Add(r)
	}
	s, refused := space(t, &rules, "443,80", "198.18.0.0/24")
	if s.Len() != 2*(256-25-1) || len(refused) != 1 || refused[0].Count != 2*26 {
		t.Errorf("%d targets, refused %v", s.Len(), refused)
	}
	for i := range s.Len() {
		if a, _ := s.At(i); rules.Exclude.Contains(a) {
			t.Fatalf("%v is excluded and has number %d", a, i)
		}
	}
}

func TestAnOrderIsAPermutation(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 5, 16, 17, 255, 1000, 65536, 70001} {
		p := NewPermutation(n, 7)
		seen := make([]bool, n)
		for i := range n {
			v := p.At(i)
			if v >= n || seen[v] {
				t.Fatalf("of %d: position %d holds %d again", n, i, v)
			}
			seen[v] = true
			if back := p.Position(v); back != i {
				t.Fatalf("of %d: %d stands at %d, want %d", n, v, back, i)
			}
		}
	}
	for _, n := range []uint64{1 << 40, 1<<40 - 12345, 1<<33 + 1} { // too many to visit
		p := NewPermutation(n, 7)
		for range 1000 {
			i := rand.Uint64N(n)
			if v := p.At(i); v >= n || p.Position(v) != i {
				t.Fatalf("of %d: position %d holds %d, which stands at %d", n, i, v, p.Position(v))
			}
		}
	}
}

func TestNeighboursAreFarApart(t *testing.T) {
	const n = 1 << 16
	p := NewPermutation(n, 3)
	var near int
	for i := uint64(1); i < n; i++ {
		a, b := p.At(i-1), p.At(i)
		if max(a, b)-min(a, b) < 256 { // one /24
			near++
		}
	}
	if near > n/64 { // of a random order, one in 128
		t.Errorf("%d of %d steps stay within a /24", near, n)
	}
}

func TestAnotherSeedIsAnotherOrder(t *testing.T) {
	a, b, same := NewPermutation(1000, 1), NewPermutation(1000, 2), 0
	for i := range uint64(1000) {
		if a.At(i) == b.At(i) {
			same++
		}
	}
	if same > 20 {
		t.Errorf("%d of 1000 positions hold the same", same)
	}
}

func TestSetsAgreeWithCounting(t *testing.T) {
	// Against the plainest of models: a table of 256 addresses.
	base := numberOf(netip.MustParseAddr("198.18.0.0"))
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var sets [2]Set
		var model [2][256]bool
		for k := range sets {
			for range r.IntN(20) {
				first := r.IntN(256)
				last := min(first+r.IntN(30), 255)
				sets[k].add(interval{base.plus(uint64(first)), base.plus(uint64(last))})
				for i := first; i <= last; i++ {
					model[k][i] = true
				}
			}
		}
		without, both := sets[0].without(&sets[1]), sets[0].and(&sets[1])
		for i := range 256 {
			a := base.plus(uint64(i)).addr()
			if got, want := sets[0].Contains(a), model[0][i]; got != want {
				t.Fatalf("seed %d: contains %v: %v", seed, a, got)
			}
			if got, want := without.Contains(a), model[0][i] && !model[1][i]; got != want {
				t.Fatalf("seed %d: without, %v: %v", seed, a, got)
			}
			if got, want := both.Contains(a), model[0][i] && model[1][i]; got != want {
				t.Fatalf("seed %d: and, %v: %v", seed, a, got)
			}
		}
		if !slices.IsSortedFunc(sets[0].runs, func(a, b interval) int {
			if a.last.next().less(b.first) {
				return -1
			}
			return 1
		}) {
			t.Fatalf("seed %d: the runs touch or are out of order: %v", seed, sets[0].runs)
		}
	}
}
