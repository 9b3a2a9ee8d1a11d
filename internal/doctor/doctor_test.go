package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/doctor"
)

// The test binary is also the program under test: "-doctor" makes it print its
// findings, "-doctor-forbidden" lose the right to make namespaces first, and
// "-doctor-strict" make interfaces of the names that follow.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "-doctor":
		if err := doctor.WriteJSON(os.Stdout, doctor.Check(context.Background())); err != nil {
			os.Exit(1)
		}
	case len(os.Args) > 1 && os.Args[1] == "-doctor-forbidden":
		fmt.Fprintln(os.Stderr, forbidAndExec())
		os.Exit(1)
	case len(os.Args) > 1 && os.Args[1] == "-doctor-strict":
		fmt.Fprintln(os.Stderr, strictAndExec(os.Args[2:]))
		os.Exit(1)
	default:
		os.Exit(m.Run())
	}
}

// forbidAndExec, as root of a user namespace, allows it no further ones, and
// goes on without capabilities.
func forbidAndExec() error {
	runtime.LockOSThread()
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	return unix.Exec("/proc/self/exe", []string{os.Args[0], "-doctor"}, os.Environ())
}

// check runs the doctor in a child.
func check(t *testing.T, mode string, attr *syscall.SysProcAttr, args ...string) map[string]doctor.Finding {
	t.Helper()
	child := exec.Command("/proc/self/exe", append([]string{mode}, args...)...)
	child.SysProcAttr = attr
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.Output()
	if err != nil {
		t.Fatalf("the child: %v: %s", err, stderr.Bytes())
	}
	found := make(map[string]doctor.Finding)
	for line := range strings.Lines(string(out)) {
		var f doctor.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("not one JSON object a line: %q: %v", line, err)
		}
		found[f.Name] = f
	}
	return found
}

func all(found map[string]doctor.Finding) (list []doctor.Finding) {
	for _, f := range found {
		list = append(list, f)
	}
	return list
}

// ordinary is a user without privileges, but for these capabilities.
func ordinary(t *testing.T, caps ...uintptr) *syscall.SysProcAttr {
	t.Helper()
	needRoot(t)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: caps}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("only root can change to other users and capabilities")
	}
	t.Skip("only root can change to other users and capabilities")
}

// expect checks which rows are ✓, and that every ✗ says why and how to mend it.
func expect(t *testing.T, found map[string]doctor.Finding, want map[string]bool) {
	t.Helper()
	for name, ok := range want {
		f, there := found[name]
		switch {
		case !there:
			t.Errorf("no row %s", name)
		case f.OK != ok:
			t.Errorf("%s is %v, want %v: %s", name, f.OK, ok, f.Detail)
		}
	}
	for name, f := range found {
		if f.Why == "" || f.Detail == "" {
			t.Errorf("%s does not say what was found and why it matters: %+v", name, f)
		}
		if f.OK != (f.Remedy == "") {
			t.Errorf("%s: ok %v with remedy %q", name, f.OK, f.Remedy)
		}
	}
}

func TestOrdinaryUserIsToldTheCommandThatGrants(t *testing.T) {
	found := check(t, "-doctor", ordinary(t))
	expect(t, found, map[string]bool{
		doctor.NetRaw: false, doctor.NetAdmin: false, doctor.PacketSocket: false, doctor.RawSocket: false,
		doctor.GuardListener: true, doctor.GuardNftables: false, doctor.Loopback: true,
	})
	for _, name := range []string{doctor.NetRaw, doctor.PacketSocket, doctor.RawSocket} {
		if r := found[name].Remedy; !strings.HasPrefix(r, "sudo setcap cap_net_raw+ep ") {
			t.Errorf("%s: remedy %q", name, r)
		}
	}
	if doctor.ConnectPossible(all(found)) {
		t.Error("connect is said to be possible without CAP_NET_RAW")
	}
}

func TestCapNetRawIsEnoughToConnect(t *testing.T) {
	found := check(t, "-doctor", ordinary(t, unix.CAP_NET_RAW))
	expect(t, found, map[string]bool{
		doctor.NetRaw: true, doctor.NetAdmin: false, doctor.PacketSocket: true, doctor.RawSocket: true,
		doctor.GuardListener: true, doctor.GuardNftables: false,
	})
	if r := found[doctor.NetAdmin].Remedy; !strings.Contains(r, "cap_net_raw,cap_net_admin+ep") {
		t.Errorf("the remedy %q would take CAP_NET_RAW away: setcap replaces", r)
	}
	if !doctor.ConnectPossible(all(found)) {
		t.Error("connect is said to be impossible")
	}
}

func TestForbiddenNamespacesAreNoticedAndMended(t *testing.T) {
	attr := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	found := check(t, "-doctor-forbidden", attr)
	expect(t, found, map[string]bool{doctor.UserNamespaces: false, doctor.NetRaw: false})
	if r := found[doctor.UserNamespaces].Remedy; !strings.Contains(r, "sysctl -w user.max_user_namespaces=") {
		t.Errorf("remedy %q", r)
	}
	// Root without the capability in reach is a container: setcap is no help.
	if r := found[doctor.NetRaw].Remedy; !strings.Contains(r, "--cap-add NET_RAW") {
		t.Errorf("remedy %q for a bounding set without CAP_NET_RAW", r)
	}
	if doctor.LabPossible(all(found)) {
		t.Error("a lab is said to be possible")
	}
}

