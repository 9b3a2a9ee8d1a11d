package targets

import (
	"slices"
	"strings"
	"testing"
)

// The blocks of a range are all of it, and no more.
func TestARangeIsItsBlocks(t *testing.T) {
	for text, want := range map[string]string{
		"198.18.0.3-198.18.1.4":                      "198.18.0.3/32 198.18.0.4/30 198.18.0.8/29 198.18.0.16/28 198.18.0.32/27 198.18.0.64/26 198.18.0.128/25 198.18.1.0/30 198.18.1.4/32",
		"0.0.0.0-255.255.255.255":                    "0.0.0.0/0",
		"255.255.255.254-255.255.255.255":            "255.255.255.254/31",
		"198.18.0.1-198.18.0.1":                      "198.18.0.1/32",
		"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "::/0",
		"2001:db8::1-2001:db8::4":                    "2001:db8::1/128 2001:db8::2/127 2001:db8::4/128",
	} {
		r, err := ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range r.Prefixes() {
			got = append(got, p.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", text, s, want)
		}
	}
}

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

		"fe80::1%eth0":                    {"fe80::1%eth0", "fe80::1%eth0", "", nil},
		"fe80::1%2":                       {"fe80::1%2", "fe80::1%2", "", nil},
		"fe80::1%br-lan.7":                {"fe80::1%br-lan.7", "fe80::1%br-lan.7", "", nil},
		"[fe80::1%eth0]:8443":             {"fe80::1%eth0", "fe80::1%eth0", "", []uint16{8443}},
		"[fe80::1%25eth0]:80,443":         {"fe80::1%eth0", "fe80::1%eth0", "", []uint16{80, 443}},
		"[fe80::1%25]":                    {"fe80::1%25", "fe80::1%25", "", nil},
		"fe80::%eth0/120":                 {"fe80::%eth0", "fe80::ff%eth0", "", nil},
		"[fe80::%br-a/120]:1":             {"fe80::%br-a", "fe80::ff%br-a", "", []uint16{1}},
		"fe80::1-fe80::9%eth0":            {"fe80::1%eth0", "fe80::9%eth0", "", nil},
		"fe80::1%br-a-fe80::9":            {"fe80::1%br-a", "fe80::9%br-a", "", nil},
		"fe80::1%a-b-fe80::9%a-b":         {"fe80::1%a-b", "fe80::9%a-b", "", nil},
		"[fe80::1%eth0-fe80::9%eth0]:443": {"fe80::1%eth0", "fe80::9%eth0", "", []uint16{443}},
		"https://[fe80::1%25eth0]/x":      {"fe80::1%eth0", "fe80::1%eth0", "", []uint16{443}},
		"https://[fe80::1%25eth0]:8443":   {"fe80::1%eth0", "fe80::1%eth0", "", []uint16{8443}},
		"2001:db8::1%eth0":                {"2001:db8::1%eth0", "2001:db8::1%eth0", "", nil},

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
		"fe80::1%", "[fe80::1%]:443", "%eth0", "198.18.0.1%eth0", "198.18.0.0%eth0/24", "198.18.0.1%a-198.18.0.9%a", "::ffff:198.18.0.1%eth0",
		"::ffff:198.18.0.1-::ffff:198.18.0.9%eth0", "host.test%eth0", "fe80::1%eth0-fe80::9%eth1", "fe80::9%eth0-fe80::1%eth0", "fe80::%eth0/129", "fe80::/64%eth0", strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 130), "a..b", "https://", "https:///path", "https://:443/", "https://host.test:x/", "http://a b/", "https://host.test:1-9/", "://"} {
		if s, err := ParseSpec(in); err == nil {
			t.Errorf("%q is %+v", in, s)
		}
	}
}

// The addresses of a range with a zone are in that zone, each of them; and what is
// left out is left out in every zone.
func TestARangeKeepsItsZoneAndExclusionsHoldInEach(t *testing.T) {
	spec, err := ParseSpec("fe80::%eth0/126")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(4) {
		if a := spec.Range.At(i); a.Zone() != "eth0" || a.WithZone("").As16()[15] != byte(i) {
			t.Errorf("address %d is %v", i, a)
		}
	}
	rules := &Rules{}
	if _, ok := rules.Allows(spec.Range.First); ok {
		t.Error("a special-purpose address is allowed because it has a zone")
	}
	rules.AllowSpecial = true
	rules.Exclude.Add(Range{spec.Range.First.WithZone(""), spec.Range.First.WithZone("")})
	if _, ok := rules.Allows(spec.Range.First); ok {
		t.Error("an excluded address is allowed because it has a zone")
	}
	if _, ok := rules.Allows(spec.Range.Last); !ok {
		t.Error("another is not")
	}
}
