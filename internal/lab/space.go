package lab

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// currentSpace names the calling thread's network namespace. The path is used
// instead of the process and thread numbers: inside a PID namespace they mean
// nothing to the /proc of the host, while thread-self always fits the reader.
const currentSpace = "/proc/thread-self/ns/net"

// A space is one network namespace, held by a file descriptor and by the
// thread of a keeper goroutine, and by no name.
type space struct {
	fd    netns.NsHandle
	inode uint64 // the number in net:[…]

	jobs   chan func()
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
}

// newSpace makes a network namespace.
func newSpace() (*space, error) {
	return keepSpace(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		return nil
	})
}

// ownSpace is the namespace that the process stands in.
func ownSpace() (*space, error) {
	return keepSpace(func() error { return nil })
}

// keepSpace starts a keeper whose thread enters a namespace and stays there.
func keepSpace(enter func() error) (*space, error) {
	s := &space{
		jobs:   make(chan func()),
		closed: make(chan struct{}),
		done:   make(chan struct{}),
	}
	ready := make(chan error, 1)
	onSpareThread(func() {
		defer close(s.done)
		err := enter()
		if err == nil {
			s.fd, err = netns.GetFromPath(currentSpace)
		}
		var st unix.Stat_t
		if err == nil {
			err = unix.Fstat(int(s.fd), &st)
		}
		s.inode = st.Ino
		ready <- err
		if err != nil {
			return
		}
		for {
			select {
			case job := <-s.jobs:
				job()
			case <-s.closed:
				return
			}
		}
	})
	if err := <-ready; err != nil {
		return nil, err
	}
	return s, nil
}

// onSpareThread runs f in a goroutine whose thread is its own and ends with it.
// It is never the main thread, which stands for the whole process in /proc.
func onSpareThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		// While this goroutine sits on the main thread, the next cannot.
		taken := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(taken)
			f()
		}()
		<-taken
		runtime.UnlockOSThread()
	}()
}

// do runs f on the calling goroutine with its thread inside the namespace.
func (s *space) do(f func() error) (err error) {
	select {
	case <-s.closed:
		return os.ErrClosed
	default:
	}
	runtime.LockOSThread()
	home, err := netns.GetFromPath(currentSpace)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("find the way back: %w", err)
	}
	defer home.Close()
	if err := netns.Set(s.fd); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	defer func() {
		if err := netns.Set(home); err != nil {
			// The thread must not go back to the pool, and the caller must not
			// go on in a network that it does not expect.
			panic(fmt.Sprintf("lab: leave the network namespace: %v", err))
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// onKeeper runs f on the keeper's thread, which lives as long as the space.
// Processes are started there: their parent-death signal follows the thread.
func (s *space) onKeeper(f func() error) error {
	answer := make(chan error, 1)
	select {
	case s.jobs <- func() { answer <- f() }:
		return <-answer
	case <-s.closed:
		return os.ErrClosed
	}
}

func (s *space) close() error {
	err := error(nil)
	s.once.Do(func() {
		close(s.closed)
		<-s.done
		err = s.fd.Close()
	})
	return err
}

// isClosed reports whether err says that something was closed on purpose.
func isClosed(err error) bool { return errors.Is(err, os.ErrClosed) }
