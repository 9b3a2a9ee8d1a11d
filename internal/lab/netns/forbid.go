// Hosts that do not allow namespaces: why not, and what would mend it.

package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrForbidden is what every [*ForbiddenError] is.
var ErrForbidden = errors.New("this machine does not allow a private network")

// A ForbiddenError says that the host does not let this process make
// namespaces, what it is that forbids it, and what would allow it.
type ForbiddenError struct {
	Err    error  // what the kernel answered
	Cause  string // what forbids it, as far as it can be told
	Remedy string // a command, or what to do
}

// Error says what the kernel answered, what forbids it, and the way out.
func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%v: %s; %s", e.Err, e.Cause, e.Remedy)
}

// Unwrap lets errors.Is find [ErrForbidden] and the kernel's answer.
func (e *ForbiddenError) Unwrap() []error { return []error{ErrForbidden, e.Err} }

// Probe tries what [Reexec] needs, in a child that comes to nothing. The error
// is a [*ForbiddenError] if the host does not allow it.
func Probe() error {
	if err := needProc("/"); err != nil {
		return err
	}
	attr := childAttributes()
	// The namespaces are made and mapped before the exec. One that cannot
	// succeed proves them without running anything.
	child := &exec.Cmd{Path: "/proc/self/fd/none", Args: []string{"none"}, SysProcAttr: attr}
	err := startChild(child)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err == nil:
		_ = child.Process.Kill()
		_ = child.Wait()
		return nil
	}
	return Refusal(fmt.Errorf("lab: make namespaces: %w", err))
}

// NeedProc says that there is no /proc, through which a process starts itself
// once more and namespaces are named.
func NeedProc() error { return needProc("/") }

func needProc(root string) error {
	if _, err := os.Readlink(root + "proc/self/exe"); err == nil {
		return nil
	}
	return &ForbiddenError{
		Err:    errors.New("lab: enter a private network"),
		Cause:  "/proc is not mounted, or hidden from this process, and a lab is made by way of it",
		Remedy: "mount it: sudo mount -t proc proc /proc (a container has it unless it was taken away)",
	}
}

// Refusal makes a [*ForbiddenError] of an error that is the host's refusal, and
// leaves others alone.
func Refusal(err error) error { return host{root: "/"}.refusal(err) }

// A host is where diagnose looks for reasons.
type host struct{ root string }

// sysctl is a value under /proc/sys, "" where there is none.
func (h host) sysctl(name string) string {
	b, err := os.ReadFile(h.root + "proc/sys/" + name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (h host) has(path string) bool {
	_, err := os.Stat(h.root + path)
	return err == nil
}

// status is a line of /proc/self/status, "" where there is none.
func (h host) status(key string) string {
	b, err := os.ReadFile(h.root + "proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && k == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (h host) refusal(err error) error {
	var already *ForbiddenError
	var no syscall.Errno
	if errors.As(err, &already) || !errors.As(err, &no) {
		return err
	}
	switch no {
	case unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL, unix.ENOSYS:
		cause, remedy := h.diagnose(no)
		return &ForbiddenError{Err: err, Cause: cause, Remedy: remedy}
	}
	return err
}

// diagnose looks for what made the kernel say no, the most certain first.
func (h host) diagnose(no syscall.Errno) (cause, remedy string) {
	for _, kind := range []string{"user", "net", "pid", "mnt"} {
		limit := "user.max_" + kind + "_namespaces"
		if h.sysctl(strings.Replace(limit, ".", "/", 1)) == "0" {
			return limit + " is 0", "allow them: sudo sysctl -w " + limit + "=15000"
		}
	}
	const orRoot = ", or run it as root"
	switch {
	case no == unix.ENOSPC || no == unix.EUSERS:
		return "a limit under /proc/sys/user/max_*_namespaces is used up, or namespaces are nested too deep",
			"raise it: sudo sysctl -w user.max_user_namespaces=15000 user.max_net_namespaces=15000"
	case no == unix.EINVAL || no == unix.ENOSYS:
		return "the kernel was built without what a lab needs (CONFIG_USER_NS, CONFIG_NET_NS, CONFIG_PID_NS, CONFIG_VETH)",
			"run it on a kernel that has them" + orRoot
	case h.sysctl("kernel/unprivileged_userns_clone") == "0":
		return "kernel.unprivileged_userns_clone is 0: user namespaces are for root alone",
			"allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1" + orRoot
	case h.sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)",
			"allow them: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" + orRoot
	case h.has(".dockerenv") || h.has("run/.containerenv"):
		return "the container's seccomp profile or its lack of CAP_SYS_ADMIN forbids namespaces",
			"start the container with --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW (or with --security-opt seccomp=unconfined)"
	case h.status("Seccomp") == "2":
		return "a seccomp filter on this process forbids namespaces",
			"run it outside the sandbox that set the filter" + orRoot
	default:
		return "namespaces are not allowed to this process (it has no CAP_SYS_ADMIN; a security module or a chroot may forbid user namespaces)",
			"enter through rawshake lab, or run it as root"
	}
}
