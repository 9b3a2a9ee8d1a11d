package lab_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"golang.org/x/sys/unix"
)

// users are who the promises of Reexec are kept to: root, and one who is not.
func users(t *testing.T, each func(t *testing.T, who *syscall.Credential)) {
	var nobody *syscall.Credential
	if os.Geteuid() == 0 {
		t.Run("root", func(t *testing.T) { each(t, nil) })
		nobody = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	t.Run("ordinary", func(t *testing.T) {
		allowed(t, nobody)
		each(t, nobody)
	})
}

// allowed skips where the host forbids user namespaces to ordinary users, in
// the judgement of another program; under CI that is a failure.
func allowed(t *testing.T, who *syscall.Credential) {
	t.Helper()
	c := exec.Command("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "true")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	out, err := c.CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("an ordinary user cannot make namespaces here: %v: %s", err, out)
	default:
		t.Skipf("an ordinary user cannot make namespaces here: %v: %s", err, out)
	}
}

// program is the program under test in a role, run by a user. The marker finds
// its processes: it stands in the arguments of all of them.
func program(who *syscall.Credential, role, marker string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", roleFlag, role, marker)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return c
}

func newMarker() string { return fmt.Sprintf("lab-test-marker-%x", rand.Uint64()) }

func TestAnybodyGetsANetworkWithAServerInIt(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		var stderr bytes.Buffer
		c := program(who, "demo", newMarker())
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 200 OK") {
			t.Errorf("%q, %v, %s", out, err, stderr.String())
		}
	})
}

func TestProgramInALabMayMakeALabOfItsOwn(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		out, err := program(who, "nested", newMarker()).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 200 OK") {
			t.Errorf("%q, %v", out, err)
		}
	})
}

func TestForbiddenHostIsToldApartWithTheRemedy(t *testing.T) {
	allowed(t, nil) // a user namespace is where they can be forbidden
	c := program(nil, "forbidden", newMarker())
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if got := statusOf(err); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	if !strings.Contains(string(out), "sudo sysctl -w user.max_user_namespaces=") {
		t.Errorf("no remedy in %q", out)
	}
}

func TestEnvironmentAloneIsNotInside(t *testing.T) {
	c := exec.Command("/proc/self/exe", "-test.run=^TestInsideHelper$", "-test.v")
	c.Env = append(os.Environ(), "RAWSHAKE_LAB_LIFELINE=0", "LAB_TEST_INSIDE=1")
	c.Stdin = strings.NewReader("") // a pipe, as the lifeline is
	out, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("inside: false")) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestInsideHelper(t *testing.T) {
	if os.Getenv("LAB_TEST_INSIDE") == "" {
		t.Skip("a part of TestEnvironmentAloneIsNotInside")
	}
	t.Log("inside:", lab.Inside())
}

func TestExitStatusAndStreamsPassThrough(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		for _, want := range []int{0, 1, 7, 255} {
			err := program(who, fmt.Sprint("exit=", want), newMarker()).Run()
			if got := statusOf(err); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
		}
		if got := statusOf(program(who, "die", newMarker()).Run()); got != 2 {
			t.Errorf("status %d of a panic, want 2", got)
		}
		c := program(who, "cat", newMarker())
		c.Stdin = strings.NewReader("through and through")
		if out, err := c.Output(); err != nil || string(out) != "through and through" {
			t.Errorf("%q, %v", out, err)
		}
	})
}

func TestSignalsArePassedOn(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
			h := hold(t, who)
			if err := h.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := statusOf(h.Wait()); got != 42 {
				t.Errorf("%v: status %d, want the child's own 42", sig, got)
			}
			h.nothingLeft(t)
		}
	})
}

func TestNothingSurvivesKillingTheParent(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		h := hold(t, who)
		if err := h.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = h.Wait()
		h.nothingLeft(t)
	})
}

func TestNothingSurvivesKillingTheChild(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		h := hold(t, who)
		if err := unix.Kill(h.child(t), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got := statusOf(h.Wait()); got != 128+9 {
			t.Errorf("status %d, want 137", got)
		}
		h.nothingLeft(t)
	})
}

func TestNothingSurvivesAStoppedChildsParent(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		h := hold(t, who)
		// It cannot read its lifeline now: the parent-death signal does it.
		if err := unix.Kill(h.child(t), unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		_ = h.Process.Kill()
		_ = h.Wait()
		h.nothingLeft(t)
	})
}

// The moments are spread over the whole of the start, which takes some tens of
// milliseconds.
func TestNothingSurvivesAKillAtAnyMoment(t *testing.T) {
	const turns, span = 20, 60 * time.Millisecond
	users(t, func(t *testing.T, who *syscall.Credential) {
		for i := range turns {
			h := start(t, who)
			time.Sleep(rand.N(span))
			h.look(t)
			victim := h.Process.Pid
			if children := h.processes(t, victim); i%2 == 1 && len(children) > 0 {
				victim = children[0]
			}
			_ = unix.Kill(victim, unix.SIGKILL)
			_ = h.Wait()
			h.nothingLeft(t)
		}
	})
}

