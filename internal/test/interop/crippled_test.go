package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// A crippled environment: words in front of a command line that take something
// away from it.
type crippled struct {
	node   *lab.Node
	prefix []string
	bin    string // the program, in a folder where an ordinary user may run it
	sudo   string // a folder with a sudo that is root's own shell
}

// cripple gives the test a copy of the program of its own.
func cripple(t *testing.T, n *lab.Node, prefix ...string) *crippled {
	t.Helper()
	dir, err := os.MkdirTemp("", "rawshake-crippled-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	code, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	c := &crippled{node: n, prefix: prefix, bin: filepath.Join(dir, "rawshake"), sudo: dir}
	for path, content := range map[string]string{c.bin: string(code), filepath.Join(dir, "sudo"): "#!/bin/sh\nexec \"$@\"\n"} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(dir, 0o755)
	return c
}

// command runs a command in the crippled environment.
func (c *crippled) command(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	words := append(append([]string{}, c.prefix...), args...)
	cmd := c.node.Command(words[0], words[1:]...)
	b, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Why    string `json:"why"`
	Remedy string `json:"remedy"`
}

// row is what the doctor says of one thing, and its exit status.
func (c *crippled) row(t *testing.T, name string) (finding, int) {
	t.Helper()
	out, status := c.command(t, c.bin, "doctor", "--json")
	for line := range strings.Lines(out) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.Name == name {
			return f, status
		}
	}
	t.Fatalf("no row %s in:\n%s", name, out)
	return finding{}, 0
}

// fault checks that the doctor names a fault, and returns the remedy.
func (c *crippled) fault(t *testing.T, name string, wantStatus int) string {
	t.Helper()
	f, status := c.row(t, name)
	if f.OK || f.Remedy == "" || f.Why == "" || status != wantStatus {
		t.Fatalf("exit status %d, want %d, and %s: %+v", status, wantStatus, name, f)
	}
	t.Logf("%s: %s; mend: %s", f.Name, f.Detail, f.Remedy)
	return f.Remedy
}

// follow does what a remedy says, to the letter, as whoever may use sudo.
func (c *crippled) follow(t *testing.T, remedy string) {
	t.Helper()
	cmd := c.node.Command("/bin/sh", "-c", remedy)
	cmd.Env = append(os.Environ(), "PATH="+c.sudo+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the remedy %q: %v: %s", remedy, err, out)
	}
}

// mended checks that the fault is gone.
func (c *crippled) mended(t *testing.T, name string) {
	t.Helper()
	if f, status := c.row(t, name); !f.OK || status != 0 {
		t.Errorf("after the remedy: exit status %d, %+v", status, f)
	}
}

func (c *crippled) connects(t *testing.T, s *service.TLSServer, args ...string) {
	t.Helper()
	out, status := c.command(t, append([]string{c.bin, "connect", "--insecure", s.Addr().String()}, args...)...)
	if status != 0 {
		t.Errorf("connect: exit status %d\n%s", status, out)
	}
}

func crippledLab(t *testing.T) (*lab.Lab, *service.TLSServer) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root can change to other users")
	}
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

var ordinaryUser = []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}

func TestDoctorMendsAMissingCapNetRaw(t *testing.T) {
	l, s := crippledLab(t)
	needProgram(t, "setcap")
	c := cripple(t, l.Near(), ordinaryUser...)
	if out, status := c.command(t, c.bin, "connect", s.Addr().String()); status != 3 {
		t.Fatalf("connect without the capability: exit status %d\n%s", status, out)
	}
	c.follow(t, c.fault(t, "cap_net_raw", 3))
	c.mended(t, "cap_net_raw")
	c.connects(t, s)
}

func TestDoctorMendsAMissingCapNetAdmin(t *testing.T) {
	l, s := crippledLab(t)
	needProgram(t, "setcap")
	c := cripple(t, l.Near(), ordinaryUser...)
	c.follow(t, "sudo setcap cap_net_raw+ep "+c.bin)
	c.follow(t, c.fault(t, "cap_net_admin", 0)) // connect does without
	c.mended(t, "cap_net_admin")
	c.mended(t, "cap_net_raw") // setcap replaces what was there
	c.connects(t, s, "--guard", "nftables")
}

