package link

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Offsets in an IPv4 header (RFC 791, section 3.1) and, from its end, in a TCP
// (RFC 9293, section 3.1) or ICMP message (RFC 792).
const (
	ipFragment = 6
	ipProtocol = 9
	ipSource   = 12
	ipDest     = 16
	tcpSource  = 0
	tcpDest    = 2
	tcpFlags   = 13
	icmpType   = 0
	icmpQuoted = 8 // the packet that an error quotes

	fragmentOffsetMask = 0x1fff
)

// Where a filter can end.
const (
	labelAccept = "accept"
	labelDrop   = "drop"
)

// packetFilter is for AF_PACKET sockets of the datagram kind, where byte 0 is
// the IP header's first: what arrives for the flow, and the RSTs that this
// machine sends on it. Of VLANs only priority-tagged frames are the
// interface's own (IEEE 802.1Q, VLAN ID 0).
func packetFilter(f Flow) ([]bpf.RawInstruction, error) {
	var p program
	p.load(bpf.LoadExtension{Num: bpf.ExtProto})
	p.require(unix.ETH_P_IP)
	p.load(bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff})
	p.require(0)
	p.load(bpf.LoadExtension{Num: bpf.ExtType})
	p.jumpIf(bpf.JumpEqual, unix.PACKET_OUTGOING, "outgoing")
	p.require(unix.PACKET_HOST)
	p.inbound(f)
	p.label("outgoing")
	p.outgoingReset(f)
	return p.assemble()
}

// witnessFilter lets through only the RSTs that this machine sends.
func witnessFilter(f Flow) ([]bpf.RawInstruction, error) {
	var p program
	p.load(bpf.LoadExtension{Num: bpf.ExtProto})
	p.require(unix.ETH_P_IP)
	p.load(bpf.LoadExtension{Num: bpf.ExtType})
	p.require(unix.PACKET_OUTGOING)
	p.outgoingReset(f)
	return p.assemble()
}

// rawFilter is for raw IP sockets, which receive only.
func rawFilter(f Flow) ([]bpf.RawInstruction, error) {
	var p program
	p.inbound(f)
	return p.assemble()
}

