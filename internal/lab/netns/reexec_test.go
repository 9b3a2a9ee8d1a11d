package netns_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
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
		if err != nil || !strings.HasPrefix(string(out), greeting) {
			t.Errorf("%q, %v, %s", out, err, stderr.String())
		}
	})
}

func TestProgramInALabMayMakeALabOfItsOwn(t *testing.T) {
	users(t, func(t *testing.T, who *syscall.Credential) {
		out, err := program(who, "nested", newMarker()).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), greeting) {
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
	t.Log("inside:", netns.Inside())
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

func statusOf(err error) int {
	switch err := err.(type) {
	case nil:
		return 0
	case *exec.ExitError:
		return err.ExitCode()
	}
	return -1
}
