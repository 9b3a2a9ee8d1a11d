package interop

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// A hostFirewall is a program that keeps a host's firewall, at work in a node,
// with its files in a folder of the test's.
type hostFirewall struct {
	begin  func(h *firewalled)
	reload string // shell commands by which rules are made anew while guards stand
	end    func(h *firewalled)
}

var hostFirewalls = map[string]hostFirewall{
	"ufw": {
		begin: func(h *firewalled) {
			needProgram(h.t, "ufw")
			h.shell(`mkdir -p etc/default lib run && cp -a /etc/ufw etc/ && cp -a /etc/default/ufw etc/default/ && cp -a /lib/ufw lib/ && ufw --rootdir=. --force enable`)
		},
		reload: "ufw --rootdir=. reload && ufw --rootdir=. allow 22/tcp",
		end:    func(h *firewalled) { h.shell("ufw --rootdir=. disable") },
	},
	"firewalld": {
		begin: func(h *firewalled) {
			needProgram(h.t, "firewalld")
			needProgram(h.t, "dbus-daemon")
			h.env = append(h.env, "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+filepath.Join(h.dir, "bus"))
			h.shell("cp -a /etc/firewalld etc")
			h.daemon("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path="+filepath.Join(h.dir, "bus"))
			h.await("test -S bus")
			h.daemon("firewalld", "--nofork", "--nopid", "--system-config", filepath.Join(h.dir, "etc"), "--log-file", filepath.Join(h.dir, "log"))
			h.await("firewall-cmd --state")
		},
		reload: "firewall-cmd --reload && firewall-cmd --complete-reload",
		end:    (*firewalled).stop,
	},
	"docker": {
		begin: func(h *firewalled) {
			if _, err := exec.LookPath("dockerd"); err != nil {
				h.t.Skip("no Docker engine is installed, which is more than setup.sh installs")
			}
			h.shell("echo '{}' >daemon.json")
			in := func(name string) string { return filepath.Join(h.dir, name) }
			h.daemon("dockerd", "-H", "unix://"+in("sock"), "--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"),
				"--pidfile", in("pid"), "--storage-driver", "vfs", "--containerd-namespace", h.name, "--containerd-plugins-namespace", h.name+"-plugins",
				"--bip", "198.19.200.1/24", "--default-address-pool", "base=198.19.128.0/20,size=24")
			h.await("docker -H unix://$PWD/sock version")
		},
		reload: "docker -H unix://$PWD/sock network create another",
		end:    (*firewalled).stop,
	},
}

// A firewalled is a node with a firewall.
type firewalled struct {
	t         *testing.T
	l         *lab.Lab
	name, dir string
	env       []string
	daemons   []*netns.Cmd
}

// command runs in the node, in the firewall's folder and with a /run of its
// own.
func (h *firewalled) command(name string, args ...string) *netns.Cmd {
	const private = `mount -t tmpfs tmpfs /run && exec "$0" "$@"`
	c := h.l.Near().Command("unshare", append([]string{"--mount", "sh", "-c", private, name}, args...)...)
	c.Dir = h.dir
	c.Env = append(os.Environ(), append(h.env, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "XTABLES_LOCKFILE="+filepath.Join(h.dir, "lock"))...)
	return c
}

