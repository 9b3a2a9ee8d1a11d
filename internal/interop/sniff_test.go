package interop

import (
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A sniffer captures on a node's interface with code that is not ours.
type sniffer struct {
	mu      sync.Mutex
	packets []seen
}

// seen is one captured TCP segment.
type seen struct {
	src string // its address
	id  uint16 // IPv4's identification
	tcp *layers.TCP
}

// sniff starts to capture. The capture stands when it returns.
func sniff(t *testing.T, n *lab.Node, device string) *sniffer {
	t.Helper()
	return sniffOnly(t, n, device, nil)
}

// onlyResets lets RSTs over IPv4 through: a capture that has to take all of a
// flood loses some of them.
var onlyResets = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 12, Size: 2},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: 6},
	bpf.LoadAbsolute{Off: 14 + 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 4},
	bpf.LoadMemShift{Off: 14},
	bpf.LoadIndirect{Off: 14 + 13, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: uint32(wire.RST), SkipTrue: 1},
	bpf.RetConstant{Val: 1 << 16},
	bpf.RetConstant{Val: 0},
}

// sniffOnly is sniff of what a filter lets through.
func sniffOnly(t *testing.T, n *lab.Node, device string, filter []bpf.Instruction) *sniffer {
	t.Helper()
	var h *pcapgo.EthernetHandle
	if err := n.Do(func() (err error) {
		if h, err = pcapgo.NewEthernetHandle(device); err != nil || filter == nil {
			return err
		}
		raw, err := bpf.Assemble(filter)
		if err != nil {
			return err
		}
		return h.SetBPF(raw)
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
			s.packets = append(s.packets, seen{ip.NetworkFlow().Src().String(), identification(ip), tcp})
			s.mu.Unlock()
		}
	}
}

func identification(ip gopacket.NetworkLayer) uint16 {
	if four, ok := ip.(*layers.IPv4); ok {
		return four.Id
	}
	return 0
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
