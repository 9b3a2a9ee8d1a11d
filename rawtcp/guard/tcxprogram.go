// The BPF program of the TCX guard, instruction by instruction.

package guard

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What the program returns (linux/bpf.h, enum tcx_action_base).
const (
	tcxNext = -1
	tcxDrop = 2
)

// Offsets in struct __sk_buff, and a constant that goes with it (linux/bpf.h).
const (
	skbProtocol = 16 // of the link-layer header, in network order
	fromNetwork = 1  // BPF_HDR_START_NET
)

// Where the program keeps things: registers, and headers on its stack, below
// the frame pointer.
const (
	skb        = asm.R6
	at         = asm.R7 // offset of the next header, in the end TCP's
	nextHeader = asm.R8 // its protocol number
	scratch    = asm.R1
	header     = -40 // an IPv4 header without options, or an IPv6 header
	begin      = -44 // the first four bytes of the next header
	key        = -48 // of the note
)

// dropInbound returns the program: TCP to the ports of the addresses is counted
// and dropped, everything else passes. It sees packets before reassembly, so
// fragments other than the first pass: without the first the kernel never
// completes them.
func dropInbound(s scope, note int) asm.Instructions {
	p := asm.Instructions{
		asm.Mov.Reg(skb, asm.R1),
		asm.LoadMem(scratch, skb, skbProtocol, asm.Word),
		asm.JEq.Imm(scratch, networkOrder(unix.ETH_P_IP), "ipv4"),
		asm.JEq.Imm(scratch, networkOrder(unix.ETH_P_IPV6), "ipv6"),
		asm.Ja.Label("next"),
	}
	p = append(p, ipv4Part(s)...)
	p = append(p, ipv6Part(s)...)
	p = append(p, extensionsPart(s)...)
	p = append(p, portsPart(s)...)
	return append(p, countPart(note)...)
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

func ipv4Part(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("ipv4")}
	p = append(p, load(header, wire.IPv4HeaderLen)...)
	p = append(p,
		asm.LoadMem(scratch, asm.RFP, header+wire.IPv4ProtocolOffset, asm.Byte),
		asm.JNE.Imm(scratch, wire.ProtocolTCP, "next"),
		asm.LoadMem(scratch, asm.RFP, header+wire.IPv4FragmentOffset, asm.Half),
		asm.And.Imm(scratch, networkOrder(0x1fff)), // the fragment's offset
		asm.JNE.Imm(scratch, 0, "next"),
		asm.LoadMem(at, asm.RFP, header, asm.Byte),
		asm.And.Imm(at, 0xf), // IHL, in words of 32 bits
		asm.LSh.Imm(at, 2),
	)
	return append(p, match(s, false, wire.IPv4DstOffset)...)
}

func ipv6Part(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Imm(asm.R2, 0).WithSymbol("ipv6")}
	p = append(p, load(header, wire.IPv6HeaderLen)...)
	p = append(p,
		asm.LoadMem(nextHeader, asm.RFP, header+wire.IPv6NextOffset, asm.Byte),
		asm.Mov.Imm(at, wire.IPv6HeaderLen),
	)
	return append(p, match(s, true, wire.IPv6DstOffset)...)
}

// passable is how many IPv6 extension headers are skipped, as many as the
// links' filters skip. A packet with more passes.
const passable = 4

// Offsets in IPv6 extension headers (RFC 8200, sections 4.3 to 4.6).
const (
	extensionLength = 1
	fragmentOffset  = 2
	fragmentHeader  = 8 // octets
)

// extensionsPart goes on to the TCP header of an IPv6 packet for us.
func extensionsPart(s scope) (p asm.Instructions) {
	if !s.has(true) {
		return nil // nothing leads here, which the verifier would not have
	}
	p = append(p, asm.Mov.Reg(scratch, nextHeader).WithSymbol("extensions"))
	for i := range passable {
		pass, passed := fmt.Sprintf("pass%d", i), fmt.Sprintf("passed%d", i)
		p = append(p, asm.JEq.Imm(nextHeader, wire.ProtocolTCP, "ports"))
		p = append(p, asm.Mov.Reg(asm.R2, at))
		p = append(p, load(begin, 4)...)
		p = append(p,
			asm.JEq.Imm(nextHeader, wire.NextHopByHop, pass),
			asm.JEq.Imm(nextHeader, wire.NextRouting, pass),
			asm.JEq.Imm(nextHeader, wire.NextDestination, pass),
			asm.JNE.Imm(nextHeader, wire.NextFragment, "next"),
			asm.LoadMem(scratch, asm.RFP, begin+fragmentOffset, asm.Half),
			asm.And.Imm(scratch, networkOrder(0xfff8)),
			asm.JNE.Imm(scratch, 0, "next"),
			asm.Add.Imm(at, fragmentHeader),
			asm.Ja.Label(passed),
			asm.LoadMem(scratch, asm.RFP, begin+extensionLength, asm.Byte).WithSymbol(pass),
			asm.Add.Imm(scratch, 1), // in units of 8 octets, less one
			asm.LSh.Imm(scratch, 3),
			asm.Add.Reg(at, scratch),
			asm.LoadMem(nextHeader, asm.RFP, begin, asm.Byte).WithSymbol(passed),
		)
	}
	return append(p, asm.JNE.Imm(nextHeader, wire.ProtocolTCP, "next"))
}

// has reports whether the scope has addresses of an IP version.
func (s scope) has(six bool) bool {
	return len(s.addrs) == 0 || slices.ContainsFunc(s.addrs, func(a netip.Addr) bool { return a.Is6() == six })
}

// match goes where TCP is looked for if the destination is one of the scope's
// addresses of the version, and to "next" if it is none.
func match(s scope, six bool, destination int16) (p asm.Instructions) {
	found := "ports"
	if six {
		found = "extensions"
	}
	if len(s.addrs) == 0 {
		return asm.Instructions{asm.Ja.Label(found)}
	}
	for i, a := range s.addrs {
		if a.Is6() == six {
			p = append(p, matchOne(a, destination, found, fmt.Sprintf("not%d", i))...)
		}
	}
	return append(p, asm.Ja.Label("next"))
}

func matchOne(a netip.Addr, destination int16, found, otherwise string) (p asm.Instructions) {
	b := a.WithZone("").AsSlice()
	for i := 0; i < len(b); i += 4 {
		word := int32(binary.NativeEndian.Uint32(b[i:]))
		p = append(p,
			asm.LoadMem(scratch, asm.RFP, header+destination+int16(i), asm.Word),
			asm.JNE.Imm32(scratch, word, otherwise),
		)
	}
	// A jump for those that do not match to land on.
	return append(p, asm.Ja.Label(found), asm.Mov.Imm(scratch, 0).WithSymbol(otherwise))
}

func portsPart(s scope) asm.Instructions {
	p := asm.Instructions{asm.Mov.Reg(asm.R2, at).WithSymbol("ports")}
	p = append(p, load(begin, 4)...)
	return append(p,
		asm.LoadMem(scratch, asm.RFP, begin+2, asm.Half), // the destination port
		asm.HostTo(asm.BE, scratch, asm.Half),
		asm.JLT.Imm(scratch, int32(s.first), "next"),
		asm.JGT.Imm(scratch, int32(s.last), "next"),
	)
}

func countPart(note int) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.RFP, key, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, note),
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