func TestLoopbackDownIsNoticed(t *testing.T) {
	needRoot(t)
	found := check(t, "-doctor", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET})
	expect(t, found, map[string]bool{doctor.Loopback: false})
	if r := found[doctor.Loopback].Remedy; !strings.HasSuffix(r, "ip link set lo up") {
		t.Errorf("remedy %q", r)
	}
}

// With two default routes, a strict rp_filter hides from the raw link what
// arrives by the second; with one, strict makes no difference.
func TestAStrictReversePathFilterIsAFaultWhereItHides(t *testing.T) {
	needRoot(t)
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	expect(t, check(t, "-doctor-strict", attr, "first"), map[string]bool{doctor.ReversePath: true, doctor.Routes: true})
	found := check(t, "-doctor-strict", attr, "first", "second")
	expect(t, found, map[string]bool{doctor.ReversePath: false})
	if f := found[doctor.ReversePath]; !strings.Contains(f.Detail, "second") || !strings.Contains(f.Remedy, "sysctl -w net/ipv4/conf/second/rp_filter=2") {
		t.Errorf("%+v", f)
	}
	expect(t, check(t, "-doctor-strict", attr, "first", "second", "mended"), map[string]bool{doctor.ReversePath: true})
}

// strictAndExec makes interfaces with a default route each and a strict
// rp_filter, in a network namespace of its own, and follows the remedy if asked.
func strictAndExec(names []string) error {
	for i, name := range names {
		if name == "mended" {
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/second/rp_filter", []byte("2"), 0); err != nil {
				return err
			}
			continue
		}
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: "far-" + name}
		if err := netlink.LinkAdd(pair); err != nil {
			return err
		}
		for _, end := range []string{name, "far-" + name} {
			dev, err := netlink.LinkByName(end)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetUp(dev); err != nil {
				return err
			}
		}
		dev, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr(fmt.Sprintf("198.18.%d.1/24", i))
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(dev, address); err != nil {
			return err
		}
		way := &netlink.Route{LinkIndex: dev.Attrs().Index, Gw: net.IPv4(198, 18, byte(i), 2), Priority: 100 * (i + 1)}
		if err := netlink.RouteAdd(way); err != nil {
			return err
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/rp_filter", []byte("1"), 0); err != nil {
			return err
		}
	}
	return unix.Exec("/proc/self/exe", []string{os.Args[0], "-doctor"}, os.Environ())
}

var rows = []doctor.Finding{
	{Name: doctor.PacketSocket, OK: true, Detail: "opens", Why: "the wire, and all that is on it, as the card sees it"},
	{Name: doctor.NetRaw, Detail: "missing \x1b[2J", Why: "raw sockets", Remedy: "sudo setcap x"},
}

func TestTextIsOneLineEachWithMarkWhyAndRemedy(t *testing.T) {
	var b strings.Builder
	if err := doctor.WriteText(&b, rows, 0); err != nil {
		t.Fatal(err)
	}
	want := "✓ packet_socket  opens — the wire, and all that is on it, as the card sees it\n" +
		"✗ cap_net_raw    missing \\x1b[2J — raw sockets; mend it: sudo setcap x\n\n"
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("want\n%s\nbut it is\n%s", want, b.String())
	}
}

// What is missing and needed stands out from what is missing and optional.
func TestWhatIsOptionalHasAMarkOfItsOwn(t *testing.T) {
	var b strings.Builder
	if err := doctor.WriteText(&b, []doctor.Finding{{Name: doctor.GuardTCX, Detail: "no", Why: "another guard", Remedy: "x", Optional: true}, {Name: doctor.SourcePorts, Detail: "no", Why: "a port", Remedy: "y"}}, 0); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); !strings.Contains(out, "– guard_tcx") || !strings.Contains(out, "✗ source_ports") || !strings.Contains(out, "CI") {
		t.Errorf("%s", out)
	}
	for _, f := range doctor.Check(t.Context()) {
		if f.Name == doctor.Kernel && f.Optional || f.Name == doctor.UserNamespaces && !f.Optional {
			t.Errorf("%s: optional is %v", f.Name, f.Optional)
		}
	}
}

func TestTextFitsTheTerminalAndKeepsCommandsWhole(t *testing.T) {
	var b strings.Builder
	if err := doctor.WriteText(&b, rows, 50); err != nil {
		t.Fatal(err)
	}
	want := "✓ packet_socket  opens — the wire, and all that is\n" +
		"                 on it, as the card sees it\n" +
		"✗ cap_net_raw    missing \\x1b[2J — raw sockets\n" +
		"                 mend it: sudo setcap x\n\n"
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("want\n%s\nbut it is\n%s", want, b.String())
	}
}
