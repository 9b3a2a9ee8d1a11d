package interop

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
	p "github.com/rawshake/rawshake/internal/privilege"
	"github.com/rawshake/rawshake/internal/test/peers"
)

// nobodyUser is an ordinary user, without a name.
const nobodyUser = 65534

// allCapabilities is what root starts with here.
func allCapabilities(t *testing.T) p.Set {
	t.Helper()
	all, err := p.Held()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// credentials are what /proc says of one thread.
type credentials struct{ inheritable, permitted, effective, bounding, ambient, noNewPrivs uint64 }

// threadsOf reads the credentials of each thread of a process.
func threadsOf(pid int) (list []credentials, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		var c credentials
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
			to := map[string]*uint64{"CapInh": &c.inheritable, "CapPrm": &c.permitted, "CapEff": &c.effective, "CapBnd": &c.bounding, "CapAmb": &c.ambient, "NoNewPrivs": &c.noNewPrivs}[name]
			if to == nil {
				continue
			}
			if *to, err = strconv.ParseUint(value, 16, 64); err != nil {
				return nil, err
			}
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		err = fmt.Errorf("process %d has ended", pid)
	}
	return list, err
}

// settled says why a process's threads do not have exactly the capabilities that are
// meant, with no way to others; nil: they have.
func settled(pid int, want p.Set, bounding bool) error {
	list, err := threadsOf(pid)
	if err != nil {
		return err
	}
	for _, c := range list {
		switch {
		case p.Set(c.permitted) != want, p.Set(c.effective)&^want != 0, c.inheritable != 0, c.ambient != 0:
			return fmt.Errorf("permitted are %v, effective %v, inheritable %v, ambient %v; want %v", p.Set(c.permitted), p.Set(c.effective), p.Set(c.inheritable), p.Set(c.ambient), want)
		case c.noNewPrivs != 1, bounding && c.bounding != 0:
			return fmt.Errorf("no_new_privs is %d, the bounding set %v", c.noNewPrivs, p.Set(c.bounding))
		}
	}
	return nil
}

