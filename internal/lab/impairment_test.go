package lab_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/netem"
)

// lockedBuffer may be written to by several bridges.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// overABadLink fetches a few pages over a bad link, and says what
// happened to the packets, but for bare acknowledgments: how many of those
// there are hangs on the kernel's timers.
func overABadLink(t *testing.T, w netem.Impairment, seed uint64) (log []string) {
	t.Helper()
	topology := lab.TwoHosts()
	topology.Seed, topology.Links[0].Impairment = seed, w
	topology.Nodes[1].Services = []service.Service{{Kind: service.CryptoTLS, Port: 443, Body: strings.Repeat("x", 60_000)}}
	var said lockedBuffer
	l, err := lab.New(t.Context(), lab.With(topology), lab.NetemLog(&said))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := greets(t, l, "198.18.0.2:443"); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(said.String()) {
		if !strings.Contains(line, " ack ") {
			log = append(log, line)
		}
	}
	slices.Sort(log)
	return log
}

// Issue 5, item 7: the same packets of the same traffic are lost each time,
// with other keys, ports, sequence numbers and moments.
func TestTheSamePacketsSufferEachTime(t *testing.T) {
	newLab(t)
	w := netem.Impairment{Loss: 0.1, Duplicate: 0.03}
	first, again, other := overABadLink(t, w, 42), overABadLink(t, w, 42), overABadLink(t, w, 43)
	if len(first) < 5 {
		t.Errorf("only %d packets suffered:\n%s", len(first), strings.Join(first, ""))
	}
	// A loss may be mended in more than one way: what is sent for the first time
	// is what is the same traffic.
	if a, b := firsts(first), firsts(again); !slices.Equal(a, b) {
		t.Errorf("the first time\n%s\nthe second time\n%s", strings.Join(a, ""), strings.Join(b, ""))
	}
	if slices.Equal(firsts(first), firsts(other)) {
		t.Error("another seed does the same")
	}
}

// firsts are the lines about packets that were sent for the first time.
func firsts(log []string) (list []string) {
	for _, line := range log {
		if strings.HasSuffix(line, " 1\n") {
			list = append(list, line)
		}
	}
	return list
}

// What a link has no room for is lost like the rest, and stands in its log.
func TestWhatALinkHasNoRoomForStandsInItsLog(t *testing.T) {
	newLab(t)
	topology := lab.Bare()
	topology.Links[0].Rate = 8e3
	var said lockedBuffer
	l, err := lab.New(t.Context(), lab.With(topology), lab.NetemLog(&said))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := l.Near().Dial(t.Context(), "udp", "198.18.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(said.String(), "no room    udp 198.18.0.1 > 198.18.0.2:9 #1  > "); {
		if _, err := c.Write(make([]byte, 1400)); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("the log says %q", said.String())
		}
	}
}

func TestAllWeatherTogetherLosesNoByteOfAPage(t *testing.T) {
	newLab(t)
	log := overABadLink(t, netem.Impairment{Latency: 2e6, Loss: 0.03, Duplicate: 0.05, Reorder: 0.1, Rate: 50e6}, 7)
	for _, word := range []string{"lost", "doubled", "overtaken"} {
		if !slices.ContainsFunc(log, func(line string) bool { return strings.HasPrefix(line, word) }) {
			t.Errorf("nothing was %s", word)
		}
	}
}
