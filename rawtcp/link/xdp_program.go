// The XDP program that gives a link its packets, instruction by instruction.

package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An xdpRule says which of an interface's rings gets the packets for an address
// and a run of ports.
type xdpRule struct {
	local netip.Addr
	ports ports
	slot  int
}

// xdpPass lets a packet go on to the kernel (linux/bpf.h, enum xdp_action).
const xdpPass = 2

// Offsets in struct xdp_md (linux/bpf.h).
const (
	xdpData     = 0
	xdpDataEnd  = 4
	xdpDataMeta = 8
	xdpQueueID  = 16
)

// Offsets in a frame: of the IP header, and of what is behind one of IPv6 or
// quoted behind ICMPv6.
const (
	frameDst   = 0
	frameType  = 12
	frameIP    = etherHeader
	frameNext6 = frameIP + wire.IPv6HeaderLen
	quoted6    = frameNext6 + wire.ICMPQuotedOffset
	quoted4    = frameIP + wire.ICMPQuotedOffset // from the start of the frame less IHL
)

// Registers. portR and addrR hold what the rules are asked about.
const (
	data    = asm.R6
	dataEnd = asm.R7
	queueR  = asm.R8
	upper   = asm.R9 // the header above IPv4, less frameIP
	portR   = asm.R4
	addrR   = asm.R5 // IPv4's, or the second half of IPv6's
	addrHi  = asm.R0 // the first half
)

// contextAt is where the program keeps its struct xdp_md, from the frame pointer.
const contextAt = -8

// An xdpCode is what the program is made for.
type xdpCode struct {
	rules    []xdpRule
	hardware [wire.HardwareAddrLen]byte
	queues   int // with a socket each
	room     int // bytes of a frame that fit into a buffer
	sockets  int // the map's descriptor: slot × queues + queue
}

// instructions returns the program. It takes TCP for a rule's address and ports,
// and ICMP errors that quote it. All else passes: fragments, which have no ports
// or lack their rest, IPv6 with extension headers, frames with a VLAN tag, with
// another's address, or too long for a buffer. The packet ring beside it hears
// what of these is ours.
func (c *xdpCode) instructions() asm.Instructions {
	if len(c.rules) == 0 { // nothing would lead to the end, which the verifier does not take
		return asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()}
	}
	p := asm.Instructions{
		asm.LoadMem(data, asm.R1, xdpData, asm.Word),
		asm.LoadMem(dataEnd, asm.R1, xdpDataEnd, asm.Word),
		asm.LoadMem(queueR, asm.R1, xdpQueueID, asm.Word),
		asm.StoreMem(asm.RFP, contextAt, asm.R1, asm.DWord),
		asm.JGE.Imm(queueR, int32(c.queues), "pass"),
		asm.Mov.Reg(asm.R2, data),
		asm.Add.Imm(asm.R2, int32(c.room)),
		asm.JGT.Reg(dataEnd, asm.R2, "pass"),
	}
	p = append(p, reach(data, frameIP+wire.IPv4HeaderLen)...)
	p = append(p,
		asm.LoadMem(asm.R2, data, frameDst, asm.Word),
		asm.JNE.Imm32(asm.R2, int32(binary.NativeEndian.Uint32(c.hardware[:])), "pass"),
		asm.LoadMem(asm.R2, data, frameDst+4, asm.Half),
		asm.JNE.Imm(asm.R2, int32(binary.NativeEndian.Uint16(c.hardware[4:])), "pass"),
		asm.LoadMem(asm.R2, data, frameType, asm.Half),
		asm.JEq.Imm(asm.R2, int32(htons(unix.ETH_P_IP)), "ipv4"),
		asm.JNE.Imm(asm.R2, int32(htons(unix.ETH_P_IPV6)), "pass"),
	)
	p = append(p, xdpIPv6()...)
	p = append(p, c.choose(true)...)
	p = append(p, xdpIPv4()...)
	p = append(p, c.choose(false)...)
	p = append(p,
		asm.Add.Reg(asm.R2, queueR).WithSymbol("redirect"),
		asm.Mov.Reg(queueR, asm.R2),
	)
	p = append(p, stamp()...)
	return append(p,
		asm.Mov.Reg(asm.R2, queueR).WithSymbol("stamped"),
		asm.LoadMapPtr(asm.R1, c.sockets),
		asm.Mov.Imm(asm.R3, xdpPass), // where no socket is
		asm.FnRedirectMap.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("pass"),
		asm.Return(),
	)
}

