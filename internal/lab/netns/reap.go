// An init inherits the orphans of its PID namespace, and is the only one who can
// wait for them.

package netns

import (
	"os"
	"os/signal"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReapOrphans waits for orphans until done: children of this process that are
// none of the commands.
func (s *Commands) ReapOrphans(done <-chan struct{}) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	defer signal.Stop(died)
	again := time.NewTicker(time.Second) // signals come together as one
	defer again.Stop()
	for {
		s.reap()
		select {
		case <-died:
		case <-again.C:
		case <-done:
			return
		}
	}
}

// maxReaped bounds one round.
const maxReaped = 1 << 10

func (s *Commands) reap() {
	s.starting.Lock()
	defer s.starting.Unlock()
	for range maxReaped {
		pid := deadChild()
		if pid == 0 || s.has(pid) {
			return // none, or one whose Wait is about to reap it
		}
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// deadChild is a child that waits to be reaped, or 0. It is left as it is.
func deadChild() int {
	var info struct {
		signo, errno, code, _ int32
		pid                   int32
		_                     [108]byte
	}
	const all = 0 // P_ALL
	_, _, errno := unix.Syscall6(unix.SYS_WAITID, all, 0, uintptr(unsafe.Pointer(&info)),
		unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(info.pid)
}
