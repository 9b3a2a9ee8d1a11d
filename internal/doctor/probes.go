// Tries the kernel's features: capabilities, sockets, nftables, namespaces.

package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/internal/lab/netns"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A capability, by its name and its number in the kernel.
type capability struct {
	finding, name string
	bit           int
	why           string
}

var (
	netRaw = capability{NetRaw, "CAP_NET_RAW", unix.CAP_NET_RAW,
		"packets of our own are sent and received through raw sockets"}
	netAdmin = capability{NetAdmin, "CAP_NET_ADMIN", unix.CAP_NET_ADMIN,
		"only for guards made of netfilter or tc rules; the default guard does without"}
)

// ownerFlag is the kernel whose nftables tables can die with their process
// (NFT_TABLE_F_OWNER, Linux 5.12).
var ownerFlag = [2]int{5, 12}

func checkKernel() Finding {
	f := Finding{Name: Kernel, Why: "from Linux 5.12 on, a netfilter guard dies with the process that made it"}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		f.Detail = err.Error()
		return f
	}
	release := unix.ByteSliceToString(u.Release[:])
	f.Detail = "Linux " + release
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		f.Remedy = "this release number is not understood; nothing to do if the rest is fine"
		return f
	}
	f.OK = major > ownerFlag[0] || major == ownerFlag[0] && minor >= ownerFlag[1]
	f.Remedy = "upgrade the kernel, or stay with --guard auto, which prefers the guard that needs no netfilter"
	return f
}

func checkCapability(c capability) Finding {
	f := Finding{Name: c.finding, Why: c.why}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		f.Detail = c.name + " cannot be read: " + err.Error()
		return f
	}
	f.OK = data[c.bit/32].Effective>>(c.bit%32)&1 == 1
	f.Detail = c.name + " is effective"
	if !f.OK {
		f.Detail = c.name + " is missing"
		f.Remedy = grant(c)
	}
	return f
}

// trySocket opens a socket and closes it again.
func trySocket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func checkPacketSocket() Finding {
	f := Finding{Name: PacketSocket, Why: "the usual way to the wire: segments as the network card sees them, before any firewall"}
	// With protocol 0 the socket is bound to nothing and receives nothing.
	return judge(f, trySocket(unix.AF_PACKET, unix.SOCK_RAW, 0), "an AF_PACKET socket opens", grant(netRaw))
}

func checkRawSocket() Finding {
	f := Finding{Name: RawSocket, Why: "the way to hosts on the loopback interface, and where AF_PACKET is not allowed"}
	detail := "raw IP sockets open (IPv4 and IPv6)"
	err := trySocket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP)
	if err == nil && trySocket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_TCP) != nil {
		detail = "a raw IP socket opens (IPv4 only)"
	}
	return judge(f, err, detail, grant(netRaw))
}

// highestTTL makes a listener with IP_MINTTL drop whatever has passed a router:
// the opposite of what RFC 5082, section 3, uses it for.
const highestTTL = 255

func checkGuardListener() Finding {
	f := Finding{Name: GuardListener, Why: "the guard of first choice: it keeps the kernel from answering our peer with a RST, without any privilege"}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd)
		err = errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MINTTL, highestTTL),
			unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
			unix.Listen(fd, 1),
		)
	}
	return judge(f, err, "a listening socket takes IP_MINTTL 255", "run it outside the sandbox that forbids sockets; or give --guard nftables, if that row is ✓")
}

func checkNftables() Finding {
	f := Finding{Name: GuardNftables, Why: "the second choice of a guard, for peers so near that their TTL arrives as 255"}
	conn, err := nftables.New()
	if err == nil {
		_, err = conn.ListTables()
	}
	remedy := grant(netAdmin)
	if err != nil && !errors.Is(err, unix.EPERM) {
		remedy = withoutNetfilter()
	}
	return judge(f, err, "nftables answers", remedy)
}

func checkLoopback() Finding {
	f := Finding{Name: Loopback, Why: "connections to this machine itself (rawshake connect localhost)"}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return judge(f, err, "", "this network namespace has no loopback interface: leave it")
	}
	if lo.Flags&net.FlagUp == 0 {
		return judge(f, errors.New("the interface lo is down"), "", asRoot("ip link set lo up"))
	}
	routes, err := netlink.RouteGet(netip.MustParseAddr("127.0.0.1").AsSlice())
	if err == nil && (len(routes) == 0 || routes[0].LinkIndex != lo.Index) {
		err = errors.New("127.0.0.1 is not routed to lo")
	}
	return judge(f, err, "127.0.0.1 is routed to lo", asRoot("ip route replace table local local 127.0.0.0/8 dev lo"))
}

func checkNamespaces() Finding {
	f := Finding{Name: UserNamespaces, Why: "rawshake lab: a private network with peers, which needs no privilege at all"}
	err := netns.Probe()
	detail := "a child in namespaces of its own can be made"
	var no *netns.ForbiddenError
	if errors.As(err, &no) {
		f.Detail, f.Remedy = no.Cause, commandIn(no.Remedy)
		return f
	}
	return judge(f, err, detail, "run it as root")
}

// judge completes a finding: with the detail if there was no error, otherwise
// with the error and the remedy.
func judge(f Finding, err error, detail, remedy string) Finding {
	if err == nil {
		f.OK, f.Detail = true, detail
		return f
	}
	f.Detail, f.Remedy = strings.ReplaceAll(err.Error(), "\n", ", "), remedy
	return f
}
