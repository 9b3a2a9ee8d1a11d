package results

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func audited(t *testing.T, report string) *Line {
	t.Helper()
	l := new(Line)
	if err := json.Unmarshal([]byte(`{"type":"target","addr":"198.18.0.1","port":443,"ok":true,"outcome":"audited","audit":`+report+`}`), l); err != nil {
		t.Fatal(err)
	}
	return l
}

const (
	weak   = `{"versions":[{"name":"TLS 1.2","offered":true,"cipher_suites":[{"name":"A"},{"name":"B"}]},{"name":"TLS 1.0","offered":true},{"name":"SSL 3.0","offered":false}],"groups":[{"name":"x25519"}],"certificates":[{"sha256":"11"}],"weaknesses":[{"id":"beast"}]}`
	sounds = `{"versions":[{"name":"TLS 1.2","offered":true,"cipher_suites":[{"name":"B"},{"name":"C"}]},{"name":"TLS 1.0","offered":false}],"groups":[{"name":"x25519"}],"certificates":[{"sha256":"11"}],"weaknesses":[]}`
)

// Two audits of a target differ by what the server does, and not by the order in
// which it was found.
func TestADifferenceOfAuditsIsTold(t *testing.T) {
	var d Diff
	if err := d.Before(audited(t, weak)); err != nil {
		t.Fatal(err)
	}
	if c := d.After(audited(t, weak)); c != nil {
		t.Errorf("the same audit is %+v", c)
	}
	c := d.After(audited(t, sounds))
	if c == nil || !slices.Equal(c.Fields, []Differ{{"versions", "TLS 1.0", ""}, {"cipher_suites", "TLS 1.2 A", "TLS 1.2 C"}, {"weaknesses", "beast", ""}}) {
		t.Errorf("%+v", c)
	}
}

func TestATallyCountsWhatAuditsFound(t *testing.T) {
	tally := NewTally(time.Now())
	tally.Add(audited(t, weak))
	tally.Add(audited(t, sounds))
	for key, want := range map[string]map[string]uint64{"versions": {"TLS 1.2": 2, "TLS 1.0": 1}, "weakness": {"beast": 1}} {
		i := slices.IndexFunc(tally.Sections, func(s *Section) bool { return s.Key == key })
		for value, n := range want {
			if b := tally.Sections[i].Bars[value]; b == nil || b.Count != n || len(tally.Sections[i].Bars) != len(want) {
				t.Errorf("%s %s: %+v, want %d", key, value, b, n)
			}
		}
	}
}
