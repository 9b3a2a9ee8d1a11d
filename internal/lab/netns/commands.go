// The commands of a lab as one: what runs ends with it.

package netns

import (
	"os/exec"
	"slices"
	"sync"
	"syscall"
)

// Commands are those that one lab runs in its namespaces. They end with it. The
// zero value is ready.
type Commands struct {
	starting sync.RWMutex // held to read while a command starts

	mu      sync.Mutex
	closed  bool
	running []*Cmd
}

// In prepares an external command that will run in a namespace. It is killed by
// Close, and dies with this process, even one that was killed.
func (s *Commands) In(space *Space, c *exec.Cmd) *Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// A group of its own, so that its children can be ended with it. The
		// init of a PID namespace needs none, and a terminal stays usable.
		Setpgid: !Inside(),
	}
	return &Cmd{Cmd: c, space: space, of: s}
}

// Close kills all that run, with their groups, and waits for them. What starts
// later is ended at once.
func (s *Commands) Close() {
	s.mu.Lock()
	s.closed = true
	running := slices.Clone(s.running)
	s.mu.Unlock()
	for _, c := range running {
		c.end()
	}
}

// adopt takes note of a running command. It reports false after Close.
func (s *Commands) adopt(c *Cmd) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running = append(s.running, c)
	return true
}

func (s *Commands) disown(c *Cmd) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = slices.DeleteFunc(s.running, func(x *Cmd) bool { return x == c })
}

// has reports whether a process is one of the commands.
func (s *Commands) has(pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.running, func(c *Cmd) bool { return c.Process.Pid == pid })
}
