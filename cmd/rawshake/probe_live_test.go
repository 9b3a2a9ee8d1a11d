//go:build linux

package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/record"
)

// The view takes as many lines as it says, none wider than the terminal, and
// ends where it began; what comes from the network does the terminal no harm.
func TestTheLiveViewStaysWhereItIs(t *testing.T) {
	l := probe.Latest{Target: netip.MustParseAddrPort("198.18.0.1:443"), Name: "evil\x1b[2J\n.test", Outcome: "certificate", Version: 0x0304, Suite: 0x1301, RTT: 1500 * time.Microsecond}
	lines := []string{strings.Repeat("ö", 100), outcomesLine(&probe.Stats{Outcomes: [record.OutcomeCount]uint64{2: 7, 6: 3}}), latestLine(&l), latestLine(&probe.Latest{})}
	if lines[1] != "certificate 7  closed 3" || !strings.Contains(lines[2], "198.18.0.1:443") || !strings.Contains(lines[2], "TLS 1.3 TLS_AES_128_GCM_SHA256 1.5 ms") || lines[3] != "" {
		t.Errorf("%q", lines)
	}
	const width = 40
	drawn := overdraw(lines, width)
	if strings.Count(drawn, "\n") != 3 || !strings.HasSuffix(drawn, "\x1b[3A\r") {
		t.Errorf("%q", drawn)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(drawn, "\x1b[3A\r"), "\n") {
		text := strings.TrimPrefix(line, "\r\x1b[K")
		if utf8.RuneCountInString(text) >= width || strings.Contains(text, "\x1b") {
			t.Errorf("%q", text)
		}
	}
	if one := overdraw(lines[:1], 0); one != "\r\x1b[K"+lines[0] {
		t.Errorf("%q", one)
	}
}
