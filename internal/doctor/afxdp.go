// Tries AF_XDP, the prober's way past the kernel's stack.

package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// checkAFXDP opens a socket and loads a program, which it attaches nowhere: that
// could interrupt a network card for a moment.
func checkAFXDP() Finding {
	f := Finding{Name: AFXDP, Why: "probe --link xdp: packets that the kernel's stack never sees, at less cost each"}
	err := link.AllowedXDP()
	remedy := "stay with the packet link, which --link auto takes"
	switch {
	case errors.Is(err, link.ErrNoProc):
		err, remedy = link.ErrNoProc, asRoot("mount -t proc proc /proc")
	case errors.Is(err, link.ErrPermission):
		err = errors.New("XDP programs are not permitted: they need CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, in the first user namespace")
		if os.Geteuid() != 0 {
			remedy = "sudo setcap cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock+ep " + program()
		}
	}
	return judge(f, err, "an AF_XDP socket opens, and an XDP program loads"+tellXDP(xdpAbilities())+xdpTaken(), remedy)
}

// xdpTaken names the interfaces that have a program of somebody else's.
func xdpTaken() string {
	var names []string
	devs, _ := netlink.LinkList()
	for _, d := range devs {
		if x := d.Attrs().Xdp; x != nil && x.Attached {
			names = append(names, fmt.Sprintf("%s (id %d)", d.Attrs().Name, x.ProgId))
		}
	}
	if names == nil {
		return ""
	}
	return "; not on these interfaces, which have an XDP program already: " + strings.Join(names, ", ")
}
