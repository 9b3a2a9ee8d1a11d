// A terminal for a command that is in another session than ours.

package netns

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenTerminal makes a pseudoterminal for a command: our end, and the command's.
func OpenTerminal() (own, theirs *os.File, err error) {
	own, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal for the command: %w", err)
	}
	fd := int(own.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		_ = own.Close()
		return nil, nil, fmt.Errorf("unlock the command's terminal: %w", err)
	}
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		_ = own.Close()
		return nil, nil, fmt.Errorf("open the command's end of a terminal: %w", errno)
	}
	return own, os.NewFile(peer, "terminal"), nil
}
