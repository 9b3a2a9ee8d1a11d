// Why AF_XDP is not possible, and what to do.

package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
)

// ErrNoXDP says that AF_XDP is not possible on an interface, or in this kernel.
var ErrNoXDP = errors.New("no AF_XDP here")

// ErrNoProc says that /proc is missing, which loading BPF programs needs.
var ErrNoProc = errors.New("a BPF program is loaded by way of /proc, which is not mounted, or hidden from this process")

// number is the kernel's error number, without the words of a library around it.
func number(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// xdpError explains why a link could not be opened.
func xdpError(what string, err error) error {
	if _, gone := os.Stat("/proc/self"); gone != nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: %w", what, ErrNoXDP, ErrNoProc)
	}
	switch {
	case errors.Is(err, ErrNoXDP), errors.Is(err, route.ErrNoRoute):
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s: %w: it needs the capabilities CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN in the first user namespace, and CAP_NET_RAW; or use --link packet (%w)", what, ErrPermission, number(err))
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		return fmt.Errorf("%s: %w: another XDP program was attached meanwhile, and is left alone; use --link packet (%w)", what, ErrNoXDP, number(err))
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("%s: %w: the kernel may not keep its buffers in memory; raise the limit (ulimit -l), or use --link packet (%w)", what, ErrNoXDP, number(err))
	case errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.ENOSYS),
		errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOPROTOOPT):
		return fmt.Errorf("%s: %w: this kernel or the interface's driver lacks it (Linux 5.10, with CONFIG_XDP_SOCKETS); use --link packet (%w)", what, ErrNoXDP, number(err))
	}
	return fmt.Errorf("%s: %w", what, downOr(err))
}
