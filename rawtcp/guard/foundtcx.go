// TCX guards, found by their program's name.

package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// What a TCX guard guards and has dropped is in the program's map. Programs
// have no owner; the owner is the process that holds the link's descriptor.

// findPrograms asks each interface of this network namespace. If that is not
// allowed (in a user namespace, say), nobody can have attached a program there.
func findPrograms() (list []Found, err error) {
	devs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var errs []error
	byLink := make(map[link.ID]int) // index in list
	for _, dev := range devs {
		attached, err := link.QueryPrograms(link.QueryOptions{Target: dev.Index, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			continue
		}
		for _, p := range attached.Programs {
			f, err := foundProgram(p.ID)
			if err != nil {
				errs = append(errs, fmt.Errorf("look at the BPF program at the ingress of %s, which needs root: %w", dev.Name, err))
			}
			if f == nil {
				continue
			}
			f.Interface = dev.Name
			if id, ok := p.LinkID(); ok {
				byLink[id] = len(list)
			}
			list = append(list, *f)
		}
	}
	if len(byLink) > 0 {
		nameOwners(list, byLink)
	}
	return list, errors.Join(errs...)
}

// foundProgram returns the guard that a program is, or nil if it is none.
func foundProgram(id ebpf.ProgramID) (*Found, error) {
	p, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it was removed in the meantime
	}
	if err != nil {
		return nil, err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil || info.Name != tcxName {
		return nil, err
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return nil, err
		}
		s, dropped, ok := readNote(m)
		_ = m.Close()
		if ok {
			return &Found{Kind: KindTCX, Addrs: s.addrs, First: s.first, Last: s.last, Owner: unseen, Dropped: dropped, Known: true}, nil
		}
	}
	return nil, nil
}

// nameOwners finds the processes that hold the links.
func nameOwners(list []Found, byLink map[link.ID]int) {
	eachDescriptor(func(pid, fd int, target string) {
		if !strings.HasPrefix(target, "anon_inode:bpf") {
			return
		}
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
		for line := range strings.Lines(string(text)) {
			number, ok := strings.CutPrefix(line, "link_id:")
			if !ok {
				continue
			}
			id, _ := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
			if i, ours := byLink[link.ID(id)]; ours {
				list[i].PID, list[i].Owner = pid, commandOf(pid)
			}
		}
	})
}
