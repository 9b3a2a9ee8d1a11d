// Putting an XDP program on an interface, where it may be.

package link

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// install puts a program with these rules in the place of the one before.
func (d *xdpDevice) install(rules []xdpRule) error {
	code := d.code
	code.rules = rules
	p, err := code.load()
	if err != nil {
		return err
	}
	if d.attach == nil {
		d.attach, err = attachXDP(p, d.key.index)
	} else {
		err = d.attach.Update(p)
	}
	if err != nil {
		p.Close()
		return err
	}
	if d.program != nil {
		d.program.Close()
	}
	d.code.rules, d.program = rules, p
	return nil
}

// attachXDP attaches a program in the driver's mode, or else before the kernel's
// stack, which all interfaces have (SKB mode).
func attachXDP(p *ebpf.Program, index int) (l bpflink.Link, err error) {
	for _, mode := range []bpflink.XDPAttachFlags{bpflink.XDPDriverMode, bpflink.XDPGenericMode} {
		l, err = bpflink.AttachXDP(bpflink.XDPOptions{Program: p, Interface: index, Flags: mode})
		if err == nil || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
			return l, err
		}
	}
	return nil, err
}

// othersXDP names another program on the interface. It is left alone.
func othersXDP(a *netlink.LinkAttrs) error {
	if a.Xdp == nil || !a.Xdp.Attached {
		return nil
	}
	name := ""
	if n := programName(a.Xdp.ProgId); n != "" {
		name = fmt.Sprintf(", %q", n)
	}
	return fmt.Errorf("%w: another XDP program is attached to %s (id %d%s), and is left alone; use --link packet", ErrNoXDP, a.Name, a.Xdp.ProgId, name)
}

// programName is the name of a BPF program, as far as it may be known: to find it
// takes CAP_SYS_ADMIN.
func programName(id uint32) string {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		if was := remembered.Load(); was != nil {
			return was.programs[id]
		}
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	return info.Name
}

// AllowedXDP says whether this process may open AF_XDP rings, as far as that does
// not depend on an interface: nil, or an error that wraps ErrPermission or ErrNoXDP.
func AllowedXDP() error {
	const what = "open an AF_XDP ring"
	fd, err := newXDPSocket()
	if err != nil {
		return xdpError(what, err)
	}
	defer unix.Close(fd)
	sockets, err := newXDPMap(1)
	if err != nil {
		return xdpError(what, err)
	}
	defer sockets.Close()
	code := xdpCode{queues: 1, room: 1, sockets: sockets.FD()}
	p, err := code.load()
	if err != nil {
		return xdpError(what, err)
	}
	return p.Close()
}

func newXDPMap(n int) (*ebpf.Map, error) {
	return ebpf.NewMap(&ebpf.MapSpec{Name: xdpName, Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(n)})
}

func (c *xdpCode) load() (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{Name: xdpName, Type: ebpf.XDP, Instructions: c.instructions(), License: "Apache-2.0"})
}