// User namespaces are forbidden in a user namespace of the test's own, whose
// root may allow them again.
func TestDoctorMendsForbiddenUserNamespaces(t *testing.T) {
	l, _ := crippledLab(t)
	needProgram(t, "sysctl")
	c := cripple(t, l.Near())
	const script = `
echo 0 >/proc/sys/user/max_user_namespaces || exit 90
as="setpriv --reuid 65534 --regid 65534 --clear-groups"
ask() { $as "$1" doctor --json | grep '"user_namespaces"'; }
before=$(ask "$1")
remedy=$(echo "$before" | sed -n 's/.*"remedy":"\([^"]*\)".*/\1/p')
[ -n "$remedy" ] || { echo "$before"; exit 91; }
case $before in *'"ok":false'*max_user_namespaces*) ;; *) echo "$before"; exit 92 ;; esac
sh -c "$remedy" >&2 || exit 93
case $(ask "$1") in *'"ok":true'*) ;; *) echo "$before"; exit 94 ;; esac
$as "$1" lab demo >/dev/null
`
	cmd := exec.Command("sh", "-c", script, "sh", c.bin)
	everybody := []syscall.SysProcIDMap{{Size: 1 << 16}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: everybody, GidMappings: everybody, GidMappingsEnableSetgroups: true}
	cmd.Env = append(os.Environ(), "PATH="+c.sudo+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestDoctorMendsATakenPortRange(t *testing.T) {
	l, s := crippledLab(t)
	needProgram(t, "sysctl")
	c := cripple(t, l.Near(), "env")
	c.follow(t, "sudo sysctl -w net.ipv4.ip_local_port_range='40000 40003'")
	for port := 40000; port <= 40003; port++ {
		ln, err := l.Near().Listen("tcp", fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
	}
	if out, status := c.command(t, c.bin, "connect", s.Addr().String()); status == 0 {
		t.Fatalf("connect finds a port in a range that is taken\n%s", out)
	}
	c.follow(t, c.fault(t, "source_ports", 3))
	c.mended(t, "source_ports")
	c.connects(t, s)
}

// A kernel without netfilter refuses its netlink family. This one is made to.
func TestDoctorNamesTheWayWithoutNetfilter(t *testing.T) {
	l, s := crippledLab(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := cripple(t, l.Near(), self, withoutNetfilter)
	if out, status := c.command(t, c.bin, "connect", "--guard", "nftables", s.Addr().String()); status == 0 {
		t.Fatalf("there is netfilter after all\n%s", out)
	}
	remedy := c.fault(t, "guard_nftables", 0)
	if strings.Contains(remedy, "modprobe") {
		missing(t, "this kernel has netfilter as a module, and the doctor says to load it: %s", remedy)
	}
	to := strings.Replace(remedy, "HOST", s.Addr().String()+" --insecure", 1)
	if out, status := c.command(t, "sh", "-c", to); status != 0 {
		t.Errorf("the remedy %q: exit status %d\n%s", to, status, out)
	}
}

// withoutNetfilter as the first argument makes the test binary run the rest of
// the command line as if the kernel had no netfilter.
const withoutNetfilter = "-without-netfilter"

func execWithoutNetfilter(args []string) error {
	const refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(v uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: skip, K: v}
	}
	// struct seccomp_data: the call's number, and from 16 on its arguments.
	filter := []unix.SockFilter{
		load(0), unless(unix.SYS_SOCKET, 5),
		load(16), unless(unix.AF_NETLINK, 3),
		load(32), unless(unix.NETLINK_NETFILTER, 1),
		{Code: unix.BPF_RET, K: refuse},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := installSeccomp(filter); err != nil {
		return err
	}
	path := args[0]
	if !strings.Contains(path, "/") {
		path = "/bin/" + path
	}
	return unix.Exec(path, args, os.Environ())
}