// stampLen is the length of the time that the program puts before a frame: nanoseconds
// of CLOCK_MONOTONIC.
const stampLen = 8

// stamp puts the time before the frame, where it reaches the socket's buffer with it.
func stamp() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R1, asm.RFP, contextAt, asm.DWord),
		asm.Mov.Imm(asm.R2, -stampLen),
		asm.FnXdpAdjustMeta.Call(),
		asm.JNE.Imm(asm.R0, 0, "stamped"), // not all drivers have room there
		asm.FnKtimeGetNs.Call(),
		asm.LoadMem(asm.R1, asm.RFP, contextAt, asm.DWord),
		asm.LoadMem(data, asm.R1, xdpData, asm.Word),
		asm.LoadMem(asm.R1, asm.R1, xdpDataMeta, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, stampLen),
		asm.JGT.Reg(asm.R2, data, "pass"),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
	}
}

// reach lets a frame pass that ends before n bytes from a register on.
func reach(from asm.Register, n int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R2, from),
		asm.Add.Imm(asm.R2, n),
		asm.JGT.Reg(asm.R2, dataEnd, "pass"),
	}
}

// xdpIPv6 goes to "rules6" with a packet's address and port of ours.
func xdpIPv6() asm.Instructions {
	p := reach(data, frameNext6+wire.TCPHeaderLen)
	p = append(p,
		asm.LoadMem(addrHi, data, frameIP+wire.IPv6DstOffset, asm.DWord),
		asm.LoadMem(addrR, data, frameIP+wire.IPv6DstOffset+8, asm.DWord),
		asm.LoadMem(portR, data, frameNext6+wire.TCPDstPortOffset, asm.Half),
		asm.LoadMem(asm.R2, data, frameIP+wire.IPv6NextOffset, asm.Byte),
		asm.JEq.Imm(asm.R2, wire.ProtocolTCP, "rules6"),
		asm.JNE.Imm(asm.R2, wire.ProtocolICMPv6, "pass"),
	)
	p = append(p, reach(data, quoted6+wire.IPv6HeaderLen+4)...)
	return append(p,
		asm.LoadMem(asm.R2, data, frameNext6+wire.ICMPTypeOffset, asm.Byte),
		asm.JLT.Imm(asm.R2, wire.ICMPv6Unreachable, "pass"),
		asm.JGT.Imm(asm.R2, wire.ICMPv6Parameter, "pass"),
		asm.LoadMem(asm.R2, data, quoted6+wire.IPv6NextOffset, asm.Byte),
		asm.JNE.Imm(asm.R2, wire.ProtocolTCP, "pass"),
		asm.LoadMem(asm.R2, data, quoted6+wire.IPv6SrcOffset, asm.DWord),
		asm.JNE.Reg(asm.R2, addrHi, "pass"),
		asm.LoadMem(asm.R2, data, quoted6+wire.IPv6SrcOffset+8, asm.DWord),
		asm.JNE.Reg(asm.R2, addrR, "pass"),
		asm.LoadMem(portR, data, quoted6+wire.IPv6HeaderLen+wire.TCPSrcPortOffset, asm.Half),
	)
}

