// A file that leaves nothing behind.

package pki

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A memfile is a file without a name: memory that dies with the last process
// that holds it, so that nothing is left behind by kill -9. Its path is valid
// in this process and, since the descriptor is inherited under its number, in
// every process started from it.
type memfile struct {
	f    *os.File
	path string
}

// lowestMemfile keeps the descriptors clear of the low numbers that programs
// give to the files they pass on.
const lowestMemfile = 200

func newMemfile(name string, content []byte) (*memfile, error) {
	fail := func(err error) (*memfile, error) {
		return nil, fmt.Errorf("lab: keep %s in memory: %w", name, err)
	}
	low, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return fail(err)
	}
	fd, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD, lowestMemfile)
	_ = unix.Close(low)
	if err != nil {
		return fail(err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(content); err != nil {
		_ = f.Close()
		return fail(err)
	}
	return &memfile{f: f, path: fmt.Sprintf("/proc/self/fd/%d", fd)}, nil
}

func (m *memfile) Close() error { return m.f.Close() }
