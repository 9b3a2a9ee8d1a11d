// What changed between two scans.

package results

import (
	"cmp"
	"slices"
	"strconv"
)

// A Change is one target that differs between two scans.
type Change struct {
	Target string
	Kind   string // appeared, gone, changed
	Was    string
	Is     string // the outcomes; empty: it was not in the scan
	Fields []Differ
}

// A Differ is a field that is not what it was.
type Differ struct {
	Field string
	Was   string
	Is    string
}

// Kinds of changes.
const (
	Appeared = "appeared" // it answers, and did not
	Gone     = "gone"     // it answered, and does not
	Changed  = "changed"  // it answers otherwise
)

// compared are the fields that a difference is about, after the outcome.
var compared = []struct {
	name  string
	value func(*Line) string
}{
	{"version", func(l *Line) string { return l.Version }},
	{"cipher_suite", func(l *Line) string { return l.CipherSuite }},
	{"group", func(l *Line) string { return l.Group }},
	{"alpn", func(l *Line) string { return l.ALPN }},
	{"certificate", func(l *Line) string { return ofLeaf(l, func(c *Certificate) string { return c.SHA256 }) }},
	{"subject", func(l *Line) string { return ofLeaf(l, func(c *Certificate) string { return c.Subject }) }},
	{"issuer", func(l *Line) string { return ofLeaf(l, func(c *Certificate) string { return c.Issuer }) }},
	{"not_after", func(l *Line) string { return ofLeaf(l, func(c *Certificate) string { return c.NotAfter }) }},
	{"key", func(l *Line) string { return ofLeaf(l, func(c *Certificate) string { return c.SPKI }) }},
	{"certificate_verified", func(l *Line) string {
		if l.Verified == nil {
			return ""
		}
		return strconv.FormatBool(*l.Verified)
	}},
	{"tcp", func(l *Line) string {
		if l.TCP == nil {
			return ""
		}
		return stackOf(l.TCP.P0f)
	}},
	{"versions", listed((*Audit).versions)},
	{"cipher_suites", listed((*Audit).suites)},
	{"groups", listed((*Audit).groups)},
	{"certificates", listed((*Audit).certificates)},
	{"weaknesses", listed((*Audit).weaknesses)},
}

// lists is where those begin that are lists: of them what is in both is not told.
const lists = 11

func ofLeaf(l *Line, value func(*Certificate) string) string {
	if len(l.Chain) == 0 {
		return ""
	}
	return clip(value(&l.Chain[0]))
}

// state is what is kept of a target: texts are shared between targets that
// agree.
type state struct {
	outcome string
	values  [16]string // as compared has them
	ok      bool       // it reached the goal of its scan
	seen    bool       // in the second scan
}

// A Diff compares two scans.
type Diff struct {
	Same, Appeared, Gone, Changed uint64

	before map[string]*state
	texts  map[string]string
}

// answered are the outcomes of targets that are there.
func answered(outcome string) bool {
	switch outcome {
	case "", "silent", "unreachable", "closed", "unresolved", "error":
		return false
	}
	return true
}

// Before takes a result of the first scan. Of several of one target the last
// counts.
func (d *Diff) Before(l *Line) error {
	if d.before == nil {
		d.before, d.texts = make(map[string]*state), make(map[string]string)
	}
	s := &state{outcome: d.shared(l.Outcome), ok: l.OK}
	for i, f := range compared {
		s.values[i] = d.shared(f.value(l))
	}
	d.before[targetOf(l)] = s
	return nil
}

// maxTexts bounds the texts that are shared.
const maxTexts = 1 << 16

func (d *Diff) shared(s string) string {
	if known, ok := d.texts[s]; ok {
		return known
	}
	if len(d.texts) < maxTexts {
		d.texts[s] = s
	}
	return s
}

// After compares a result of the second scan, and returns the change, or nil if
// there is none.
func (d *Diff) After(l *Line) *Change {
	target := targetOf(l)
	was, known := d.before[target]
	if !known {
		if !answered(l.Outcome) {
			d.Same++
			return nil
		}
		d.Appeared++
		return &Change{Target: target, Kind: Appeared, Is: l.Outcome}
	}
	was.seen = true
	c := &Change{Target: target, Was: was.outcome, Is: l.Outcome}
	switch before, now := answered(was.outcome), answered(l.Outcome); {
	case now && !before:
		c.Kind = Appeared
		d.Appeared++
		return c
	case before && !now:
		c.Kind = Gone
		d.Gone++
		return c
	case !before:
		d.Same++
		return nil
	}
	apart := was.outcome != l.Outcome
	if apart && !(was.ok && l.OK) { // else only the scans' goals differ
		c.Fields = append(c.Fields, Differ{"outcome", was.outcome, l.Outcome})
	}
	for i, f := range compared {
		v := f.value(l)
		if unknown := v == "" || was.values[i] == ""; apart && unknown { // one did not get as far
			continue
		}
		if v != was.values[i] {
			was := was.values[i]
			if i >= lists {
				was, v = without(was, v), without(v, was)
			}
			c.Fields = append(c.Fields, Differ{f.name, was, v})
		}
	}
	if len(c.Fields) == 0 {
		d.Same++
		return nil
	}
	c.Kind = Changed
	d.Changed++
	return c
}

// Rest returns the targets that answered in the first scan and are not in the
// second, sorted.
func (d *Diff) Rest() (list []Change) {
	for target, s := range d.before {
		if !s.seen && answered(s.outcome) {
			list = append(list, Change{Target: target, Kind: Gone, Was: s.outcome})
		}
	}
	d.Gone += uint64(len(list))
	slices.SortFunc(list, func(a, b Change) int { return cmp.Compare(a.Target, b.Target) })
	return list
}