// xdpIPv4 goes to "rules4" with a packet's address and port of ours.
func xdpIPv4() asm.Instructions {
	p := asm.Instructions{
		asm.LoadMem(upper, data, frameIP, asm.Byte).WithSymbol("ipv4"),
		asm.And.Imm(upper, 0xf), // IHL, in words of 32 bits
		asm.LSh.Imm(upper, 2),
		asm.JLT.Imm(upper, wire.IPv4HeaderLen, "pass"),
		asm.LoadMem(asm.R2, data, frameIP+wire.IPv4FragmentOffset, asm.Half),
		asm.And.Imm(asm.R2, int32(htons(moreFragments|wire.IPv4FragmentOffsetMask))),
		asm.JNE.Imm(asm.R2, 0, "pass"),
		asm.LoadMem(addrR, data, frameIP+wire.IPv4DstOffset, asm.Word),
		asm.LoadMem(asm.R3, data, frameIP+wire.IPv4ProtocolOffset, asm.Byte),
		asm.Add.Reg(upper, data),
		asm.JNE.Imm(asm.R3, wire.ProtocolTCP, "icmp"),
	}
	p = append(p, reach(upper, frameIP+wire.TCPHeaderLen)...)
	p = append(p,
		asm.LoadMem(portR, upper, frameIP+wire.TCPDstPortOffset, asm.Half),
		asm.Ja.Label("rules4"),
		asm.JNE.Imm(asm.R3, wire.ProtocolICMP, "pass").WithSymbol("icmp"),
	)
	p = append(p, reach(upper, quoted4+wire.IPv4HeaderLen)...)
	p = append(p,
		asm.LoadMem(asm.R2, upper, frameIP+wire.ICMPTypeOffset, asm.Byte),
		asm.JEq.Imm(asm.R2, wire.ICMPUnreachable, "quoted"),
		asm.JEq.Imm(asm.R2, wire.ICMPTimeExceeded, "quoted"),
		asm.JNE.Imm(asm.R2, wire.ICMPParameter, "pass"),
		asm.LoadMem(asm.R2, upper, quoted4+wire.IPv4ProtocolOffset, asm.Byte).WithSymbol("quoted"),
		asm.JNE.Imm(asm.R2, wire.ProtocolTCP, "pass"),
		asm.LoadMem(asm.R2, upper, quoted4+wire.IPv4SrcOffset, asm.Word),
		asm.JNE.Reg(asm.R2, addrR, "pass"),
		asm.LoadMem(asm.R2, upper, quoted4, asm.Byte),
		asm.And.Imm(asm.R2, 0xf),
		asm.LSh.Imm(asm.R2, 2),
		asm.Add.Reg(upper, asm.R2),
	)
	p = append(p, reach(upper, quoted4+4)...)
	return append(p, asm.LoadMem(portR, upper, quoted4+wire.TCPSrcPortOffset, asm.Half))
}

// moreFragments is IPv4's flag (RFC 791, section 3.1).
const moreFragments = 0x2000

// choose goes to "redirect" with the first socket of the rule that fits.
func (c *xdpCode) choose(six bool) asm.Instructions {
	label := "rules4"
	if six {
		label = "rules6"
	}
	p := asm.Instructions{asm.HostTo(asm.BE, portR, asm.Half).WithSymbol(label)}
	for i, r := range c.rules {
		if r.local.Is6() != six {
			continue
		}
		otherwise := fmt.Sprintf("not%d", i)
		p = append(p, sameAddr(r.local, otherwise)...)
		p = append(p,
			asm.JLT.Imm(portR, int32(r.ports.first), otherwise),
			asm.JGT.Imm(portR, int32(r.ports.last), otherwise),
			asm.Mov.Imm(asm.R2, int32(r.slot*c.queues)),
			asm.Ja.Label("redirect"),
			asm.Mov.Imm(asm.R1, 0).WithSymbol(otherwise), // for the jumps to land on
		)
	}
	return append(p, asm.Ja.Label("pass"))
}

func sameAddr(a netip.Addr, otherwise string) asm.Instructions {
	b := a.AsSlice()
	if a.Is4() {
		return asm.Instructions{asm.JNE.Imm32(addrR, int32(binary.NativeEndian.Uint32(b)), otherwise)}
	}
	return asm.Instructions{
		asm.LoadImm(asm.R1, int64(binary.NativeEndian.Uint64(b)), asm.DWord),
		asm.JNE.Reg(addrHi, asm.R1, otherwise),
		asm.LoadImm(asm.R1, int64(binary.NativeEndian.Uint64(b[8:])), asm.DWord),
		asm.JNE.Reg(addrR, asm.R1, otherwise),
	}
}
