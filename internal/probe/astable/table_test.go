package astable

import (
	"net/netip"
	"strings"
	"testing"
)

func TestTheLongestPrefixCountsInEveryFormat(t *testing.T) {
	for format, text := range map[string]string{
		"pyasn":   "; comment\n198.18.0.0/15\t64496\n198.18.4.0/22 64497\n198.18.5.7/32,64498\n2001:db8::/32 64499\n198.19.9.0/24 0\n",
		"pfx2as":  "198.18.0.0\t15\t64496\n198.18.4.0\t22\t64497_64400\n198.18.5.7\t32\t{64498,1}\n2001:db8::\t32\tAS64499\n",
		"iptoasn": "# comment\n198.18.0.0\t198.19.255.255\t64496\tZZ\tA name\n198.18.4.0\t198.18.7.255\t64497\tZZ\tX\n198.18.5.7\t198.18.5.7\t64498\tZZ\tY\n2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64499\tNone\tZ\n10.0.0.0\t10.0.0.5\t0\tNone\tNot routed\n",
	} {
		table, err := Read(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		for addr, want := range map[string]uint32{"198.18.0.1": 64496, "198.19.255.255": 64496, "198.18.4.0": 64497, "198.18.7.255": 64497, "198.18.8.0": 64496,
			"198.18.5.7": 64498, "198.18.5.8": 64497, "2001:db8:ffff::1": 64499, "::ffff:198.18.5.7": 64498, "10.0.0.3": 0, "2001:db9::": 0, "198.20.0.0": 0, "198.17.255.255": 0} {
			got, ok := table.Lookup(netip.MustParseAddr(addr))
			if got != want || ok != (want > 0) {
				t.Errorf("%s: %s is in %d (%v), want %d", format, addr, got, ok, want)
			}
		}
	}
}

// A range that is no block is several.
func TestARangeIsCutIntoBlocks(t *testing.T) {
	table, err := Read(strings.NewReader("198.18.0.3 198.18.1.4 64496\n0.0.0.0 0.0.0.9 7\n255.255.255.250 255.255.255.255 8\n::\t::5\t9\n"))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]uint32{"198.18.0.2": 0, "198.18.0.3": 64496, "198.18.0.255": 64496, "198.18.1.4": 64496, "198.18.1.5": 0,
		"0.0.0.0": 7, "0.0.0.9": 7, "0.0.0.10": 0, "255.255.255.255": 8, "255.255.255.249": 0, "::5": 9, "::6": 0} {
		if got, _ := table.Lookup(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is in %d, want %d", addr, got, want)
		}
	}
}

func TestWhatIsNoTableIsRefusedByItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "holds no prefix",
		"# nothing\n":                          "holds no prefix",
		"198.18.0.0/15 64496\n198.18.0.0/33 1": "line 2: \"198.18.0.0/33\" is not a prefix",
		"198.18.0.0/15":                        "line 1",
		"198.18.0.0 33 1":                      "line 1",
		"198.18.0.9 198.18.0.1 1":              "line 1",
		"198.18.0.0/15 x":                      "is not the number of a system",
		"198.18.0.0/15 4294967296":             "is not the number of a system",
		"198.18.0.0 2001:db8:: 5":              "line 1",
		strings.Repeat("x", 2<<20):             "too long",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
