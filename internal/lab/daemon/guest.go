// The holder's side of a command in a lab.

package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// exec runs a command in a node for a client, who gives its streams, passes on
// signals, and gets the exit status.
func (h *holder) exec(c *net.UnixConn, q *question, files []*os.File) {
	defer closeFiles(files)
	n := h.lab.Near()
	if q.Node != "" {
		n = h.lab.Node(q.Node)
	}
	switch {
	case n == nil:
		_ = send(c, answer{Error: fmt.Sprintf("there is no node %q: there are %s", q.Node, strings.Join(h.nodeNames(), ", "))})
		return
	case len(files) != maxFiles || len(q.Args) == 0:
		_ = send(c, answer{Error: "a command needs a name and three streams"})
		return
	}
	cmd := n.Command(q.Path, q.Args[1:]...)
	cmd.Args, cmd.Dir = q.Args, q.Dir
	cmd.Env = append(q.Env, h.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	// A group of its own is what signals reach, and what ends with the client.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	if q.Terminal {
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true, Setctty: true, Ctty: 0}
	}
	if err := cmd.Start(); err != nil {
		missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound)
		_ = send(c, answer{Error: err.Error(), Missing: missing})
		return
	}
	closeFiles(files) // the command has them
	h.count(1)
	defer h.count(-1)
	_ = send(c, answer{Started: true})
	gone := make(chan struct{})
	go passSignals(c, cmd, gone)
	_ = cmd.Wait()
	close(gone)
	status := cmd.Status()
	_ = send(c, answer{Exit: &status})
}

func (h *holder) nodeNames() (names []string) {
	for _, n := range h.lab.Nodes() {
		names = append(names, n.Name())
	}
	return names
}

func (h *holder) count(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running += n
}

// A passed is a signal on its way.
type passed struct {
	Signal int `json:"signal"`
}

// hangupPatience is how long a command may live after its client.
const hangupPatience = 2 * time.Second

// passSignals gives the command the signals of its client, and ends it when
// that ends.
func passSignals(c *net.UnixConn, cmd *netns.Cmd, gone <-chan struct{}) {
	for {
		var s passed
		files, err := receive(c, &s)
		closeFiles(files)
		if err != nil {
			break
		}
		if s.Signal > 0 && s.Signal < 65 {
			_ = cmd.Signal(unix.Signal(s.Signal))
		}
	}
	select {
	case <-gone:
		return
	default:
	}
	_ = cmd.Signal(unix.SIGHUP)
	select {
	case <-gone:
	case <-time.After(hangupPatience):
		_ = cmd.Signal(unix.SIGKILL)
	}
}
