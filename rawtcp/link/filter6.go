// The IPv6 part of the socket filters.

package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// filterExtensions is how many extension headers a filter skips. It cannot
// loop; a packet with more is dropped.
const filterExtensions = 4

// networkHeader, added to an offset, makes it count from the IP header where
// the packet begins elsewhere (SKF_NET_OFF, linux/filter.h).
const networkHeader = 0xfff00000

// inbound6 accepts the flow's TCP, ICMPv6 errors that quote the flow's
// segments, and fragments of either.
func (p *program) inbound6(f Flow) {
	p.requireAddr6(absolute, wire.IPv6DstOffset, f.Local)
	p.walkExtensions()

	p.label("tcp")
	p.requireAddr6(absolute, wire.IPv6SrcOffset, f.Remote)
	p.requirePortsAtX(0, f.theirs(), f.ours())
	p.jump(labelAccept)

	p.label("fragment")
	p.load(bpf.LoadIndirect{Off: 0, Size: 1}) // its next header
	p.jumpIf(bpf.JumpEqual, wire.ProtocolICMPv6, labelAccept)
	p.requireAddr6(absolute, wire.IPv6SrcOffset, f.Remote)
	p.jump(labelAccept)

	p.label("icmp")
	p.quotes6(f)
}

// raw6 is inbound for a raw socket, whose packets begin behind all headers.
func (p *program) raw6(f Flow, protocol int) {
	p.requireAddr6(network, wire.IPv6DstOffset, f.Local)
	p.load(bpf.LoadConstant{Dst: bpf.RegX, Val: 0})
	if protocol == wire.ProtocolICMPv6 {
		p.quotes6(f)
		return
	}
	p.requireAddr6(network, wire.IPv6SrcOffset, f.Remote)
	p.requirePortsAtX(0, f.theirs(), f.ours())
	p.jump(labelAccept)
}

// walkExtensions goes to "tcp", "icmp" or "fragment" with X at that header, or
// drops the packet.
func (p *program) walkExtensions() {
	p.load(bpf.LoadConstant{Dst: bpf.RegX, Val: wire.IPv6HeaderLen}, load(wire.IPv6NextOffset, 1))
	for i := range filterExtensions + 1 {
		p.jumpIf(bpf.JumpEqual, wire.ProtocolTCP, "tcp")
		p.jumpIf(bpf.JumpEqual, wire.ProtocolICMPv6, "icmp")
		p.jumpIf(bpf.JumpEqual, wire.NextFragment, "fragment")
		if i == filterExtensions {
			break
		}
		pass := fmt.Sprintf("pass %d", i)
		p.jumpIf(bpf.JumpEqual, wire.NextHopByHop, pass)
		p.jumpIf(bpf.JumpEqual, wire.NextRouting, pass)
		p.require(wire.NextDestination)
		p.label(pass)
		p.load(bpf.LoadIndirect{Off: 0, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: 0},
			bpf.LoadIndirect{Off: 1, Size: 1}, // the length, in units of 8 bytes, less one
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 3},
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 8},
			bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{},
			bpf.LoadScratch{Dst: bpf.RegA, N: 0})
	}
	p.jump(labelDrop)
}

// quotes6 accepts an ICMPv6 error at X that quotes the flow's segment. Ours
// leave without extension headers.
func (p *program) quotes6(f Flow) {
	p.load(bpf.LoadIndirect{Off: wire.ICMPTypeOffset, Size: 1})
	p.jumpIf(bpf.JumpLessThan, wire.ICMPv6Unreachable, labelDrop)
	p.jumpIf(bpf.JumpGreaterThan, wire.ICMPv6Parameter, labelDrop)
	p.load(bpf.LoadIndirect{Off: wire.ICMPQuotedOffset + wire.IPv6NextOffset, Size: 1})
	p.require(wire.ProtocolTCP)
	p.requireAddr6(atX, wire.ICMPQuotedOffset+wire.IPv6SrcOffset, f.Local)
	p.requireAddr6(atX, wire.ICMPQuotedOffset+wire.IPv6DstOffset, f.Remote)
	p.requirePortsAtX(wire.ICMPQuotedOffset+wire.IPv6HeaderLen, f.ours(), f.theirs())
	p.jump(labelAccept)
}

func (p *program) outgoingReset6(f Flow) {
	p.load(load(wire.IPv6NextOffset, 1))
	p.require(wire.ProtocolTCP)
	p.requireAddr6(absolute, wire.IPv6SrcOffset, f.Local)
	p.requireAddr6(absolute, wire.IPv6DstOffset, f.Remote)
	p.load(bpf.LoadConstant{Dst: bpf.RegX, Val: wire.IPv6HeaderLen})
	p.requirePortsAtX(0, f.ours(), f.theirs())
	p.load(bpf.LoadIndirect{Off: wire.TCPFlagsOffset, Size: 1})
	p.jumpIf(bpf.JumpBitsSet, uint32(wire.RST), labelAccept)
	p.jump(labelDrop)
}

// Where four bytes of an address are loaded from.
func absolute(off uint32) bpf.Instruction { return load(off, 4) }
func network(off uint32) bpf.Instruction  { return load(networkHeader+off, 4) }
func atX(off uint32) bpf.Instruction      { return bpf.LoadIndirect{Off: off, Size: 4} }

// requireAddr6 compares what stands at an offset with an address, if there is
// one.
func (p *program) requireAddr6(load4 func(off uint32) bpf.Instruction, off uint32, a netip.AddrPort) {
	if !a.Addr().IsValid() {
		return
	}
	b := a.Addr().As16()
	for i := uint32(0); i < 16; i += 4 {
		p.load(load4(off + i))
		p.require(binary.BigEndian.Uint32(b[i:]))
	}
}