// A program with file capabilities is not dumpable: it could not write the map
// of its child's user namespace.
func TestProgramWithFileCapabilitiesGetsALab(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give capabilities to a file")
	}
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	allowed(t, nobody)
	path := copyOfProgram(t)
	if err := unix.Setxattr(path, "security.capability", fileCapability(unix.CAP_NET_RAW), 0); err != nil {
		t.Skip("this file system holds no capabilities:", err)
	}
	run := func(role string) *exec.Cmd {
		c := exec.Command(path, roleFlag, role, newMarker())
		c.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
		return c
	}
	out, err := run("demo").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 200 OK") {
		t.Fatalf("%q, %v", out, err)
	}
	h := startHeld(t, run("hold"))
	h.awaitReady(t)
	_ = h.Process.Kill()
	_ = h.Wait()
	h.nothingLeft(t)
}

// fileCapability is a vfs_cap_data of revision 2 with one effective capability.
func fileCapability(bit uint) []byte {
	const revision2, effective = 0x02000000, 0x000001
	b := make([]byte, 20)
	put := func(i int, v uint32) { b[i], b[i+1], b[i+2], b[i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24) }
	put(0, revision2|effective)
	put(4, 1<<bit)
	return b
}

// copyOfProgram is where everybody can run it.
func copyOfProgram(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lab-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "program"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

func statusOf(err error) int {
	switch err := err.(type) {
	case nil:
		return 0
	case *exec.ExitError:
		return err.ExitCode()
	}
	return -1
}

// A held is a running program with a lab, and what is known of it.
type held struct {
	*exec.Cmd
	marker string
	out    *bufio.Reader
	stderr *os.File
	spaces map[string]bool // network namespaces that were its own
	host   string          // the network namespace that is not
}

func start(t *testing.T, who *syscall.Credential) *held {
	return startHeld(t, program(who, "hold", newMarker()))
}

func startHeld(t *testing.T, c *exec.Cmd) *held {
	t.Helper()
	h := &held{
		Cmd: c, marker: c.Args[len(c.Args)-1],
		spaces: make(map[string]bool), host: netnsOf(t, "/proc/self/ns/net"),
	}
	// Files of our own: with exec's pipes, Wait would wait for orphans too, whom
	// the test is about.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = h.stderr.Close() })
	c.Stdout, h.out = w, bufio.NewReader(r)
	c.Stderr = h.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		for _, pid := range h.processes(t, 0) {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	})
	return h
}

// hold starts the program and waits until its lab stands.
func hold(t *testing.T, who *syscall.Credential) *held {
	t.Helper()
	h := start(t, who)
	h.awaitReady(t)
	return h
}

func (h *held) awaitReady(t *testing.T) {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		_ = h.Wait()
		said, _ := os.ReadFile(h.stderr.Name())
		t.Fatalf("not ready: %v: %s", err, said)
	}
	fields := strings.Fields(line)
	for _, inode := range fields[1:] {
		h.spaces["net:["+inode+"]"] = true
	}
	if h.look(t); len(h.spaces) != 2 {
		t.Fatalf("the lab's namespaces are %v, want two", h.spaces)
	}
}

// child is the init inside.
func (h *held) child(t *testing.T) int {
	t.Helper()
	pids := h.processes(t, h.Process.Pid)
	if len(pids) == 0 {
		t.Fatal("there is no child")
	}
	return pids[0]
}

// processes are those with the marker, but for one, in the order of birth.
func (h *held) processes(t *testing.T, but int) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == but {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && bytes.Contains(line, []byte(h.marker)) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// look takes note of the network namespaces that the program stands in now.
func (h *held) look(t *testing.T) {
	t.Helper()
	for _, pid := range h.processes(t, 0) {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/ns/net", pid))
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil && ns != h.host {
				h.spaces[ns] = true
			}
		}
	}
}

// nothingLeft checks that within five seconds no process has the marker, and
// that nobody is in or holds a namespace of the lab.
func (h *held) nothingLeft(t *testing.T) {
	t.Helper()
	var left string
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if left = h.remains(t); left == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after 5 s there is still %s", left)
		}
	}
	out, err := exec.Command("ip", "-o", "link").Output()
	if err != nil {
		t.Log("interfaces are not checked:", err)
	}
	for _, name := range []string{" near", " far"} {
		if bytes.Contains(out, []byte(name)) {
			t.Errorf("the host has an interface of ours:\n%s", out)
		}
	}
}

func (h *held) remains(t *testing.T) string {
	if pids := h.processes(t, 0); len(pids) > 0 {
		return fmt.Sprintf("process %v", pids)
	}
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		links, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && h.spaces[to] {
				return link + " -> " + to
			}
		}
	}
	return ""
}
