package docs

import "testing"

// The comparison itself: what it lets pass, and what it does not.
func TestQuotations(t *testing.T) {
	written := "one 0.12 s\ntwo\nthree words\nfour\n"
	for _, x := range []struct {
		page []string
		good bool
	}{
		{[]string{"one 0.99 s", "two", "three words", "four"}, true},
		{[]string{"one 0.99 s", "…", "four"}, true},
		{[]string{"…", "three…", "…"}, true},
		{[]string{"one 0.99 s", "two", "…"}, true},
		{[]string{"one 0.99 s", "three words", "…"}, false},
		{[]string{"one 0.99 s", "two"}, false},
		{[]string{"two", "…"}, false},
		{[]string{"…", "four", "…", "two", "…"}, false},
		{nil, false},
	} {
		if missing := quoted(x.page, written); (missing == "") != x.good {
			t.Errorf("%q: %q", x.page, missing)
		}
	}
	if missing := quoted(nil, ""); missing != "" {
		t.Errorf("nothing of nothing: %q", missing)
	}
}
