// Files as another user has them: what somebody does who became root for the
// sake of a socket.

package privilege

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Person is another user than the one that this process is, for access to
// files alone: a thread with that user's ids (credentials(7), file-system user
// ID), and no capabilities.
type Person struct{ jobs chan func() }

// As makes a Person. It needs CAP_SETUID and CAP_SETGID, and fails where the
// kernel does not know the user, as in some user namespaces.
func As(uid, gid int, groups []int) (*Person, error) {
	p := &Person{make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever
		err := become(uid, gid, groups)
		ready <- err
		if err != nil {
			return // and the thread ends
		}
		for job := range p.jobs {
			job()
		}
	}()
	return p, <-ready
}

// Do calls f as the person, and returns what it does.
func (p *Person) Do(f func() error) error {
	done := make(chan error)
	p.jobs <- func() {
		// What Keep leaves to every thread is not the person's.
		header, data, err := capget()
		if err == nil {
			data[0].Effective, data[1].Effective = 0, 0
			err = os.NewSyscallError("capset", unix.Capset(&header, &data[0]))
		}
		if err == nil {
			err = f()
		}
		done <- err
	}
	return <-done
}

// become changes this thread alone.
func become(uid, gid int, groups []int) error {
	// The kernel takes the process for one with secrets of two users.
	dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	var parentDeath int32 // which the kernel forgets, and this may be the first thread
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&parentDeath)), 0)
	list := []uint32{uint32(gid)}
	for _, g := range groups {
		list = append(list, uint32(g))
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(list)), uintptr(unsafe.Pointer(&list[0])), 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	// Neither call says whether it did anything, but another says who one is.
	_ = unix.Setfsgid(gid)
	_ = unix.Setfsuid(uid)
	g, _ := unix.SetfsgidRetGid(-1)
	u, _ := unix.SetfsuidRetUid(-1)
	if dumpable == 1 {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
	if parentDeath != 0 {
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(parentDeath), 0, 0, 0)
	}
	if u != uid || g != gid {
		return fmt.Errorf("there are no user %d and group %d here", uid, gid)
	}
	return nil
}
