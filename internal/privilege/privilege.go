// Package privilege gives up what the kernel allows this process: capabilities
// in every thread, what programs that it starts could gain, and, by Landlock,
// changes to files.
package privilege

import (
	"errors"
	"math/bits"
	"strconv"
	"strings"
)

// A Set is a set of capabilities, a bit each, by their numbers
// (linux/capability.h).
type Set uint64

// Capabilities that the program may need.
const (
	DACOverride    Set = 1 << 1
	DACReadSearch  Set = 1 << 2
	NetBindService Set = 1 << 10
	NetAdmin       Set = 1 << 12
	NetRaw         Set = 1 << 13
	IPCLock        Set = 1 << 14
	SysPtrace      Set = 1 << 19
	SysAdmin       Set = 1 << 21
	Perfmon        Set = 1 << 38
	BPF            Set = 1 << 39

	// Files are those with which root reads and writes files of others, and those
	// that other processes hold (/proc/PID/fd).
	Files = DACOverride | DACReadSearch | SysPtrace
)

var names = map[Set]string{
	DACOverride: "CAP_DAC_OVERRIDE", DACReadSearch: "CAP_DAC_READ_SEARCH", NetBindService: "CAP_NET_BIND_SERVICE", NetAdmin: "CAP_NET_ADMIN",
	NetRaw: "CAP_NET_RAW", IPCLock: "CAP_IPC_LOCK", SysPtrace: "CAP_SYS_PTRACE", SysAdmin: "CAP_SYS_ADMIN", Perfmon: "CAP_PERFMON", BPF: "CAP_BPF",
}

// String lists the names, with commas and a last "and" between them.
func (s Set) String() string {
	var list []string
	for ; s != 0; s &= s - 1 {
		one := s & -s
		name := names[one]
		if name == "" {
			name = "capability " + strconv.Itoa(bits.TrailingZeros64(uint64(one)))
		}
		list = append(list, name)
	}
	switch n := len(list); n {
	case 0:
		return "none"
	case 1:
		return list[0]
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

// ErrUnsupported says that privileges cannot be given up in all threads: the
// program was built with cgo, whose threads Go cannot reach, or is not on Linux.
var ErrUnsupported = errors.New("this build cannot give up privileges in all of its threads (CGO_ENABLED=0 makes one that can)")
