// Receive-packet steering, so that each side pays for its own half of the
// kernel's work.

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
)

// steer hands what arrives at a node's end of the link to one CPU
// (receive-packet steering). Otherwise a veth pair runs the receiver's half of
// the kernel's work on the sender's CPU, and may bill the sender for it.
func steer(n *lab.Node, cpu int) error {
	return n.Do(func() error {
		// sysfs shows the network namespace in which it was mounted. This mount
		// is attached to nothing, and ends with its descriptor.
		sys, err := mountSysfs()
		if err != nil {
			return err
		}
		defer unix.Close(sys)
		return steerQueues(sys, "class/net/"+n.Interface()+"/queues", cpu)
	})
}

func mountSysfs() (fd int, err error) {
	fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen sysfs", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, os.NewSyscallError("fsconfig sysfs", err)
	}
	fd, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	return fd, os.NewSyscallError("fsmount sysfs", err)
}

func steerQueues(sys int, dir string, cpu int) error {
	fd, err := unix.Openat(sys, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	queues := os.NewFile(uintptr(fd), dir)
	defer queues.Close()
	names, err := queues.Readdirnames(0)
	if err != nil {
		return err
	}
	found := false
	for _, q := range names {
		if !strings.HasPrefix(q, "rx-") {
			continue
		}
		found = true
		if err := writeAt(fd, q+"/rps_cpus", cpuMask(cpu)); err != nil {
			return err
		}
	}
	if !found {
		return errors.New("the interface shows no receive queue")
	}
	return nil
}

func writeAt(dir int, name, value string) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd)
		_, err = unix.Write(fd, []byte(value))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// cpuMask is a bitmap as the kernel reads it: groups of eight hexadecimal
// digits, the highest CPUs first.
func cpuMask(cpu int) string {
	mask := fmt.Sprintf("%08x", uint32(1)<<(cpu%32))
	return mask + strings.Repeat(",00000000", cpu/32)
}
