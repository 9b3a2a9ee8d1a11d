package explain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// tick is how often a quiet interface is left to see whether it is over.
	tick = 100 * time.Millisecond
	// afterwards is how long packets are still taken once both sides have ended
	// a connection: the last acknowledgment is to be seen.
	afterwards = 300 * time.Millisecond
	// liveBuffer is what the kernel may hold for us, in bytes.
	liveBuffer = 16 << 20
)

// anyInterface stands for all of them.
const anyInterface = "any"

// Interface listens on an interface, or "any", and shows the next connection
// that begins and is meant, until it has ended or ctx is done. It sends nothing.
func Interface(ctx context.Context, name string, o Options) (*Report, error) {
	s := &secrets{log: keyLog{path: o.KeyLog}}
	if err := s.log.check(); err != nil {
		return nil, err
	}
	ear, err := listen(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ear.fd)
	r := &Report{}
	w := newWatch(&o, s, r)
	w.follow, w.fresh = true, true
	var p capture.Packet
	var closed time.Time
	for ctx.Err() == nil {
		err := ear.next(&p)
		if w.chosen != nil && w.chosen.Closed() {
			if closed.IsZero() {
				closed = time.Now()
			} else if time.Since(closed) > afterwards {
				break
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			r.Broken = fmt.Errorf("listening on %s: %w", name, err)
			w.end("")
			return r, nil
		default:
			w.packet(&p)
		}
	}
	w.end("Nobody listened any longer")
	r.Dropped = ear.dropped()
	return r, nil
}

// An ear is a packet socket.
type ear struct {
	fd       int
	loopback map[int]bool // interfaces on which each packet goes by twice
	buf, oob []byte
	count    int
}

func listen(name string) (*ear, error) {
	e := &ear{buf: make([]byte, 1<<17), oob: make([]byte, 128), loopback: map[int]bool{}}
	index := 0
	if name != anyInterface {
		face, err := net.InterfaceByName(name)
		if err != nil {
			return nil, fmt.Errorf("there is no interface %q here (ip link lists them): %w", name, os.ErrNotExist)
		}
		index = face.Index
	}
	faces, _ := net.Interfaces()
	for _, face := range faces {
		e.loopback[face.Index] = face.Flags&net.FlagLoopback != 0
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network byte order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("%w: it needs the capability CAP_NET_RAW: sudo rawshake explain …, or sudo setcap cap_net_raw+ep on the program", ErrNotAllowed)
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	e.fd = fd
	if err := errors.Join(
		os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index})),
		os.NewSyscallError("setsockopt SO_TIMESTAMPNS", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)),
	); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, liveBuffer) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, liveBuffer)
	}
	return e, nil
}

// next waits a tick for a packet; without one the error is
// os.ErrDeadlineExceeded.
func (e *ear) next(p *capture.Packet) error {
	for {
		n, oob, _, from, err := unix.Recvmsg(e.fd, e.buf, e.oob, unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}
			if ready, err := unix.Poll(fds, int(tick.Milliseconds())); ready == 0 || errors.Is(err, unix.EINTR) {
				return os.ErrDeadlineExceeded
			} else if err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		case n < 0:
			return io.ErrUnexpectedEOF
		}
		link, _ := from.(*unix.SockaddrLinklayer)
		if link != nil && link.Pkttype == unix.PACKET_OUTGOING && e.loopback[link.Ifindex] {
			continue
		}
		e.count++
		*p = capture.Packet{Number: e.count, At: e.stamp(oob), Link: wire.LinkRaw, Data: e.buf[:min(n, len(e.buf))], Length: n}
		return nil
	}
}

// stamp is the time at which the kernel took a packet.
func (e *ear) stamp(oob int) time.Time {
	messages, err := unix.ParseSocketControlMessage(e.oob[:oob])
	if err == nil {
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
				return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			}
		}
	}
	return time.Now()
}

// dropped is how many packets the kernel could not keep for us.
func (e *ear) dropped() int {
	stats, err := unix.GetsockoptTpacketStats(e.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int(stats.Drops)
}
