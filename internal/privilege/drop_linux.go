// Giving up capabilities, in all threads at once.

package privilege

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Held is what this thread may use.
func Held() (Set, error) {
	_, data, err := capget()
	return Set(data[0].Effective) | Set(data[1].Effective)<<32, err
}

func capget() (header unix.CapUserHeader, data [2]unix.CapUserData, err error) {
	header.Version = unix.LINUX_CAPABILITY_VERSION_3
	err = unix.Capget(&header, &data[0])
	return header, data, os.NewSyscallError("capget", err)
}

// Keep gives up all capabilities but some, in every thread, for good: nothing
// that the process starts later has any, whatever its file says. It returns
// which of them there were. Without CAP_SETPCAP the bounding set stays;
// no_new_privs makes it void.
//
// It fails with ErrUnsupported, before it has done anything.
func Keep(some Set) (Set, error) {
	_, data, err := capget()
	if err != nil {
		return 0, err
	}
	permitted := Set(data[0].Permitted) | Set(data[1].Permitted)<<32
	kept := permitted & some
	// It comes first: it needs no privilege, and shows whether all threads can
	// be reached.
	if err := all("prctl PR_SET_NO_NEW_PRIVS", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return permitted, err
	}
	if permitted&(1<<unix.CAP_SETPCAP) != 0 {
		empty()
	}
	// The ambient set goes with the inheritable one (capabilities(7)).
	return kept, assign(kept)
}

// empty empties the bounding set, and has root be nobody special to execve, as far
// as it may.
func empty() {
	for c := uintptr(0); c <= 63; c++ {
		there, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if err != nil {
			break // it is above the kernel's last
		}
		if there == 0 {
			continue
		}
		_ = all("prctl PR_CAPBSET_DROP", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
	}
	if bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0); err == nil {
		_ = all("prctl PR_SET_SECUREBITS", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, uintptr(bits)|noRoot)
	}
}

// noRoot are SECBIT_NOROOT and SECBIT_NO_CAP_AMBIENT_RAISE, both locked
// (linux/securebits.h).
const noRoot = 1<<0 | 1<<1 | 1<<6 | 1<<7

// assign makes a set the effective and permitted one of every thread.
func assign(s Set) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := dataOf(s, s)
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	return failed("capset", errno)
}

func dataOf(effective, permitted Set) (data [2]unix.CapUserData) {
	data[0].Effective, data[0].Permitted = uint32(effective), uint32(permitted)
	data[1].Effective, data[1].Permitted = uint32(effective>>32), uint32(permitted>>32)
	return data
}

// all makes a system call with two arguments in every thread. Where the threads'
// results differ, Go ends the process.
func all(what string, call, a, b uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(call, a, b, 0, 0, 0, 0)
	return failed(what, errno)
}

func failed(what string, errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return ErrUnsupported
	}
	return fmt.Errorf("give up privileges: %w", os.NewSyscallError(what, errno))
}

// Without calls f, on a thread of its own, as a process would that has no more
// than some of the capabilities.
func Without(some Set, f func()) error {
	done := make(chan error)
	go func() {
		// The thread ends with the goroutine, which does not unlock it.
		runtime.LockOSThread()
		header, data, err := capget()
		if err == nil {
			permitted := Set(data[0].Permitted) | Set(data[1].Permitted)<<32
			lower := dataOf(permitted&some, permitted)
			err = os.NewSyscallError("capset", unix.Capset(&header, &lower[0]))
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	return <-done
}
