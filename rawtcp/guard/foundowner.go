// Which process owns a guard's nftables table, also across containers.

package guard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The name of an owned table holds its process's number in that process's own
// PID namespace; in ours it may be another's. The owner has a netlink socket to
// netfilter in this network namespace, and that number in its own PID
// namespace.

// tableOwners returns the processes with such a socket by their numbers in
// their own namespaces; 0 if several have the same.
func tableOwners() map[int]int {
	sockets := netfilterSockets()
	owners := make(map[int]int)
	eachDescriptor(func(pid, _ int, target string) {
		if !sockets[socketInode(target)] {
			return
		}
		own := innermost(pid)
		if other, ok := owners[own]; ok && other != pid {
			pid = 0
		}
		owners[own] = pid
	})
	return owners
}

// netfilterSockets returns the inodes of all netlink sockets to netfilter in
// this network namespace.
func netfilterSockets() map[uint32]bool {
	text, _ := os.ReadFile("/proc/thread-self/net/netlink")
	inodes := make(map[uint32]bool)
	for line := range strings.Lines(string(text)) {
		// sk, protocol, port, groups, rmem, wmem, dump, locks, drops, inode
		fields := strings.Fields(line)
		if len(fields) == 10 && fields[1] == strconv.Itoa(unix.NETLINK_NETFILTER) {
			n, _ := strconv.ParseUint(fields[9], 10, 32)
			inodes[uint32(n)] = true
		}
	}
	return inodes
}

// innermost returns a process's number in its own PID namespace, or 0.
func innermost(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
			all := strings.Fields(numbers)
			if len(all) > 0 {
				n, _ := strconv.Atoi(all[len(all)-1])
				return n
			}
		}
	}
	return 0
}

// ownerHere returns the process that a table's name means, or 0 if it cannot be
// seen. If we may not look at a process's descriptors, the number is believed.
func ownerHere(told int, owners map[int]int) int {
	if pid, ok := owners[told]; ok {
		return pid
	}
	if _, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", told)); errors.Is(err, fs.ErrPermission) {
		return told
	}
	return 0
}
