package netns_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
	host, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	h := &held{Cmd: c, marker: c.Args[len(c.Args)-1], spaces: make(map[string]bool), host: host}
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
