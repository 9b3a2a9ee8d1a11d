package netns_test

import (
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
	if err != nil || !strings.HasPrefix(string(out), greeting) {
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