// await waits until a process has what is meant.
func await(t *testing.T, cmd *netns.Cmd, said *heard, want p.Set, bounding bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := settled(cmd.Process.Pid, want, bounding)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("%v\n%s", err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A waiter is a command that does not end by itself, and what it keeps meanwhile.
type waiter struct {
	args  []string
	input bool // its standard input stays open
	keeps p.Set
	root  p.Set // beside that, as root
	says  string
}

// waiters are one of each command that can be looked at while it waits.
func waiters(t *testing.T, l *lab.Lab, dir string) map[string]waiter {
	long := []string{"--timeout", "5m", mute(t, l)}
	with := func(args ...string) []string { return append(args, long...) }
	const none = "privileges: none kept"
	opening := p.NetRaw | p.NetAdmin | p.BPF
	return map[string]waiter{
		"connect":           {args: with("connect", "-v"), says: none},
		"connect, nftables": {args: with("connect", "-v", "--guard", "nftables"), says: none},
		"connect, tcx":      {args: with("connect", "-v", "--guard", "tcx"), says: none},
		"connect, raw":      {args: with("connect", "-v", "--link", "raw"), says: none},
		"connect, kernel":   {args: with("connect", "-v", "--link", "kernel"), says: none},
		"connect, files":    {args: with("connect", "-v", "--pcap", filepath.Join(dir, "c.pcapng"), "--html", filepath.Join(dir, "c.html")), says: none},
		"audit":             {args: with("audit", "-v"), keeps: opening, says: "further connections"},
		"audit, kernel":     {args: with("audit", "-v", "--link", "kernel"), says: none},
		"probe":             {args: with("probe", "-v", "--allow-special"), keeps: p.NetRaw, says: "kept CAP_NET_RAW (to open the link again after an outage, or another); all others given up"},
		"probe, a list":     {args: []string{"probe", "-v", "--allow-special", "-f", "-"}, input: true, keeps: p.NetRaw, says: "kept CAP_NET_RAW ("},
		"probe, a checkpoint": {args: with("probe", "-v", "--allow-special", "-o", filepath.Join(dir, "p"), "--checkpoint", filepath.Join(dir, "p.state")),
			keeps: p.NetRaw, says: "kept CAP_NET_RAW ("},
		"probe, xdp":  {args: with("probe", "-v", "--allow-special", "--link", "xdp"), keeps: opening | p.Perfmon | p.IPCLock, says: "AF_XDP link again"},
		"explain":     {args: []string{"explain", "-v", "-"}, input: true, says: none},
		"explain -i":  {args: []string{"explain", "-v", "-i", "near", "--port", "9"}, says: none},
		"results":     {args: []string{"results", "summary", "-"}, input: true, root: p.Files},
		"lab serve":   {args: []string{"lab", "serve", "mute", "--listen", "127.0.0.1:8443"}},
		"lab capture": {args: []string{"lab", "capture", "-i", "near", filepath.Join(dir, "l.pcapng")}},
		"fleet serve": {args: []string{"fleet", "serve", "--listen", "127.0.0.1:4222", "--dir", filepath.Join(dir, "fleet")}},
		"guard run":   {args: []string{"guard", "run", "--guard", "nftables", "--ports", "4000", "--", "sleep", "300"}},
	}
}

// start starts a command in the near node. The function that it returns ends it.
func start(t *testing.T, l *lab.Lab, input bool, env []string, words ...string) (cmd *netns.Cmd, said *heard, end func()) {
	t.Helper()
	cmd, said = l.Near().Command(words[0], words[1:]...), new(heard)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = append(os.Environ(), env...)
	var in io.Closer
	if input {
		w, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		in = w
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said, func() {
		if in != nil {
			in.Close()
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	}
}

// Once a command has opened what it needs, no thread of it has a capability that it does
// not need again, and nothing that it would start could gain one.
func TestNoCapabilityIsKeptThatIsNotNeededAgain(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to give up")
	}
	t.Run("root", func(t *testing.T) {
		l := newLab(t)
		for name, w := range waiters(t, l, t.TempDir()) {
			t.Run(name, func(t *testing.T) {
				cmd, said, end := start(t, l, w.input, nil, append([]string{program}, w.args...)...)
				await(t, cmd, said, w.keeps|w.root, true)
				end()
				if !strings.Contains(said.String(), w.says) {
					t.Errorf("it does not say %q:\n%s", w.says, said)
				}
			})
		}
	})
	t.Run("file capabilities", func(t *testing.T) {
		l := newLab(t)
		bin, dir := withFileCapabilities(t)
		for name, w := range waiters(t, l, dir) {
			t.Run(name, func(t *testing.T) {
				cmd, said, end := start(t, l, w.input, nil, append(asUser(t, bin), w.args...)...)
				await(t, cmd, said, w.keeps, false)
				end()
				if !strings.Contains(said.String(), w.says) {
					t.Errorf("it does not say %q:\n%s", w.says, said)
				}
			})
		}
	})
}

// Ambient capabilities, as a service manager gives them, go like all others.
func TestAmbientCapabilitiesAreGivenUp(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to hand on")
	}
	l := newLab(t)
	id := strconv.Itoa(nobodyUser)
	words := []string{needProgram(t, "setpriv"), "--reuid", id, "--regid", id, "--clear-groups", "--inh-caps", "+net_raw,+net_admin", "--ambient-caps", "+net_raw,+net_admin", program}
	for name, w := range map[string]waiter{
		"connect": {args: []string{"connect", "--timeout", "5m", mute(t, l)}},
		"probe":   {args: []string{"probe", "--allow-special", "--timeout", "5m", mute(t, l)}, keeps: p.NetRaw},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, said, end := start(t, l, false, nil, append(words, w.args...)...)
			defer end()
			await(t, cmd, said, w.keeps, false)
		})
	}
}

