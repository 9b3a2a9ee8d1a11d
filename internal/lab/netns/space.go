// Package netns is what a lab is made of: network namespaces without names, the
// links between them, commands in them, and the way in for a program, root or
// not. It knows nothing of topologies.
//
// Nothing here needs a privilege that the kernel does not give every user, and
// nothing outlives the process. Read reexec.go first (the way in, and why
// nothing survives), then forbid.go (hosts that do not allow it), space.go (one
// namespace and the thread that keeps it), veth.go and bridge.go (links, good
// and bad), command.go.
package netns

import (
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

// A Space is one network namespace, held by a file descriptor and by the
// thread of a keeper goroutine, and by no name.
type Space struct {
	fd    netns.NsHandle
	inode uint64 // the number in net:[…]

	jobs   chan func()
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
}

// New makes a network namespace.
func New() (*Space, error) {
	return keepSpace(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		return nil
	})
}

// Own is the namespace that the process stands in.
func Own() (*Space, error) {
	return keepSpace(func() error { return nil })
}

// keepSpace starts a keeper whose thread enters a namespace and stays there.
func keepSpace(enter func() error) (*Space, error) {
	s := &Space{
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

// Inode is the number of the namespace, as in net:[4026532000].
func (s *Space) Inode() uint64 { return s.inode }

// Enter takes the calling goroutine into the namespace, locked to its thread,
// until it calls leave. After Close the error is [os.ErrClosed].
func (s *Space) Enter() (leave func(), err error) {
	select {
	case <-s.closed:
		return nil, os.ErrClosed
	default:
	}
	runtime.LockOSThread()
	home, err := netns.GetFromPath(currentSpace)
	if err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("find the way back: %w", err)
	}
	if err := netns.Set(s.fd); err != nil {
		home.Close()
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("enter the network namespace: %w", err)
	}
	return func() {
		if err := netns.Set(home); err != nil {
			// The thread must not go back to the pool, and the caller must not
			// go on in a network that it does not expect.
			panic(fmt.Sprintf("lab: leave the network namespace: %v", err))
		}
		home.Close()
		runtime.UnlockOSThread()
	}, nil
}

// Do runs f inside the namespace, on the calling goroutine. Sockets that f opens
// stay in the namespace for good; goroutines that it starts are not there. After
// Close the error is [os.ErrClosed].
func (s *Space) Do(f func() error) error {
	leave, err := s.Enter()
	if err != nil {
		return err
	}
	defer leave()
	return f()
}

// onKeeper runs f on the keeper's thread, which lives as long as the space.
// Processes are started there: their parent-death signal follows the thread.
func (s *Space) onKeeper(f func() error) error {
	answer := make(chan error, 1)
	select {
	case s.jobs <- func() { answer <- f() }:
		return <-answer
	case <-s.closed:
		return os.ErrClosed
	}
}

// Close lets the namespace go. It ends with the last socket and the last process
// in it.
func (s *Space) Close() error {
	err := error(nil)
	s.once.Do(func() {
		close(s.closed)
		<-s.done
		err = s.fd.Close()
	})
	return err
}
