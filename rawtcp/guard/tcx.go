package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// tcx is the guard that is a program at the beginning of an interface's way
// in. AF_PACKET taps on ETH_P_ALL come before it, the kernel's IP after it.
// The program goes with the descriptor of its link.
type tcx struct {
	scope scope
	dev   string

	mu   sync.Mutex
	link link.Link // nil once closed
	prog *ebpf.Program
	drop *ebpf.Map // one counter
}

func openTCX(s scope, dev string) (_ Shield, err error) {
	if dev == "" {
		return nil, errors.New("it needs to know the interface on which everything is received by AF_PACKET")
	}
	ifc, err := net.InterfaceByName(dev)
	if err != nil {
		return nil, fmt.Errorf("there is no interface %q (ip link lists them): %w", dev, err)
	}
	g := &tcx{scope: s, dev: dev}
	defer func() {
		if err != nil {
			g.release()
		}
	}()
	g.drop, err = ebpf.NewMap(&ebpf.MapSpec{Name: "rawshake_drops", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, bpfError(err)
	}
	g.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "rawshake_guard", Type: ebpf.SchedCLS, Instructions: dropInbound(s, g.drop.FD()), License: "Apache-2.0",
	})
	if err != nil {
		return nil, bpfError(err)
	}
	g.link, err = link.AttachTCX(link.TCXOptions{Interface: ifc.Index, Program: g.prog, Attach: ebpf.AttachTCXIngress, Anchor: link.Head()})
	if err != nil {
		return nil, bpfError(err)
	}
	return g, nil
}

func bpfError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: it needs the capabilities CAP_BPF and CAP_NET_ADMIN, in the first user namespace (%w)", ErrPermission, err)
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("this kernel has no TCX (Linux 6.6): %w", err)
	}
	return fmt.Errorf("bpf: %w", err)
}

func (g *tcx) Kind() string { return KindTCX }

func (g *tcx) Describe() string {
	return fmt.Sprintf("a BPF program of ours at the ingress of %s, which drops what arrives for %v before the kernel's IP and goes when this process ends", g.dev, g.scope)
}

// Dropped reads the program's counter.
func (g *tcx) Dropped() (n uint64, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.link == nil || g.drop.Lookup(uint32(0), &n) != nil {
		return 0, false
	}
	return n, true
}

func (g *tcx) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.link == nil {
		return os.ErrClosed
	}
	return g.release()
}

func (g *tcx) release() error {
	var errs []error
	if g.link != nil {
		errs = append(errs, g.link.Close())
		g.link = nil
	}
	if g.prog != nil {
		errs = append(errs, g.prog.Close())
	}
	if g.drop != nil {
		errs = append(errs, g.drop.Close())
	}
	return errors.Join(errs...)
}

// What the program returns (linux/bpf.h, enum tcx_action_base).
const (
	tcxNext = -1
	tcxDrop = 2
)

// Offsets in struct __sk_buff and of its friends (linux/bpf.h).
const (
	skbProtocol = 16 // of the link-layer header, in network order
	fromNetwork = 1  // BPF_HDR_START_NET
)

// Where the program keeps things: registers, and headers on its stack, below
// the frame pointer.
const (
	skb     = asm.R6
	tcpAt   = asm.R7 // offset of the TCP header
	scratch = asm.R1
	header  = -40 // an IPv4 header without options, or an IPv6 header
	ports   = -44 // the first four bytes of the TCP header
	key     = -48 // of the counter
)

// dropInbound is the program: TCP to the ports of the addresses is counted and
// dropped, everything else goes on. It sees the packets as they came, so a
// fragment other than the first goes on: without its first one, the kernel
// never puts it together. IPv6 extension headers are not passed over.
func dropInbound(s scope, counter int) asm.Instructions {
	p := asm.Instructions{
		asm.Mov.Reg(skb, asm.R1),
		asm.LoadMem(scratch, skb, skbProtocol, asm.Word),
		asm.JEq.Imm(scratch, networkOrder(unix.ETH_P_IP), "ipv4"),
		asm.JEq.Imm(scratch, networkOrder(unix.ETH_P_IPV6), "ipv6"),
		asm.Ja.Label("next"),
	}
	p = append(p, ipv4Part(s)...)
	p = append(p, ipv6Part(s)...)
	p = append(p, portsPart(s)...)
	return append(p, countPart(counter)...)
}