func (h *firewalled) shell(script string) {
	h.t.Helper()
	if out, err := h.command("sh", "-c", script).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// daemon starts a program that ends with the test.
func (h *firewalled) daemon(name string, args ...string) {
	h.t.Helper()
	out, err := os.Create(filepath.Join(h.dir, name+".log"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer out.Close()
	c := h.command(name, args...)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.daemons = append(h.daemons, c)
}

// stop ends the daemons, the last first.
func (h *firewalled) stop() {
	for _, c := range slices.Backward(h.daemons) {
		_ = c.Signal(unix.SIGTERM)
		timer := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		timer.Stop()
	}
}

// await repeats a command until it ends well.
func (h *firewalled) await(script string) {
	h.t.Helper()
	for range 300 {
		if h.command("sh", "-c", script).Run() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	logs, _ := h.command("sh", "-c", "tail -n 5 *.log").CombinedOutput()
	h.t.Fatalf("%s never ends well\n%s", script, logs)
}

var table = regexp.MustCompile(`(?ms)^table .*?^}\n`)

// rules are those of everybody but us, without counters.
func (h *firewalled) rules() string {
	h.t.Helper()
	out, err := h.command("nft", "-s", "list", "ruleset").Output()
	if err != nil {
		h.t.Fatal(err)
	}
	return table.ReplaceAllStringFunc(string(out), func(block string) string {
		if strings.Contains(block, "rawshake") {
			return ""
		}
		return block
	})
}

// connect is a command line for a connection from a port, with a guard.
func (h *firewalled) connect(to netip.Addr, guard, link string, port int) []string {
	return []string{"connect", "-q", "--insecure", "--guard", guard, "--link", link, "--source-port", fmt.Sprint(port),
		"--get", "/", netip.AddrPortFrom(to, 443).String()}
}

// guardsHold connects with each guard, with those that stand already, and
// finds the firewall's rules as they were.
func (h *firewalled) guardsHold() {
	h.t.Helper()
	before := h.rules()
	for link, to := range map[string]netip.Addr{"packet": h.l.Far().Addr(), "raw": h.l.Far().Addr6()} {
		for _, guard := range []string{"listener", "nftables"} {
			rawshake(h.t, h.l.Near(), h.connect(to, guard, link, 0)...).want(h.t, 0)
		}
		rawshake(h.t, h.l.Near(), h.connect(to, "none", link, lastingPort)...).want(h.t, 0)
		rawshake(h.t, h.l.Near(), h.connect(to, "none", link, scriptPort)...).want(h.t, 0)
	}
	rawshake(h.t, h.l.Near(), h.connect(h.l.Far().Addr(), "tcx", "packet", 0)...).want(h.t, 0)
	if after := h.rules(); after != before {
		h.t.Errorf("the firewall's rules were\n%s\nand are\n%s", before, after)
	}
}

// Ports of `guard up` and of scripts/rst-guard.sh.
const (
	lastingPort = 4005
	scriptPort  = 4025
)

// The firewalls themselves, not only rules in their style: guards work beside
// them, stand while they make their rules anew, and leave those as they are.
func TestGuardsStandBesideTheHostsFirewallItself(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root can run a host's firewall")
	}
	for name, f := range hostFirewalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			besideFirewall(t, name, f)
		})
	}
}

func besideFirewall(t *testing.T, name string, f hostFirewall) {
	topology, err := lab.FindTopology("two-hosts")
	if err != nil {
		t.Fatal(err)
	}
	h := &firewalled{t: t, l: newLab(t, lab.With(topology)), name: fmt.Sprintf("rawshake-test-%d", os.Getpid())}
	if h.dir, err = os.MkdirTemp("", "rawshake-fw-"); err != nil { // t.TempDir's are too long for a socket's name
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(h.dir) })
	script, err := filepath.Abs("../../../scripts/rst-guard.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	f.begin(h)
	theirs := h.rules()
	if !strings.Contains(theirs, "table") {
		t.Fatalf("%s has no rules:\n%s", name, theirs)
	}
	near := h.l.Near()
	rawshake(t, near, "guard", "up", "--ports", "4000-4010").want(t, 0)
	h.shell(script + " up 4020-4030")
	h.guardsHold()

	// Under a guard that goes with its command, rules are made anew.
	under := "(" + f.reload + `) >&2 && "$0" "$@"`
	run := append([]string{"guard", "run", "-q", "--guard", "nftables", "--ports", "4040-4050", "--", "sh", "-c", under, program},
		h.connect(h.l.Far().Addr(), "none", "packet", 4045)...)
	if out, err := h.command(program, run...).CombinedOutput(); err != nil {
		t.Errorf("%s under a guard: %v\n%s", f.reload, err, out)
	}
	h.guardsHold()
	for _, want := range []string{"ports 4000-4010", "ports 4020-4030"} {
		if r := rawshake(t, near, "guard", "status").want(t, 0); !strings.Contains(r.stdout, want) {
			t.Errorf("after %s, status does not list %s:\n%s", f.reload, want, r.stdout)
		}
	}

	f.end(h)
	h.guardsHold()
	rawshake(t, near, "guard", "down").want(t, 0)
	h.shell(script + " down 4020-4030")
	if r := rawshake(t, near, "guard", "status").want(t, 0); r.stdout != "no guard stands here\n" {
		t.Errorf("in the end there stands\n%s", r.stdout)
	}
}
