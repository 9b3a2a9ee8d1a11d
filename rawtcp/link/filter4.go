// The IPv4 part of the socket filters.

package link

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// inbound4 accepts the flow's TCP, ICMP errors that quote the flow's segments,
// and later fragments of either, which carry no ports.
func (p *program) inbound4(f Flow) {
	p.load(load(wire.IPv4DstOffset, 4))
	p.require(addr(f.Local))
	p.load(load(wire.IPv4ProtocolOffset, 1))
	p.jumpIf(bpf.JumpEqual, wire.ProtocolTCP, "tcp")
	p.jumpIf(bpf.JumpEqual, wire.ProtocolICMP, "icmp")
	p.jump(labelDrop)

	p.label("tcp")
	p.requireAddr(load(wire.IPv4SrcOffset, 4), f.Remote)
	p.load(load(wire.IPv4FragmentOffset, 2))
	p.jumpIf(bpf.JumpBitsSet, wire.IPv4FragmentOffsetMask, labelAccept)
	p.requirePorts(0, f.theirs(), f.ours())
	p.jump(labelAccept)

	p.label("icmp")
	p.load(load(wire.IPv4FragmentOffset, 2))
	p.jumpIf(bpf.JumpBitsSet, wire.IPv4FragmentOffsetMask, labelAccept)
	p.load(headerLen, bpf.LoadIndirect{Off: wire.ICMPTypeOffset, Size: 1})
	p.jumpIf(bpf.JumpEqual, wire.ICMPUnreachable, "quoted")
	p.jumpIf(bpf.JumpEqual, wire.ICMPTimeExceeded, "quoted")
	p.require(wire.ICMPParameter)
	p.label("quoted")
	p.load(bpf.LoadIndirect{Off: wire.ICMPQuotedOffset + wire.IPv4ProtocolOffset, Size: 1})
	p.require(wire.ProtocolTCP)
	p.load(bpf.LoadIndirect{Off: wire.ICMPQuotedOffset + wire.IPv4SrcOffset, Size: 4})
	p.require(addr(f.Local))
	p.requireAddr(bpf.LoadIndirect{Off: wire.ICMPQuotedOffset + wire.IPv4DstOffset, Size: 4}, f.Remote)
	// X goes on from the outer header's length to the quoted header's end.
	p.load(bpf.LoadIndirect{Off: wire.ICMPQuotedOffset, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
	p.requirePortsAtX(wire.ICMPQuotedOffset, f.ours(), f.theirs())
	p.jump(labelAccept)
}

// outgoingReset4 accepts the flow's RSTs in the other direction.
func (p *program) outgoingReset4(f Flow) {
	p.load(load(wire.IPv4ProtocolOffset, 1))
	p.require(wire.ProtocolTCP)
	p.load(load(wire.IPv4SrcOffset, 4))
	p.require(addr(f.Local))
	p.requireAddr(load(wire.IPv4DstOffset, 4), f.Remote)
	p.load(load(wire.IPv4FragmentOffset, 2))
	p.jumpIf(bpf.JumpBitsSet, wire.IPv4FragmentOffsetMask, labelDrop)
	p.requirePorts(0, f.ours(), f.theirs())
	p.load(bpf.LoadIndirect{Off: wire.TCPFlagsOffset, Size: 1})
	p.jumpIf(bpf.JumpBitsSet, uint32(wire.RST), labelAccept)
	p.jump(labelDrop)
}

// headerLen loads an IPv4 header's length into X.
var headerLen = bpf.LoadMemShift{Off: 0}

// requireAddr compares what ins loads with an address, if there is one.
func (p *program) requireAddr(ins bpf.Instruction, a netip.AddrPort) {
	if a.Addr().IsValid() {
		p.load(ins)
		p.require(addr(a))
	}
}

func (p *program) requirePorts(off uint32, src, dst ports) {
	p.load(headerLen)
	p.requirePortsAtX(off, src, dst)
}

func addr(a netip.AddrPort) uint32 {
	b := a.Addr().As4()
	return binary.BigEndian.Uint32(b[:])
}
