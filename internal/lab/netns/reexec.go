// The way in: this program once more, in namespaces of its own, and why nothing of
// it survives.

package netns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideVar carries the number of the lifeline's descriptor to the re-executed
// process.
const insideVar = "RAWSHAKE_LAB_LIFELINE"

// patience is how long a cancelled child may take to end by itself.
const patience = 3 * time.Second

// Reexec runs this program again, with these arguments (args[0] is the name,
// as in [os.Args]), as the init of a new PID namespace, with a network and a
// mount namespace of its own, and a user namespace where the caller lacks the
// privileges. In that child, [Inside] is true.
//
// Standard input, output and error are the child's, and signals are passed on
// (one from the terminal's keyboard reaches the child twice). Reexec returns
// the child's exit status, or 128 and the number of the signal that ended it.
// When ctx is done the child gets SIGTERM, and SIGKILL three seconds later.
//
// Nothing survives: when this process ends, by whatever means, the child is
// killed, and the kernel kills with it every process of its PID namespace and
// takes the network away. A host that does not allow this is reported as a
// [*ForbiddenError].
func Reexec(ctx context.Context, args []string) (status int, err error) {
	if len(args) == 0 {
		return 0, errors.New("lab: Reexec needs the program's arguments")
	}
	if err := needProc("/"); err != nil {
		return 0, err
	}
	lifeline, keep, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("lab: %w", err)
	}
	defer keep.Close() // held, never written: its end is the message
	defer lifeline.Close()

	// The parent-death signal is sent when the thread ends that forked, not
	// the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	child := exec.CommandContext(ctx, "/proc/self/exe", args[1:]...)
	child.Args = args
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.ExtraFiles = []*os.File{lifeline}
	child.Env = append(os.Environ(), insideVar+"=3")
	child.SysProcAttr = childAttributes()
	child.Cancel = func() error { return child.Process.Signal(unix.SIGTERM) }
	child.WaitDelay = patience

	// Before the start, so that none is missed.
	signals := catchSignals()
	defer signal.Stop(signals)

	if err := startChild(child); err != nil {
		return 0, Refusal(fmt.Errorf("lab: enter a private network: %w", err))
	}
	ended := make(chan struct{})
	defer close(ended)
	go forward(child.Process, signals, ended)
	if err := child.Wait(); child.ProcessState == nil {
		return 0, fmt.Errorf("lab: %w", err)
	}
	return exitStatus(child.ProcessState), nil
}

// Spawn runs this program again as Reexec does, to stay: in a session of its
// own, with this standard input and none of the other streams. Until Keep the
// child dies with this process; after that it stands on its own. Further files
// are the child's from [SpawnedFile] on.
func Spawn(args []string, stdin *os.File, files ...*os.File) (*Spawned, error) {
	if len(args) == 0 {
		return nil, errors.New("lab: Spawn needs the program's arguments")
	}
	if err := needProc("/"); err != nil {
		return nil, err
	}
	lifeline, keep, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer lifeline.Close()
	child := exec.Command("/proc/self/exe", args[1:]...)
	child.Args = args
	child.Stdin = stdin
	child.ExtraFiles = append([]*os.File{lifeline}, files...)
	child.Env = append(os.Environ(), insideVar+"=3")
	child.SysProcAttr = childAttributes()
	child.SysProcAttr.Pdeathsig, child.SysProcAttr.Setsid = 0, true // the lifeline will do
	if err := startChild(child); err != nil {
		_ = keep.Close()
		return nil, Refusal(fmt.Errorf("lab: enter a private network: %w", err))
	}
	return &Spawned{child, keep}, nil
}

// SpawnedFile is the number of the first further file in a spawned process.
const SpawnedFile = 4

// A Spawned is a child that [Spawn] started.
type Spawned struct {
	child *exec.Cmd
	keep  *os.File
}

// Keep lets the child live on without this process.
func (s *Spawned) Keep() error {
	_, err := s.keep.Write([]byte{1})
	return errors.Join(err, s.keep.Close(), s.child.Process.Release())
}

// End kills the child, and with it all that is in its namespaces.
func (s *Spawned) End() {
	_ = s.keep.Close()
	_ = s.child.Process.Kill()
	_ = s.child.Wait()
}

func childAttributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
	}
	if !privileged() {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		// Root inside, so that capabilities stay across exec; the caller
		// outside, so that files belong to whom they should.
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// startChild starts the child. A program with file capabilities is not
// dumpable, its /proc entries belong to root, and so does the child's uid_map,
// which has to be written before the exec: be dumpable for that long.
func startChild(child *exec.Cmd) error {
	if child.SysProcAttr.UidMappings != nil {
		was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err == nil && was != 1 {
			if unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) == nil {
				defer func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(was), 0, 0, 0) }()
			}
		}
	}
	return child.Start()
}

// privileged reports whether this process may do all that a lab needs without
// a user namespace.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	need := uint32(1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW)
	return data[0].Effective&need == need
}

// catchSignals starts to collect the signals that are passed on. What this
// process was started to ignore (nohup), the child ignores too.
func catchSignals() chan os.Signal {
	signals := make(chan os.Signal, 16)
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	return signals
}

func forward(p *os.Process, signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			_ = p.Signal(s)
		case <-ended:
			return
		}
	}
}

// exitStatus is the status that a shell would give.
func exitStatus(state *os.ProcessState) int {
	if ws := state.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

// Inside reports whether this process was made by [Reexec]. The first call ties
// its life to its parent's and hides the fact from the processes it will start
// (they may make labs of their own), so main should ask early.
func Inside() bool { return inside() }

var inside = sync.OnceValue(func() bool {
	fd, err := strconv.Atoi(os.Getenv(insideVar))
	_ = os.Unsetenv(insideVar)
	// Only an init has a lifeline. Another process has merely inherited the
	// variable.
	if err != nil || os.Getpid() != 1 || !isPipe(fd) {
		return false
	}
	unix.CloseOnExec(fd)
	go followParent(os.NewFile(uintptr(fd), "lifeline"))
	privateMounts()
	return true
})

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// followParent ends this process when its parent is gone. The parent-death
// signal does so at once, but not if the parent died before it was asked for,
// and not after the exec of a program that gained privileges.
//
// A byte on the lifeline lets it go: see [Spawned.Keep].
func followParent(lifeline io.Reader) {
	if n, _ := lifeline.Read(make([]byte, 1)); n == 0 {
		os.Exit(128 + int(unix.SIGKILL))
	}
}

// privateMounts gives the PID namespace its own /proc, for the sake of the
// commands run here: this program asks only what any /proc can answer. Where a
// container forbids it, the old one stays.
func privateMounts() {
	if unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") == nil {
		_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
}
