// A folder that leaves nothing behind.

package netns

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A Memdir is a folder without a name: a tmpfs that is mounted nowhere and dies
// with the last process that holds it. It needs what a lab gives, the right to
// mount.
type Memdir struct{ f *os.File }

// NewMemdir makes one.
func NewMemdir() (*Memdir, error) {
	fail := func(err error) (*Memdir, error) {
		return nil, Refusal(fmt.Errorf("lab: make a folder in memory: %w", err))
	}
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail(err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "mode", "0700"); err != nil {
		return fail(err)
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return fail(err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return fail(err)
	}
	return &Memdir{os.NewFile(uintptr(fd), "memdir")}, nil
}

// Path is where this process finds a file of the folder.
func (m *Memdir) Path(name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", m.f.Fd(), name)
}

// Close lets the folder go, and all that is in it.
func (m *Memdir) Close() error { return m.f.Close() }
