// A descriptor that waits in Go's poller.

package link

import (
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A socket is a non-blocking descriptor that waits in Go's poller, so that
// deadlines and close end a wait.
type socket struct {
	file   *os.File
	conn   syscall.RawConn
	closed atomic.Bool
	recv   func(fd int, buf []byte) (datagram, error) // takes one datagram: read, unless set
}

// openSocket opens a socket and attaches the filter before anything else can
// happen to it.
func openSocket(name string, domain, typ, protocol int, filter []bpf.RawInstruction) (*socket, error) {
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := attachFilter(fd, filter); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("attach socket filter", err)
	}
	return newSocket(fd, name)
}

// newSocket takes over fd, which must be non-blocking.
func newSocket(fd int, name string) (*socket, error) {
	s := &socket{file: os.NewFile(uintptr(fd), name), recv: read}
	conn, err := s.file.SyscallConn()
	if err != nil {
		s.file.Close()
		return nil, err
	}
	s.conn = conn
	return s, nil
}

func attachFilter(fd int, filter []bpf.RawInstruction) error {
	code := make([]unix.SockFilter, len(filter))
	for i, ins := range filter {
		code[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
	runtime.KeepAlive(code)
	return err
}

// control runs f with the descriptor, which cannot be closed meanwhile.
func (s *socket) control(f func(fd int) error) error {
	var inner error
	if err := s.conn.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return s.explain(err)
	}
	return inner
}

// await runs f until it says that it is done, and waits in between until the
// descriptor is readable.
func (s *socket) await(f func(fd int) (done bool)) error {
	return s.explain(s.conn.Read(func(fd uintptr) bool { return f(int(fd)) }))
}

// send transmits p, waiting while the socket's send buffer is full. A full
// queue further down (ENOBUFS) is a loss like any other in the network: no
// error.
func (s *socket) send(p []byte, to unix.Sockaddr) error {
	var result error
	err := s.conn.Write(func(fd uintptr) bool {
		result = ignoringEINTR(func() error { return unix.Sendto(int(fd), p, 0, to) })
		return result != unix.EAGAIN
	})
	if err != nil {
		return s.explain(err)
	}
	if result == unix.ENOBUFS {
		return nil
	}
	return result
}

func (s *socket) setReadDeadline(t time.Time) error { return s.explain(s.file.SetReadDeadline(t)) }

// close releases the descriptor and ends every wait on it.
func (s *socket) close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	return s.file.Close()
}

// explain replaces the poller's own error for a closed file by net.ErrClosed.
func (s *socket) explain(err error) error {
	if err != nil && s.closed.Load() {
		return net.ErrClosed
	}
	return err
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// rcvbuf is the receive buffer that a link asks for, in bytes: some hundred
// segments, while the reader is busy with cryptography.
const rcvbuf = 4 << 20

// enlargeSending asks for a large send buffer.
func enlargeSending(fd int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, rcvbuf) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, rcvbuf) // up to net.core.wmem_max
	}
}

// tune asks for arrival times and a large receive buffer. Without them a link
// works less well, so refusals are ignored.
func (s *socket) tune() error {
	return s.control(func(fd int) error {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, rcvbuf) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, rcvbuf) // up to net.core.rmem_max
		}
		return nil
	})
}
