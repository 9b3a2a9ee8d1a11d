// Socket filters: what of a flow a link receives.

package link

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The labels at which a filter ends.
const (
	labelAccept = "accept"
	labelDrop   = "drop"
)

// packetFilter is for AF_PACKET sockets of the datagram kind, where byte 0 is
// the IP header's first: what arrives for the flow, and the RSTs that this
// machine sends on it. Of VLAN-tagged frames only priority-tagged ones belong
// to the interface itself (IEEE 802.1Q, VLAN ID 0). If interfaces are given,
// only packets on these count.
func packetFilter(f Flow, interfaces ...int) ([]bpf.RawInstruction, error) {
	var p program
	p.requireInterface(interfaces)
	p.load(bpf.LoadExtension{Num: bpf.ExtProto})
	p.require(uint32(f.etherType()))
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

// requireInterface drops packets that are on none of these interfaces.
func (p *program) requireInterface(list []int) {
	if len(list) == 0 {
		return
	}
	p.load(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
	for _, index := range list {
		p.jumpIf(bpf.JumpEqual, uint32(index), "interface")
	}
	p.jump(labelDrop)
	p.label("interface")
}

// witnessFilter lets through only the RSTs that this machine sends.
func witnessFilter(f Flow) ([]bpf.RawInstruction, error) {
	var p program
	p.load(bpf.LoadExtension{Num: bpf.ExtProto})
	p.require(uint32(f.etherType()))
	p.load(bpf.LoadExtension{Num: bpf.ExtType})
	p.require(unix.PACKET_OUTGOING)
	p.outgoingReset(f)
	return p.assemble()
}

// rawFilter is for raw IP sockets of a protocol, which receive only.
func rawFilter(f Flow, protocol int) ([]bpf.RawInstruction, error) {
	var p program
	if f.six() {
		p.raw6(f, protocol)
	} else {
		p.inbound4(f)
	}
	return p.assemble()
}

// inbound accepts the flow's TCP, ICMP errors that quote the flow's segments,
// and fragments of either that have no ports.
func (p *program) inbound(f Flow) {
	if f.six() {
		p.inbound6(f)
	} else {
		p.inbound4(f)
	}
}

// outgoingReset accepts the flow's RSTs in the other direction.
func (p *program) outgoingReset(f Flow) {
	if f.six() {
		p.outgoingReset6(f)
	} else {
		p.outgoingReset4(f)
	}
}

// A program is a filter in the making. Its jumps go forward, to labels.
type program struct {
	code  []bpf.Instruction
	marks map[string]int
	jumps map[int]string // from an instruction to the label it goes to
}

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

// ports is a run of ports, both ends included. The zero value is any.
type ports struct{ first, last uint16 }

// ours and theirs are the flow's ports at its two ends.
func (f Flow) ours() ports {
	first := f.Local.Port()
	return ports{first, first + max(f.Ports, 1) - 1}
}

func (f Flow) theirs() ports { return ports{f.Remote.Port(), f.Remote.Port()} }

// requirePortsAtX compares the ports of the TCP header at X + off.
func (p *program) requirePortsAtX(off uint32, src, dst ports) {
	p.requirePortAtX(off+wire.TCPSrcPortOffset, src)
	p.requirePortAtX(off+wire.TCPDstPortOffset, dst)
}

func (p *program) requirePortAtX(off uint32, r ports) {
	if r.first == 0 {
		return
	}
	p.load(bpf.LoadIndirect{Off: off, Size: 2})
	if r.first == r.last {
		p.require(uint32(r.first))
		return
	}
	p.jumpIf(bpf.JumpLessThan, uint32(r.first), labelDrop)
	p.jumpIf(bpf.JumpGreaterThan, uint32(r.last), labelDrop)
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
		ins, conditional := p.code[from].(bpf.JumpIf)
		if !ok || skip < 0 || conditional && skip > 255 {
			return nil, fmt.Errorf("socket filter: no way from instruction %d to %q", from, label)
		}
		switch p.code[from].(type) {
		case bpf.JumpIf:
			ins.SkipTrue = uint8(skip)
			p.code[from] = ins
		case bpf.Jump:
			p.code[from] = bpf.Jump{Skip: uint32(skip)}
		}
	}
	return p.code, nil
}
