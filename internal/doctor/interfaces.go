// Settings of interfaces that change what is seen or received: reverse-path
// filtering and offloads.

package doctor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// checkReversePath reads how strictly the kernel checks the interface on which
// a packet arrives (RFC 3704, section 2.2). Strict checks break a second
// default route whose answers arrive on an interface other than the preferred
// one.
func checkReversePath() Finding {
	f := Finding{Name: ReversePath, Why: "a strict rp_filter hides from the raw link what comes in by another interface than the route's; the packet link sees it"}
	var strict []string
	devs, _ := net.Interfaces()
	all := sysctlValue("net/ipv4/conf/all/rp_filter")
	for _, d := range devs {
		if d.Flags&net.FlagLoopback == 0 && max(all, sysctlValue("net/ipv4/conf/"+d.Name+"/rp_filter")) == "1" {
			strict = append(strict, d.Name)
		}
	}
	var hidden, remedies []string
	for _, name := range secondRoutes() {
		if slices.Contains(strict, name) {
			hidden = append(hidden, name)
			remedies = append(remedies, asRoot("sysctl -w "+quote("net/ipv4/conf/"+name+"/rp_filter")+"=2"))
		}
	}
	if all == "" {
		return judge(f, errors.New("unknown: /proc/sys/net cannot be read"), "", asRoot("mount -t proc proc /proc"))
	}
	detail := "not strict on any interface"
	if len(strict) > 0 {
		detail = "strict on " + strings.Join(strict, ", ") + ", where it hides nothing: there is no second default route"
	}
	var err error
	if len(hidden) > 0 {
		err = errors.New("strict on " + strings.Join(hidden, ", ") + ", beside the default route: connect -i there with --link raw hears nothing")
	}
	return judge(f, err, detail, strings.Join(remedies, " && "))
}

// secondRoutes are the interfaces of IPv4 default routes that the kernel does
// not prefer.
func secondRoutes() (names []string) {
	routes, _ := netlink.RouteList(nil, netlink.FAMILY_V4)
	routes = slices.DeleteFunc(routes, func(r netlink.Route) bool { return r.Dst != nil && r.Dst.String() != "0.0.0.0/0" })
	slices.SortStableFunc(routes, func(a, b netlink.Route) int { return a.Priority - b.Priority })
	for _, r := range routes {
		if r.LinkIndex == routes[0].LinkIndex {
			continue
		}
		if dev, err := net.InterfaceByIndex(r.LinkIndex); err == nil && !slices.Contains(names, dev.Name) {
			names = append(names, dev.Name)
		}
	}
	return names
}

func sysctlValue(name string) string {
	b, _ := os.ReadFile("/proc/sys/" + name)
	return strings.TrimSpace(string(b))
}

// The settings of a network card that change what is captured.
type offloads struct {
	dev      string
	gro, lro bool
}

func checkOffloads() Finding {
	var cards []offloads
	devs, _ := net.Interfaces()
	for _, d := range devs {
		if d.Flags&net.FlagLoopback == 0 && d.Flags&net.FlagUp != 0 {
			gro, flags := ethtool(d.Name, unix.ETHTOOL_GGRO), ethtool(d.Name, unix.ETHTOOL_GFLAGS)
			cards = append(cards, offloads{d.Name, gro != 0, flags&lroFlag != 0})
		}
	}
	return judgeOffloads(cards)
}

// lroFlag is ETH_FLAG_LRO (linux/ethtool.h).
const lroFlag = 1 << 15

// judgeOffloads accepts GRO, in which the kernel merges segments without loss,
// but not LRO, in which the card does and their headers are lost.
func judgeOffloads(cards []offloads) Finding {
	f := Finding{Name: Offloads, Why: "with GRO several segments arrive as one, larger than the MTU, and are taken as they are; with LRO the segments shown were never on the wire"}
	var gro, lro, remedies []string
	for _, c := range cards {
		if c.gro {
			gro = append(gro, c.dev)
		}
		if c.lro {
			lro = append(lro, c.dev)
			remedies = append(remedies, asRoot("ethtool -K "+quote(c.dev)+" lro off"))
		}
	}
	detail := "GRO is on nowhere, nor is LRO"
	if len(gro) > 0 {
		detail = "GRO is on for " + strings.Join(gro, ", ") + ", LRO nowhere"
	}
	var err error
	if len(lro) > 0 {
		err = fmt.Errorf("LRO is on for %s", strings.Join(lro, ", "))
	}
	return judge(f, err, detail, strings.Join(remedies, " && "))
}

// ethtool asks a device for one of its settings; 0 if it has none.
func ethtool(dev string, command uint32) uint32 {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	value := struct{ cmd, data uint32 }{cmd: command} // struct ethtool_value
	request := struct {                               // struct ifreq
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], dev)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&value)
	if errno != 0 {
		return 0
	}
	return value.data
}
