// What a command asks of a lab that stands: its state, a change, its end.

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// connect calls a lab's holder. One that is not there is a NoneError.
func connect(d dir, name string) (*net.UnixConn, *unix.Ucred, error) {
	if err := CheckName(name); err != nil {
		return nil, nil, err
	}
	if err := d.check(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = &NoneError{name}
		}
		return nil, nil, err
	}
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: d.socket(name), Net: "unixpacket"})
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, nil, &NoneError{name}
	}
	if err != nil {
		return nil, nil, err
	}
	who, err := peer(c)
	if err == nil && int(who.Uid) != os.Geteuid() {
		err = fmt.Errorf("the holder of lab %q belongs to user %d", name, who.Uid)
	}
	if err != nil {
		_ = c.Close()
		return nil, nil, err
	}
	return c, who, nil
}

func ask(d dir, name string) (*Status, error) {
	a, err := inquire(d, name)
	return a.Status, err
}

// inquire asks a holder what it holds. Without an error there is a status.
func inquire(d dir, name string) (a answer, err error) {
	a, who, err := put(d, name, question{Do: "status"}, questionPatience)
	if err != nil {
		return a, err
	}
	if a.Status == nil {
		return a, fmt.Errorf("the holder of lab %q says: %s", name, a.Error)
	}
	a.Status.PID = int(who.Pid)
	return a, nil
}

// put asks a holder a question that has one answer.
func put(d dir, name string, q question, patience time.Duration) (a answer, who *unix.Ucred, err error) {
	c, who, err := connect(d, name)
	if err != nil {
		return a, nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := send(c, q); err != nil {
		return a, nil, err
	}
	if _, err := receive(c, &a); err != nil {
		return a, nil, fmt.Errorf("the holder of lab %q does not answer (rawshake lab down --name %s ends it): %w", name, name, err)
	}
	return a, who, nil
}

// Change changes links of a lab that stands, and says how it then stands.
func Change(name string, n Netem) (*Status, error) {
	a, _, err := put(home(), name, question{Do: "netem", Netem: &n}, upPatience)
	if err == nil && a.Status == nil {
		err = fmt.Errorf("lab %q: %s", name, a.Error)
	}
	return a.Status, err
}

// Ask tells of one lab.
func Ask(name string) (*Status, error) { return ask(home(), name) }

// List tells of all labs that stand. The names that dead ones left are removed.
func List() (all []*Status, err error) {
	d := home()
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s, err := ask(d, name)
		switch {
		case errors.Is(err, ErrNone):
			d.forget(name)
		case err != nil:
			return all, err
		default:
			all = append(all, s)
		}
	}
	return all, nil
}

// forget removes the name of a lab that does not stand, unless somebody is about
// to make it.
func (d dir) forget(name string) {
	unlock, err := d.lock()
	if err != nil {
		return
	}
	defer unlock()
	if c, _, err := connect(d, name); err == nil {
		_ = c.Close()
	} else if errors.Is(err, ErrNone) {
		d.clean(name)
	}
}

// Down takes a lab away. It reports false where there was none.
func Down(name string) (was bool, err error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	d := home()
	unlock, err := d.lock()
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unlock()
	c, who, err := connect(d, name)
	if errors.Is(err, ErrNone) {
		d.clean(name)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer c.Close()
	pidfd, err := handle(c, int(who.Pid))
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("find the holder of lab %q: %w", name, err)
	}
	if err == nil {
		defer unix.Close(pidfd)
		_ = c.SetDeadline(time.Now().Add(answerPatience))
		var a answer
		err := send(c, question{Do: "down"})
		if err == nil {
			_, err = receive(c, &a)
		}
		if err != nil || !ended(pidfd, downPatience) {
			// It hangs, or is stopped. Nothing survives its end.
			_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
			if !ended(pidfd, downPatience) {
				return false, fmt.Errorf("the holder of lab %q, process %d, does not end", name, who.Pid)
			}
		}
	}
	d.clean(name)
	return true, nil
}

// handle opens the process at the other end of a connection, or fails with
// ESRCH where it has ended. While its end stands open the process has not, and
// its number is no other's.
func handle(c *net.UnixConn, pid int) (pidfd int, err error) {
	if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
		return -1, err
	}
	raw, err := c.SyscallConn()
	if err == nil {
		gone := []unix.PollFd{{}}
		var pollErr error
		err = raw.Control(func(fd uintptr) {
			gone[0].Fd = int32(fd)
			_, pollErr = unix.Poll(gone, 0)
		})
		if err = errors.Join(err, pollErr); err == nil && gone[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0 {
			err = unix.ESRCH
		}
	}
	if err != nil {
		_ = unix.Close(pidfd)
		return -1, err
	}
	return pidfd, nil
}

// answerPatience is how long a holder may take to say that it has understood.
const answerPatience = 2 * time.Second

// ended waits for the end of a process.
func ended(pidfd int, patience time.Duration) bool {
	end := time.Now().Add(patience)
	for {
		left := time.Until(end)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left/time.Millisecond)+1)
		if err == nil && n > 0 {
			return true
		}
		if err != nil && err != unix.EINTR {
			return false
		}
	}
}

// A Guest is a command to be run in a lab, with this process's streams,
// environment and working directory.
type Guest struct {
	Lab, Node string // an empty node is the first
	Args      []string
}

// ErrNotFound is that of a command that is not there.
var ErrNotFound = exec.ErrNotFound

// A StartError says why a command did not start.
type StartError struct {
	Missing bool // there is no such program
	Text    string
}

// Error says why.
func (e *StartError) Error() string { return e.Text }

// Exec runs the command and returns its exit status. Signals are passed on;
// when ctx is done, the command hangs up.
func Exec(ctx context.Context, g Guest) (status int, err error) {
	c, _, err := connect(home(), g.Lab)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	path, err := exec.LookPath(g.Args[0])
	if err != nil {
		var reason unix.Errno
		if errors.As(err, &reason) {
			err = reason
		}
		return 0, &StartError{errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist), fmt.Sprintf("%s cannot be run: %v", g.Args[0], err)}
	}
	q := question{Do: "exec", Node: g.Node, Path: path, Args: g.Args, Env: os.Environ()}
	if q.Dir, err = os.Getwd(); err != nil {
		q.Dir = "/"
	}
	t, err := openTerminal()
	if err != nil {
		return 0, err
	}
	defer t.close()
	q.Terminal = t.controls()
	// Before the start, so that none is missed.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, t.passes()...)
	defer signal.Stop(signals)
	if err := send(c, q, t.streams()...); err != nil {
		return 0, err
	}
	t.handedOver()
	ended := make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() { _ = c.CloseRead(); _ = c.CloseWrite() })
	defer stop()
	go func() {
		for {
			select {
			case s := <-signals:
				if s == unix.SIGWINCH {
					t.resize()
					continue
				}
				_ = send(c, passed{int(s.(unix.Signal))})
			case <-ended:
				return
			}
		}
	}()
	return await(c, g.Lab)
}

// await waits for the exit status.
func await(c *net.UnixConn, name string) (int, error) {
	for {
		var a answer
		if _, err := receive(c, &a); err != nil {
			return 0, fmt.Errorf("lab %q is gone, and the command with it: %w", name, err)
		}
		switch {
		case a.Exit != nil:
			return *a.Exit, nil
		case a.Started:
		default:
			return 0, &StartError{a.Missing, a.Error}
		}
	}
}