// A worker of a fleet goes on opening links, and guards for further loops.
func TestAWorkerKeepsWhatItOpensLinksWith(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to give up")
	}
	l := newLab(t)
	const hub = "127.0.0.1:4222"
	serve, served, endServe := start(t, l, false, nil, program, "fleet", "serve", "--listen", hub, "--dir", t.TempDir())
	defer endServe()
	await(t, serve, served, 0, true)
	served.await(t, "it serves", func(text string) bool { return strings.Contains(text, hub) })
	work, said, end := start(t, l, false, nil, program, "fleet", "work", "-v", "--nats", "nats://"+hub)
	await(t, work, said, p.NetRaw|p.NetAdmin, true)
	end()
	if !strings.Contains(said.String(), "further shards") {
		t.Errorf("it does not say why:\n%s", said)
	}
}

func mute(t *testing.T, l *lab.Lab) string { return peers.Start(t, l, service.Mute).String() }

// Guards end with a process that could not take them down itself.
func TestNoGuardIsLeftOfAProcessWithoutPrivileges(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to give up")
	}
	l := newLab(t)
	for _, args := range [][]string{
		{"connect", "--guard", "listener"}, {"connect", "--guard", "nftables"}, {"connect", "--guard", "tcx"}, {"probe", "--allow-special"}, {"probe", "--allow-special", "--link", "xdp"},
	} {
		for _, killed := range []bool{false, true} {
			keeps := map[bool]p.Set{true: p.NetRaw}[args[0] == "probe"]
			if args[len(args)-1] == "xdp" {
				keeps |= p.NetAdmin | p.BPF | p.Perfmon | p.IPCLock
			}
			cmd, said, end := start(t, l, false, nil, append(append([]string{program}, args...), "--timeout", "5m", mute(t, l))...)
			await(t, cmd, said, keeps, true)
			if r := rawshake(t, l.Near(), "guard", "status").want(t, 0); strings.Contains(r.stdout, "no guard stands") {
				t.Errorf("%q: no guard is seen", args)
			}
			if killed {
				_ = cmd.Process.Kill()
			}
			end()
			if r := rawshake(t, l.Near(), "guard", "status").want(t, 0); !strings.Contains(r.stdout, "no guard stands") {
				t.Errorf("%q, killed: %v: %s", args, killed, r.stdout)
			}
		}
	}
}

