// Checks what surrounds the program: ports, open files, memory, routes, the
// clock.

package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/memlimit"
	"github.com/rawshake/rawshake/rawtcp/guard"
)

// checkGuardTCX attaches the guard to the loopback interface, for an address
// that nobody has (RFC 5737).
func checkGuardTCX() Finding {
	f := Finding{Name: GuardTCX, Why: "the guard that costs least where millions of segments arrive, and needs no netfilter"}
	g, err := guard.OpenRange(guard.RangeOptions{Kind: guard.KindTCX, Interface: "lo",
		Addrs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1})}, First: 1, Last: 1})
	if err == nil {
		err = g.Close()
	}
	remedy := "upgrade to Linux 6.6, or stay with --guard auto, which does without"
	switch {
	case errors.Is(err, guard.ErrNoProc):
		err, remedy = guard.ErrNoProc, asRoot("mount -t proc proc /proc")
	case errors.Is(err, guard.ErrNoGuard) && !errors.Is(err, guard.ErrPermission):
		_, why, _ := strings.Cut(err.Error(), "tcx guard: ")
		err = errors.New(why)
	case errors.Is(err, guard.ErrPermission):
		err = errors.New("BPF programs are not permitted: they need CAP_BPF and CAP_NET_ADMIN, in the first user namespace")
		remedy = "sudo setcap cap_net_raw,cap_net_admin,cap_bpf+ep " + program()
		if os.Geteuid() == 0 {
			remedy = "stay with --guard auto, which does without (BPF is for root outside containers and user namespaces)"
		}
	}
	return judge(f, err, "a BPF program at tc ingress can be attached", remedy)
}

// checkPorts looks for a free port, as each connection does.
func checkPorts() Finding {
	f := Finding{Name: SourcePorts, Why: "a connection needs a port of its own, which no socket of this machine holds"}
	low, high, err := guard.EphemeralPorts()
	if err != nil {
		return judge(f, err, "", asRoot("sysctl -w net.ipv4.ip_local_port_range='32768 60999'"))
	}
	g, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)})
	if err == nil {
		err = g.Close()
	}
	remedy := "end some of the programs that ss -tanp lists, or name a free port with --source-port"
	if high-low < widePorts[1]-widePorts[0] {
		remedy = asRoot(fmt.Sprintf("sysctl -w net.ipv4.ip_local_port_range='%d %d'", widePorts[0], widePorts[1]))
	}
	if errors.Is(err, guard.ErrPortInUse) {
		err = fmt.Errorf("none of the ports %d-%d that were tried is free", low, high)
	}
	return judge(f, err, fmt.Sprintf("there are free ones among %d-%d", low, high), remedy)
}

// widePorts is the widest range that keeps clear of the well-known ports.
var widePorts = [2]uint16{1024, 65535}

func checkOpenFiles() Finding {
	f := Finding{Name: OpenFiles, Why: "probe holds a descriptor for each of its source ports"}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return judge(f, err, "", "")
	}
	f.Detail = fmt.Sprintf("%d may be open at a time", limit.Cur)
	if f.OK = limit.Cur >= enoughFiles; !f.OK {
		f.Remedy = fmt.Sprintf("ulimit -n %d", enoughFiles)
		if limit.Max < enoughFiles {
			f.Remedy = fmt.Sprintf("%s --pid $$ --nofile=%d:%d", asRoot("prlimit"), enoughFiles, enoughFiles)
		}
	}
	return f
}

const enoughFiles = 1024

// checkMemory looks for limits at which the kernel kills a process without
// warning.
func checkMemory() Finding {
	limit, by := memlimit.Of()
	return judgeMemory(limit, by, addressSpace())
}

func judgeMemory(limit uint64, by string, space uint64) Finding {
	f := Finding{Name: Memory, Why: "the kernel ends a process that takes more than its limit: a lab takes some 40 MB, a scan more the more is under way"}
	switch {
	case space < enoughSpace:
		f.Detail = fmt.Sprintf("%d MB of addresses (ulimit -v), of which Go's runtime takes most for itself without using them", space>>20)
		f.Remedy = "ulimit -v unlimited, and a control group where memory is to be bounded"
	case limit > 0 && limit < enoughMemory:
		f.Detail = fmt.Sprintf("at most %d MB (%s)", limit>>20, by)
		f.Remedy = asRoot("sh -c " + quote(fmt.Sprintf("echo %dM > %s", enoughMemory>>20, by)))
	case limit > 0:
		f.OK, f.Detail = true, fmt.Sprintf("at most %d MB (%s)", limit>>20, by)
	default:
		f.OK, f.Detail = true, "no limit that can be seen"
	}
	return f
}

const (
	enoughMemory = 64 << 20
	enoughSpace  = 1 << 30
)

// addressSpace is the limit of the process's address space.
func addressSpace() uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) != nil {
		return unix.RLIM_INFINITY
	}
	return limit.Cur
}

// checkRoutes looks for default routes.
func checkRoutes() Finding {
	f := Finding{Name: Routes, Why: "hosts beyond the links of this machine are reached by a default route"}
	var ways []string
	for _, family := range []struct {
		number int
		name   string
	}{{netlink.FAMILY_V4, "IPv4"}, {netlink.FAMILY_V6, "IPv6"}} {
		routes, err := netlink.RouteList(nil, family.number)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			continue
		}
		for _, r := range routes {
			if r.Dst != nil && r.Dst.String() != "0.0.0.0/0" && r.Dst.String() != "::/0" {
				continue
			}
			if dev, err := net.InterfaceByIndex(r.LinkIndex); err == nil {
				ways = append(ways, fmt.Sprintf("%s by %s", family.name, dev.Name))
				break
			}
		}
	}
	if len(ways) == 0 {
		return judge(f, errors.New("no default route: only hosts on the links can be reached"), "", asRoot("ip route add default via GATEWAY"))
	}
	return judge(f, nil, "default route for "+strings.Join(ways, ", "), "")
}

// checkClock compares the clock with the date of this program's own file, which
// cannot be in the future, and asks the kernel whether the clock is
// synchronized.
func checkClock() Finding {
	f := Finding{Name: Clock, Why: "certificates are valid for a time, and the time is this machine's"}
	now := time.Now()
	f.Detail = now.UTC().Format("2006-01-02 15:04 MST")
	var made time.Time
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			made = info.ModTime()
		}
	}
	if now.Before(made) {
		return judge(f, fmt.Errorf("%s is before this program was made, %s", f.Detail, made.UTC().Format("2006-01-02 15:04 MST")), "", asRoot("timedatectl set-ntp true"))
	}
	var t unix.Timex
	if state, err := unix.Adjtimex(&t); err == nil && (state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0) {
		f.Detail += ", which no time server keeps"
	}
	return judge(f, nil, f.Detail, "")
}
