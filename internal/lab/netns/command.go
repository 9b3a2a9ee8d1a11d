// A command in a namespace.

package netns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// A Cmd is an [exec.Cmd] that starts in a namespace. Set its fields as usual;
// what SysProcAttr holds already is better kept.
type Cmd struct {
	*exec.Cmd
	space *Space
	of    *Commands

	once sync.Once
	err  error
}

// Start starts the command in its namespace.
func (c *Cmd) Start() error {
	c.of.starting.RLock() // an orphan is told from a command by the list
	defer c.of.starting.RUnlock()
	err := c.space.onKeeper(c.Cmd.Start)
	if err != nil {
		return err
	}
	if !c.of.adopt(c) {
		c.end()
		return fmt.Errorf("lab: %w", os.ErrClosed)
	}
	return nil
}

// Wait waits for the command, as [exec.Cmd.Wait] does. It may be called from
// several goroutines, and says the same to all.
func (c *Cmd) Wait() error {
	c.once.Do(func() {
		c.err = c.Cmd.Wait()
		c.of.disown(c)
	})
	return c.err
}

// Run starts the command and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns its standard output.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("lab: Stdout is already set")
	}
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// CombinedOutput runs the command and returns its standard output and error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("lab: Stdout or Stderr is already set")
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}

// Signal sends a signal to the command, and to its group or session if it leads
// one.
func (c *Cmd) Signal(s unix.Signal) error {
	if a := c.SysProcAttr; a != nil && (a.Setpgid || a.Setsid) {
		return unix.Kill(-c.Process.Pid, s)
	}
	return c.Process.Signal(s)
}

// Status is the exit status that a shell would give, of a command that has
// ended.
func (c *Cmd) Status() int { return exitStatus(c.ProcessState) }

// end kills the command, with its group if it leads one, and waits for it.
func (c *Cmd) end() {
	c.kill()
	_ = c.Wait()
}

func (c *Cmd) kill() {
	_ = c.Signal(unix.SIGKILL)
	_ = c.Process.Kill()
}
