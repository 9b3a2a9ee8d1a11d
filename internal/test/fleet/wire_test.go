//go:build linux

package fleet

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"
)

// A wire is what workers sent to the network that answers: when, by the kernel's clock,
// and from whom.
type wire struct {
	mu   sync.Mutex
	sent []packet
}

type packet struct {
	at   time.Time
	from netip.Addr
}

// watch sees what reaches far from now on.
func (g *ground) watch(workers int) *wire {
	g.t.Helper()
	w := &wire{}
	check(g.t, g.lab.Node("far").Do(func() error {
		for i := range workers {
			h, err := pcapgo.NewEthernetHandle(worker(i))
			if err != nil {
				return err
			}
			g.t.Cleanup(h.Close)
			go w.read(h)
		}
		return nil
	}))
	return w
}

func (w *wire) read(h *pcapgo.EthernetHandle) {
	block := netip.MustParsePrefix("198.18.0.0/16")
	for {
		b, info, err := h.ZeroCopyReadPacketData()
		if err != nil {
			return
		}
		if len(b) < 34 || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[23] != 6 {
			continue
		}
		from, _ := netip.AddrFromSlice(b[26:30])
		to, _ := netip.AddrFromSlice(b[30:34])
		if !block.Contains(to) {
			continue
		}
		w.mu.Lock()
		w.sent = append(w.sent, packet{info.Timestamp, from})
		w.mu.Unlock()
	}
}

// all are the packets so far, by time.
func (w *wire) all() []packet {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.Clone(w.sent)
	slices.SortFunc(list, func(a, b packet) int { return a.at.Compare(b.at) })
	return list
}

// most is the largest number of packets in any second.
func most(list []packet) (n int) {
	from := 0
	for i := range list {
		for list[i].at.Sub(list[from].at) >= time.Second {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

// lastOf is when a worker's last packet was seen.
func lastOf(list []packet, from netip.Addr) (at time.Time) {
	for _, p := range list {
		if p.from == from {
			at = p.at
		}
	}
	return at
}

func TestMostCountsASecondAtAnyOffset(t *testing.T) {
	begin := time.Now()
	var list []packet
	for i := range 40 { // 10 a second, and 20 around the border of one
		list = append(list, packet{at: begin.Add(time.Duration(i) * 100 * time.Millisecond)})
	}
	if n := most(list); n != 10 {
		t.Errorf("%d", n)
	}
	for range 5 {
		list = append(list, packet{at: begin.Add(1950 * time.Millisecond)})
	}
	slices.SortFunc(list, func(a, b packet) int { return a.at.Compare(b.at) })
	if n := most(list); n != 15 {
		t.Errorf("%d", n)
	}
}