// withFileCapabilities is a copy of the program with more capabilities than anybody
// should give it, and a folder of an ordinary user's.
func withFileCapabilities(t *testing.T) (bin, dir string) {
	t.Helper()
	setcap := needProgram(t, "setcap")
	code, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	where := filepath.Dir(program)
	if where, err = os.MkdirTemp(where, "capable-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(where) })
	bin, dir = filepath.Join(where, "rawshake"), filepath.Join(where, "user's")
	for _, err := range []error{os.Chmod(where, 0o755), os.WriteFile(bin, code, 0o755), os.Mkdir(dir, 0o700), os.Chown(dir, nobodyUser, nobodyUser)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(setcap, "cap_net_raw,cap_net_admin,cap_bpf,cap_perfmon,cap_ipc_lock,cap_net_bind_service,cap_dac_override,cap_sys_admin+ep", bin).CombinedOutput(); err != nil {
		missing(t, "this file system takes no capabilities: %s", out)
	}
	return bin, dir
}

// asUser are the words that run a program as an ordinary user.
func asUser(t *testing.T, bin string) []string {
	t.Helper()
	id := strconv.Itoa(nobodyUser)
	return []string{needProgram(t, "setpriv"), "--reuid", id, "--regid", id, "--clear-groups", bin}
}

// What the user's command gets from guard run, lab exec and lab run is what it would
// have had without.
func TestACommandOfTheUsersKeepsWhatItHas(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to keep")
	}
	want := fmt.Sprintf("CapPrm:\t%016x\nCapBnd:\t%016x\nNoNewPrivs:\t0\n", uint64(allCapabilities(t)), uint64(allCapabilities(t)))
	look := []string{"--", "grep", "-E", "CapPrm|CapBnd|NoNewPrivs", "/proc/self/status"}
	l := newLab(t)
	if r := rawshake(t, l.Near(), append([]string{"guard", "run", "-q"}, look...)...).want(t, 0); r.stdout != want {
		t.Errorf("guard run: %s", r.stdout)
	}
	if r := rawshake(t, l.Near(), append([]string{"lab", "run"}, look...)...).want(t, 0); r.stdout != want {
		t.Errorf("lab run: %s", r.stdout)
	}
}

// A file capability to write anywhere is not the user's to use.
func TestAFileCapabilityWritesNobodyElsesFile(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root can give a file capabilities")
	}
	l := newLab(t)
	bin, _ := withFileCapabilities(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	roots := filepath.Join(filepath.Dir(bin), "ca.pem")
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(roots, pem, 0o644); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(filepath.Dir(bin), "root's")
	for _, flag := range []string{"--pcap", "--html", "--keylog", "-o"} {
		words := append(asUser(t, bin), "connect", "-q", "--ca", roots, flag, theirs, s.Addr().String())
		out, _ := l.Near().Command(words[0], words[1:]...).CombinedOutput()
		if !strings.Contains(string(out), "permission denied") {
			t.Errorf("%s: %s", flag, out)
		}
		if _, err := os.Lstat(theirs); err == nil {
			t.Fatalf("%s made a file in a folder of root's", flag)
		}
	}
}

// What somebody writes by sudo is theirs, in a folder that is closed to all others, and
// goes nowhere where they may not write, unless it is root's own.
func TestWhatIsWrittenBySudoIsTheUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root can be what sudo makes")
	}
	l := newLab(t)
	_, dir := withFileCapabilities(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	env := []string{fmt.Sprint("SUDO_UID=", nobodyUser), fmt.Sprint("SUDO_GID=", nobodyUser)}
	sudo := func(status int, args ...string) string {
		t.Helper()
		cmd := l.Near().Command(program, args...)
		cmd.Env = append(os.Environ(), env...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != status {
			t.Fatalf("%q: status %d\n%s", args, got, out)
		}
		return string(out)
	}
	at, ca := s.Addr().String(), s.CAFile()
	out := sudo(0, "connect", "-v", "--view", "none", "--ca", ca, "--pcap", in("pcap"), "--html", in("html"), "--keylog", in("keylog"), "--session-file", in("session"), at)
	if !strings.Contains(out, "none kept") {
		t.Errorf("connect: %s", out)
	}
	sudo(0, "connect", "-q", "--ca", ca, "--session-file", in("session"), "--get", "/", "-o", in("reply"), at)
	out = sudo(0, "probe", "-v", "--allow-special", "-o", in("out.zst"), "--checkpoint", in("state"), "--status", in("status"), at)
	if !strings.Contains(out, "kept CAP_NET_RAW (to open the link again after an outage, or another); all others given up") {
		t.Errorf("probe: %s", out)
	}
	sudo(0, "audit", "-q", "--ca", ca, "-o", in("table"), "--html", in("audit.html"), "--junit", in("junit"), "--sarif", in("sarif"), at)
	sudo(0, "explain", "--view", "fields", "-o", in("view"), "--html", in("view.html"), in("pcap"))
	sudo(0, "results", "report", "--html", in("report"), in("out.zst"))
	sudo(0, "man", in("man"))
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 16 {
		t.Errorf("%d files are there: %v", len(list), list)
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != nobodyUser || st.Gid != nobodyUser {
			t.Errorf("%s belongs to %d:%d", e.Name(), st.Uid, st.Gid)
		}
	}
	own := filepath.Join(t.TempDir(), "pcap")
	sudo(0, "connect", "-q", "--ca", ca, "--pcap", own, at)
	if info, err := os.Stat(own); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("in a folder of root's: %v, %v", info, err)
	}
}

