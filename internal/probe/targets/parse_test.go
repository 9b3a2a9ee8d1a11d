package targets

import (
	"slices"
	"strings"
	"testing"
)

func TestTargetsAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]struct {
		first, last, host string
		ports             []uint16
	}{
		"198.18.0.1":            {"198.18.0.1", "198.18.0.1", "", nil},
		"198.18.0.1:8443":       {"198.18.0.1", "198.18.0.1", "", []uint16{8443}},
		"198.18.7.9/16":         {"198.18.0.0", "198.18.255.255", "", nil},
		"198.18.0.0/24:443,80":  {"198.18.0.0", "198.18.0.255", "", []uint16{443, 80}},
		"198.18.0.1-198.18.0.9": {"198.18.0.1", "198.18.0.9", "", nil},
		"0.0.0.0/0":             {"0.0.0.0", "255.255.255.255", "", nil},
		"2001:db8::1":           {"2001:db8::1", "2001:db8::1", "", nil},
		"2001:db8::/112":        {"2001:db8::", "2001:db8::ffff", "", nil},
		"[2001:db8::1]:443":     {"2001:db8::1", "2001:db8::1", "", []uint16{443}},
		"[2001:db8::/112]":      {"2001:db8::", "2001:db8::ffff", "", nil},
		"[2001:db8::/112]:1-3":  {"2001:db8::", "2001:db8::ffff", "", []uint16{1, 2, 3}},
		"host.test":             {"", "", "host.test", nil},
		"host.test:8443":        {"", "", "host.test", []uint16{8443}},
		"under_score.host.test": {"", "", "under_score.host.test", nil},
		"::ffff:198.18.0.1":     {"198.18.0.1", "198.18.0.1", "", nil},

		"https://host.test":                     {"", "", "host.test", []uint16{443}},
		"https://host.test/":                    {"", "", "host.test", []uint16{443}},
		"HTTPS://host.test:8443/path?a=b:c@d#e": {"", "", "host.test", []uint16{8443}},
		"https://user:secret@host.test:8443":    {"", "", "host.test", []uint16{8443}},
		"https://198.18.0.1:/x":                 {"198.18.0.1", "198.18.0.1", "", []uint16{443}},
		"https://[2001:db8::1]/":                {"2001:db8::1", "2001:db8::1", "", []uint16{443}},
		"https://[2001:db8::1]:8443/a":          {"2001:db8::1", "2001:db8::1", "", []uint16{8443}},
		"http://host.test":                      {"", "", "host.test", []uint16{80}},
		"imaps://host.test":                     {"", "", "host.test", []uint16{993}},
		"gopher://host.test":                    {"", "", "host.test", nil},
	} {
		s, err := ParseSpec(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if s.Host != want.host || !slices.Equal(s.Ports, want.ports) || want.first != "" && (s.Range.First.String() != want.first || s.Range.Last.String() != want.last) {
			t.Errorf("%q is %+v, want %+v", in, s, want)
		}
	}
}

func TestWhatIsNoTargetIsRefused(t *testing.T) {
	for _, in := range []string{"", ":", ":443", "1.2.3", "300.1.2.3", "198.18.0.0/33", "198.18.0.9-198.18.0.1", "198.18.0.1-2001:db8::1",
		"198.18.0.1:0", "198.18.0.1:65536", "198.18.0.1:9-1", "a b", "a\x1b[m", "-", "2001:db8::g", "[2001:db8::1", "[2001:db8::1]443",
		"fe80::1%eth0", strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 130), "a..b", "https://", "https:///path", "https://:443/", "https://host.test:x/", "http://a b/", "https://host.test:1-9/", "://"} {
		if s, err := ParseSpec(in); err == nil {
			t.Errorf("%q is %+v", in, s)
		}
	}
}
