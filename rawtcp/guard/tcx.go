// The guard that is a BPF program at an interface's ingress.

package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// tcx is a BPF program at the ingress of interfaces. AF_PACKET taps on
// ETH_P_ALL come before it, the kernel's IP after it. The program is detached
// when the descriptor of its link is closed.
type tcx struct {
	scope scope
	dev   string

	mu   sync.Mutex
	link []link.Link // at each interface; nil once closed
	prog *ebpf.Program
	note *ebpf.Map // one tcxNote
}

// tcxName is the name of the program and its map, by which [Find] recognizes
// them.
const tcxName = "rawshake_guard"

func openTCX(s scope, taps []string) (_ Shield, err error) {
	if taps[0] == "" {
		return nil, errors.New("it needs to know the interface on which everything is received by AF_PACKET")
	}
	g := &tcx{scope: s, dev: strings.Join(taps, ", ")}
	defer func() {
		if err != nil {
			g.release()
		}
	}()
	note := tcxNote(s)
	g.note, err = ebpf.NewMap(&ebpf.MapSpec{Name: tcxName, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(note)), MaxEntries: 1,
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: note}}})
	if err != nil {
		return nil, bpfError(err)
	}
	g.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: tcxName, Type: ebpf.SchedCLS, Instructions: dropInbound(s, g.note.FD()), License: "Apache-2.0",
	})
	if err != nil {
		return nil, bpfError(err)
	}
	for _, dev := range taps {
		if err := g.attach(dev); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *tcx) attach(dev string) error {
	ifc, err := net.InterfaceByName(dev)
	if err != nil {
		return fmt.Errorf("there is no interface %q (ip link lists them): %w", dev, err)
	}
	l, err := link.AttachTCX(link.TCXOptions{Interface: ifc.Index, Program: g.prog, Attach: ebpf.AttachTCXIngress, Anchor: link.Head()})
	if err != nil {
		return bpfError(err)
	}
	g.link = append(g.link, l)
	return nil
}

func bpfError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &PermissionError{"it needs the capabilities CAP_BPF and CAP_NET_ADMIN, in the first user namespace", cause(err)}
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("this kernel has no TCX (Linux 6.6): %w", cause(err))
	case errors.Is(err, fs.ErrNotExist):
		return ErrNoProc
	}
	return fmt.Errorf("the kernel does not take the BPF program: %w", cause(err))
}

// cause returns the kernel's error number, without the library's text around
// it.
func cause(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func (g *tcx) Kind() Kind { return KindTCX }

func (g *tcx) Describe() string {
	return fmt.Sprintf("a BPF program of ours at the ingress of %s, which drops what arrives for %v before the kernel's IP and goes when this process ends", g.dev, g.scope)
}

// Dropped reads the program's counter.
func (g *tcx) Dropped() (n uint64, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.link == nil {
		return 0, false
	}
	_, n, known = readNote(g.note)
	return n, known
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
	for _, l := range g.link {
		errs = append(errs, l.Close())
	}
	g.link = nil
	if g.prog != nil {
		errs = append(errs, g.prog.Close())
	}
	if g.note != nil {
		errs = append(errs, g.note.Close())
	}
	return errors.Join(errs...)
}

// The layout of a program's map entry, in host byte order: how much it has
// dropped, and its scope, for others to read.
const (
	noteDropped = 0  // 64 bits
	noteFirst   = 8  // 16 bits
	noteLast    = 10 // 16 bits
	noteAddrs   = 16 // 16 octets each, an IPv4 address as RFC 4291 maps it
)

func tcxNote(s scope) []byte {
	b := make([]byte, noteAddrs, noteAddrs+16*len(s.addrs))
	binary.NativeEndian.PutUint16(b[noteFirst:], s.first)
	binary.NativeEndian.PutUint16(b[noteLast:], s.last)
	for _, a := range s.addrs {
		six := a.As16()
		b = append(b, six[:]...)
	}
	return b
}

// readNote reads a program's map entry, and reports false for a map that holds
// none.
func readNote(m *ebpf.Map) (s scope, dropped uint64, ok bool) {
	b, err := m.LookupBytes(uint32(0))
	if err != nil || len(b) < noteAddrs || len(b)%16 != 0 {
		return s, 0, false
	}
	s.first, s.last = binary.NativeEndian.Uint16(b[noteFirst:]), binary.NativeEndian.Uint16(b[noteLast:])
	for at := noteAddrs; at < len(b); at += 16 {
		s.addrs = append(s.addrs, netip.AddrFrom16([16]byte(b[at:])).Unmap())
	}
	return s, binary.NativeEndian.Uint64(b[noteDropped:]), s.first != 0
}