// inbound accepts the flow's TCP, ICMP errors that quote the flow's segments,
// and later fragments of either, which carry no ports.
func (p *program) inbound(f Flow) {
	p.load(load(ipDest, 4))
	p.require(addr(f.Local))
	p.load(load(ipProtocol, 1))
	p.jumpIf(bpf.JumpEqual, wire.ProtocolTCP, "tcp")
	p.jumpIf(bpf.JumpEqual, wire.ProtocolICMP, "icmp")
	p.jump(labelDrop)

	p.label("tcp")
	p.requireAddr(load(ipSource, 4), f.Remote)
	p.load(load(ipFragment, 2))
	p.jumpIf(bpf.JumpBitsSet, fragmentOffsetMask, labelAccept)
	p.requirePorts(0, f.Remote.Port(), f.Local.Port())
	p.jump(labelAccept)

	p.label("icmp")
	p.load(load(ipFragment, 2))
	p.jumpIf(bpf.JumpBitsSet, fragmentOffsetMask, labelAccept)
	p.load(headerLen, bpf.LoadIndirect{Off: icmpType, Size: 1})
	p.jumpIf(bpf.JumpEqual, wire.ICMPUnreachable, "quoted")
	p.jumpIf(bpf.JumpEqual, wire.ICMPTimeExceeded, "quoted")
	p.require(wire.ICMPParameter)
	p.label("quoted")
	p.load(bpf.LoadIndirect{Off: icmpQuoted + ipProtocol, Size: 1})
	p.require(wire.ProtocolTCP)
	p.load(bpf.LoadIndirect{Off: icmpQuoted + ipSource, Size: 4})
	p.require(addr(f.Local))
	p.requireAddr(bpf.LoadIndirect{Off: icmpQuoted + ipDest, Size: 4}, f.Remote)
	// X goes on from the outer header's length to the quoted header's end.
	p.load(bpf.LoadIndirect{Off: icmpQuoted, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
	p.requirePortsAtX(icmpQuoted, f.Local.Port(), f.Remote.Port())
	p.jump(labelAccept)
}

// outgoingReset accepts the flow's RSTs in the other direction.
func (p *program) outgoingReset(f Flow) {
	p.load(load(ipProtocol, 1))
	p.require(wire.ProtocolTCP)
	p.load(load(ipSource, 4))
	p.require(addr(f.Local))
	p.requireAddr(load(ipDest, 4), f.Remote)
	p.load(load(ipFragment, 2))
	p.jumpIf(bpf.JumpBitsSet, fragmentOffsetMask, labelDrop)
	p.requirePorts(0, f.Local.Port(), f.Remote.Port())
	p.load(bpf.LoadIndirect{Off: tcpFlags, Size: 1})
	p.jumpIf(bpf.JumpBitsSet, uint32(wire.RST), labelAccept)
	p.jump(labelDrop)
}

// A program is a filter in the making. Its jumps go forward, to labels.
type program struct {
	code  []bpf.Instruction
	marks map[string]int
	jumps map[int]string // from an instruction to the label it goes to
}

// headerLen loads an IPv4 header's length into X.
var headerLen = bpf.LoadMemShift{Off: 0}

func load(off uint32, size int) bpf.Instruction { return bpf.LoadAbsolute{Off: off, Size: size} }

func (p *program) load(ins ...bpf.Instruction) { p.code = append(p.code, ins...) }

func (p *program) label(name string) {
	if p.marks == nil {
		p.marks = make(map[string]int)
	}
	p.marks[name] = len(p.code)
}

// require drops the packet unless A is v.
func (p *program) require(v uint32) { p.jumpIf(bpf.JumpNotEqual, v, labelDrop) }

func (p *program) jumpIf(test bpf.JumpTest, v uint32, label string) {
	p.note(label)
	p.code = append(p.code, bpf.JumpIf{Cond: test, Val: v})
}

func (p *program) jump(label string) {
	p.note(label)
	p.code = append(p.code, bpf.Jump{})
}

func (p *program) note(label string) {
	if p.jumps == nil {
		p.jumps = make(map[int]string)
	}
	p.jumps[len(p.code)] = label
}

// requireAddr compares what ins loads with an address, if there is one.
func (p *program) requireAddr(ins bpf.Instruction, a netip.AddrPort) {
	if a.Addr().IsValid() {
		p.load(ins)
		p.require(addr(a))
	}
}

func (p *program) requirePorts(off uint32, src, dst uint16) {
	p.load(headerLen)
	p.requirePortsAtX(off, src, dst)
}

// requirePortsAtX compares the ports of the TCP header at X + off; 0 is any.
func (p *program) requirePortsAtX(off uint32, src, dst uint16) {
	if src != 0 {
		p.load(bpf.LoadIndirect{Off: off + tcpSource, Size: 2})
		p.require(uint32(src))
	}
	if dst != 0 {
		p.load(bpf.LoadIndirect{Off: off + tcpDest, Size: 2})
		p.require(uint32(dst))
	}
}

// assemble ends the program with its two verdicts and resolves the labels.
func (p *program) assemble() ([]bpf.RawInstruction, error) {
	code, err := p.link()
	if err != nil {
		return nil, err
	}
	return bpf.Assemble(code)
}

func (p *program) link() ([]bpf.Instruction, error) {
	p.label(labelDrop)
	p.load(bpf.RetConstant{Val: 0})
	p.label(labelAccept)
	p.load(bpf.RetConstant{Val: 1 << 20}) // bytes to keep: more than there can be
	for from, label := range p.jumps {
		to, ok := p.marks[label]
		skip := to - from - 1
		if !ok || skip < 0 || skip > 255 {
			return nil, fmt.Errorf("socket filter: no way from instruction %d to %q", from, label)
		}
		switch ins := p.code[from].(type) {
		case bpf.JumpIf:
			ins.SkipTrue = uint8(skip)
			p.code[from] = ins
		case bpf.Jump:
			ins.Skip = uint32(skip)
			p.code[from] = ins
		}
	}
	return p.code, nil
}

func addr(a netip.AddrPort) uint32 {
	b := a.Addr().As4()
	return binary.BigEndian.Uint32(b[:])
}
