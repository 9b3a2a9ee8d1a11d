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
	handle *pcapgo.EthernetHandle
	came   int // packets that the kernel has put into the capture

	mu      sync.Mutex
	read    int // packets that were taken out of it
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
	s := &sniffer{handle: h}
	go s.follow() // until the process ends: such a handle cannot be woken
	return s
}

func (s *sniffer) follow() {
	for {
		data, _, err := s.handle.ReadPacketData()
		if err != nil {
			return
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.NoCopy)
		tcp, _ := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		s.mu.Lock()
		s.read++
		if ip := p.NetworkLayer(); ip != nil && tcp != nil {
			s.packets = append(s.packets, seen{ip.NetworkFlow().Src().String(), identification(ip), tcp})
		}
		s.mu.Unlock()
	}
}

func identification(ip gopacket.NetworkLayer) uint16 {
	if four, ok := ip.(*layers.IPv4); ok {
		return four.Id
	}
	return 0
}

// end waits for what is still under way, and returns all segments.
func (s *sniffer) end(t *testing.T) []seen {
	t.Helper()
	// A capture has no end of its own: give the last packets time to come, and
	// read all that the kernel counted.
	late := time.Now().Add(patience)
	for n, same := -1, 0; same < 3; {
		time.Sleep(20 * time.Millisecond)
		if time.Now().After(late) {
			t.Fatalf("a capture that does not end: %d packets came, %d were read", s.came, n)
		}
		stats, err := s.handle.Stats() // since it was asked last
		if err != nil {
			t.Fatalf("what the capture holds: %v", err)
		}
		s.came += int(stats.Packets - stats.Drops)
		s.mu.Lock()
		if same++; s.read != n || s.read < s.came {
			n, same = s.read, 0
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
