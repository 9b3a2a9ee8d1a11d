package interop

import (
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/rawshake/rawshake/internal/lab"
)

// A sniffer captures on a node's interface with code that is not ours.
type sniffer struct {
	mu      sync.Mutex
	packets []seen
}

// seen is one captured TCP segment.
type seen struct {
	src string // its address
	tcp *layers.TCP
}

// sniff starts to capture. The capture stands when it returns.
func sniff(t *testing.T, n *lab.Node, device string) *sniffer {
	t.Helper()
	var h *pcapgo.EthernetHandle
	if err := n.Do(func() (err error) {
		h, err = pcapgo.NewEthernetHandle(device)
		return err
	}); err != nil {
		t.Fatalf("capturing on %s: %v", device, err)
	}
	s := &sniffer{}
	go s.read(h) // until the process ends: such a handle cannot be woken
	return s
}

func (s *sniffer) read(h *pcapgo.EthernetHandle) {
	for {
		data, _, err := h.ReadPacketData()
		if err != nil {
			return
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.NoCopy)
		tcp, _ := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		if ip := p.NetworkLayer(); ip != nil && tcp != nil {
			s.mu.Lock()
			s.packets = append(s.packets, seen{ip.NetworkFlow().Src().String(), tcp})
			s.mu.Unlock()
		}
	}
}

// end waits for what is still under way, and returns all segments.
func (s *sniffer) end() []seen {
	// A capture has no end of its own: give the last packets time to be read.
	for n, same := -1, 0; same < 3; {
		time.Sleep(20 * time.Millisecond)
		s.mu.Lock()
		if len(s.packets) == n {
			same++
		} else {
			n, same = len(s.packets), 0
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.packets...)
}

// from keeps the segments that an address sent.
func from(list []seen, a string) []seen {
	var kept []seen
	for _, p := range list {
		if p.src == a {
			kept = append(kept, p)
		}
	}
	return kept
}

// resets keeps the segments with RST.
func resets(list []seen) []seen {
	var kept []seen
	for _, p := range list {
		if p.tcp.RST {
			kept = append(kept, p)
		}
	}
	return kept
}