// A file that is written late goes where it was to go when privileges were given up: who
// puts a link in its place sends nothing elsewhere, even if root runs the command.
func TestNoFileIsWrittenWhereItWasNotNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root may write everywhere")
	}
	l := newLab(t)
	capture, err := os.ReadFile("../../../testdata/captures/big-endian.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	page, other := filepath.Join(t.TempDir(), "page"), filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, linked := range []bool{false, true} {
		cmd, said := l.Near().Command(program, "explain", "-v", "--html", page, "-"), new(heard)
		cmd.Stdout, cmd.Stderr = said, said
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said.await(t, "files are confined", func(text string) bool { return strings.Contains(text, "(Landlock)") })
		if linked {
			if err := os.Symlink(other, page); err != nil {
				t.Fatal(err)
			}
		}
		in.Write(capture)
		in.Close()
		if err := cmd.Wait(); (err != nil) != linked {
			t.Errorf("with a link: %v; %v\n%s", linked, err, said)
		}
		if text, err := os.ReadFile(other); err != nil || string(text) != "kept" {
			t.Errorf("with a link: %v; the other file holds %d bytes, %v", linked, len(text), err)
		}
		os.Remove(page)
	}
}

// Root may write where it always could: what is written late, in a folder of somebody
// else's, keeps the one capability that takes, and is told.
func TestRootWritesLateInAnothersFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root may write everywhere")
	}
	l := newLab(t)
	_, dir := withFileCapabilities(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	r := rawshake(t, l.Near(), "probe", "-v", "--allow-special", "-o", in("out"), "--checkpoint", in("state"), s.Addr().String()).want(t, 0)
	r.says(t, "CAP_DAC_OVERRIDE (to write "+in("state"))
	r = rawshake(t, l.Near(), "connect", "-v", "--view", "none", "--ca", s.CAFile(), "--html", in("html"), s.Addr().String()).want(t, 0)
	r.says(t, "CAP_DAC_OVERRIDE (to write "+in("html"))
	for _, name := range []string{"out", "state", "html"} {
		if info, err := os.Stat(in(name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A scan that has given its privileges up opens its links again after an outage, over
// either kind of link.
func TestAScanWithoutPrivilegesOutlivesAnOutage(t *testing.T) {
	if os.Geteuid() != 0 {
		missing(t, "only root has capabilities to give up")
	}
	for link, keeps := range map[string]p.Set{"packet": p.NetRaw, "xdp": p.NetRaw | p.NetAdmin | p.BPF | p.Perfmon | p.IPCLock} {
		t.Run(link, func(t *testing.T) {
			l := newLab(t)
			s, err := l.StartTLSServer(service.Options{})
			if err != nil {
				t.Fatal(err)
			}
			cmd, said := l.Near().Command(program, "probe", "-v", "--allow-special", "--link", link, "--timeout", "3s", "-f", "-"), new(heard)
			cmd.Stdout, cmd.Stderr = said, said
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			found := func(n int) func(string) bool {
				return func(text string) bool { return strings.Count(text, `"syn_ack_ms"`) == n }
			}
			await(t, cmd, said, keeps, true)
			fmt.Fprintln(in, s.Addr())
			said.await(t, "the server has answered", found(1))
			changeLink(t, l, netlink.LinkSetDown)
			said.await(t, "the scan pauses", func(text string) bool { return strings.Contains(text, "The scan pauses") })
			changeLink(t, l, netlink.LinkSetUp)
			fmt.Fprintln(in, mute(t, l))
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
			if text := said.String(); !strings.Contains(text, "the scan goes on") || !found(2)(text) {
				t.Errorf("it did not go on:\n%s", text)
			}
		})
	}
}

func changeLink(t *testing.T, l *lab.Lab, change func(netlink.Link) error) {
	t.Helper()
	err := l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err != nil {
			return err
		}
		return change(dev)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// heard is what a command has said so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(b)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// await waits until something has been said.
func (h *heard) await(t *testing.T, what string, so func(string) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(h.String()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("within a minute it does not say that %s:\n%s", what, h)
		}
	}
}