// load copies n bytes of the packet, from an offset in R2, to the stack.
func load(to, n int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, skb),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, to),
		asm.Mov.Imm(asm.R4, n),
		asm.Mov.Imm(asm.R5, fromNetwork),
		asm.FnSkbLoadBytesRelative.Call(),
		asm.JNE.Imm(asm.R0, 0, "next"),
	}
}

// Offsets in the IPv4 header (RFC 791) and the IPv6 header (RFC 8200).
const (
	ipFragment     = 6
	ipProtocol     = 9
	ipDestination  = 16
	ip6NextHeader  = 6
	ip6Destination = 24
)

func ipv4Part(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("ipv4")}
	p = append(p, load(header, wire.IPv4HeaderLen)...)
	p = append(p,
		asm.LoadMem(scratch, asm.RFP, header+ipProtocol, asm.Byte),
		asm.JNE.Imm(scratch, wire.ProtocolTCP, "next"),
		asm.LoadMem(scratch, asm.RFP, header+ipFragment, asm.Half),
		asm.And.Imm(scratch, networkOrder(0x1fff)), // the fragment's offset
		asm.JNE.Imm(scratch, 0, "next"),
		asm.LoadMem(tcpAt, asm.RFP, header, asm.Byte),
		asm.And.Imm(tcpAt, 0xf), // IHL, in words of 32 bits
		asm.LSh.Imm(tcpAt, 2),
	)
	return append(p, match(s, false, ipDestination)...)
}

func ipv6Part(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("ipv6")}
	p = append(p, load(header, wire.IPv6HeaderLen)...)
	p = append(p,
		asm.LoadMem(scratch, asm.RFP, header+ip6NextHeader, asm.Byte),
		asm.JNE.Imm(scratch, wire.ProtocolTCP, "next"),
		asm.Mov.Imm(tcpAt, wire.IPv6HeaderLen),
	)
	return append(p, match(s, true, ip6Destination)...)
}

// match goes to "ports" if the destination is one of the scope's addresses of
// the version, and to "next" if it is none.
func match(s scope, six bool, destination int16) (p asm.Instructions) {
	if len(s.addrs) == 0 {
		return asm.Instructions{asm.Ja.Label("ports")}
	}
	for i, a := range s.addrs {
		if a.Is6() != six {
			continue
		}
		p = append(p, matchOne(a, destination, fmt.Sprintf("not%d", i))...)
	}
	return append(p, asm.Ja.Label("next"))
}

func matchOne(a netip.Addr, destination int16, otherwise string) (p asm.Instructions) {
	b := a.WithZone("").AsSlice()
	for i := 0; i < len(b); i += 4 {
		word := int32(binary.NativeEndian.Uint32(b[i:]))
		p = append(p,
			asm.LoadMem(scratch, asm.RFP, header+destination+int16(i), asm.Word),
			asm.JNE.Imm32(scratch, word, otherwise),
		)
	}
	// A jump for those that do not match to land on.
	return append(p, asm.Ja.Label("ports"), asm.Mov.Imm(scratch, 0).WithSymbol(otherwise))
}

func portsPart(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Reg(asm.R2, tcpAt).WithSymbol("ports")}
	p = append(p, load(ports, 4)...)
	return append(p,
		asm.LoadMem(scratch, asm.RFP, ports+2, asm.Half), // the destination port
		asm.HostTo(asm.BE, scratch, asm.Half),
		asm.JLT.Imm(scratch, int32(s.first), "next"),
		asm.JGT.Imm(scratch, int32(s.last), "next"),
	)
}

func countPart(counter int) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.RFP, key, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, counter),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, key),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, tcxDrop).WithSymbol("drop"),
		asm.Return(),
		asm.Mov.Imm(asm.R0, tcxNext).WithSymbol("next"),
		asm.Return(),
	}
}

// networkOrder is a 16-bit number of a packet as the program loads it.
func networkOrder(v uint16) int32 {
	return int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)))
}
