// Live capture by a packet socket.

package explain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	// liveBuffer is what the kernel may hold for us, in bytes.
	liveBuffer = 16 << 20
	// headroom is what is put before a packet of an interface without a header
	// that is known here: a cooked header, and a VLAN tag in it.
	headroom = cookedLen + tagLen
	tagLen   = 4

	cookedLen  = 20
	addressLen = 12 // of an Ethernet header's two addresses
)

// anyInterface stands for all of them.
const anyInterface = "any"

// An ear is a packet socket. What it hears has the header of its link, where
// that is Ethernet, and else one as tcpdump gives it: Linux cooked, version 2.
type ear struct {
	fd       int
	link     wire.LinkType
	loopback map[int]bool // interfaces on which each packet goes by twice
	buf, oob []byte
	count    int
}

func listen(name string) (*ear, error) {
	e := &ear{buf: make([]byte, headroom+1<<17), oob: make([]byte, 128), loopback: map[int]bool{}, link: wire.LinkCooked2}
	index := 0
	if name != anyInterface {
		face, err := net.InterfaceByName(name)
		if err != nil {
			return nil, fmt.Errorf("%w %q here: ip link lists them", ErrNoInterface, name)
		}
		index = face.Index
		if ethernet(name) {
			e.link = wire.LinkEthernet
		}
	}
	faces, _ := net.Interfaces()
	for _, face := range faces {
		e.loopback[face.Index] = face.Flags&net.FlagLoopback != 0
	}
	if err := e.open(index); err != nil {
		return nil, err
	}
	return e, nil
}

// ethernet reports whether an interface's frames begin as Ethernet's.
func ethernet(name string) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request) != nil {
		return false
	}
	kind := request.Uint16()
	return kind == unix.ARPHRD_ETHER || kind == unix.ARPHRD_LOOPBACK
}

func (e *ear) open(index int) error {
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network byte order
	kind := unix.SOCK_DGRAM
	if e.link == wire.LinkEthernet {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: it needs the capability CAP_NET_RAW: sudo rawshake explain …, or sudo setcap cap_net_raw+ep on the program", ErrNotAllowed)
	}
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	e.fd = fd
	if err := errors.Join(
		os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index})),
		os.NewSyscallError("setsockopt SO_TIMESTAMPNS", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)),
		os.NewSyscallError("setsockopt PACKET_AUXDATA", unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1)),
	); err != nil {
		unix.Close(fd)
		return err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, liveBuffer) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, liveBuffer)
	}
	return nil
}

// next waits a tick for a packet; without one the error is
// os.ErrDeadlineExceeded.
func (e *ear) next(p *capture.Packet) error {
	for {
		n, oob, _, from, err := unix.Recvmsg(e.fd, e.buf[headroom:], e.oob, unix.MSG_TRUNC)
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
		if link == nil || link.Pkttype == unix.PACKET_OUTGOING && e.loopback[link.Ifindex] {
			continue
		}
		e.count++
		*p = capture.Packet{Number: e.count, Link: e.link}
		tag := e.said(oob, p)
		data := e.frame(min(n, len(e.buf)-headroom), tag, link)
		p.Data, p.Length = data, len(data)+max(0, n-(len(e.buf)-headroom))
		return nil
	}
}

// frame is what was read, of n bytes, with what the kernel tells beside it.
func (e *ear) frame(n int, tag []byte, link *unix.SockaddrLinklayer) []byte {
	start := headroom - len(tag)
	if e.link == wire.LinkEthernet {
		if n >= addressLen && len(tag) > 0 { // between the addresses and the type
			copy(e.buf[start:], e.buf[headroom:headroom+addressLen])
			copy(e.buf[start+addressLen:], tag)
		} else {
			start = headroom
		}
		return e.buf[start : headroom+n]
	}
	start -= cookedLen
	head := append(e.buf[start:start], cooked(link)...)
	if len(tag) > 0 { // as in Ethernet: the tag's type, the tag, the packet's type
		head = append(append(head, tag[2:]...), head[:2]...)
		copy(head, tag[:2])
	}
	return e.buf[start : headroom+n]
}

// cooked is a header (LINKTYPE_LINUX_SLL2) of what the kernel says of a packet.
func cooked(link *unix.SockaddrLinklayer) []byte {
	b := binary.NativeEndian.AppendUint16(make([]byte, 0, cookedLen), link.Protocol)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(link.Ifindex))
	b = binary.BigEndian.AppendUint16(b, link.Hatype)
	b = append(b, link.Pkttype, link.Halen)
	return append(b, link.Addr[:]...)
}

// said reads what the kernel says beside a packet: when it took it, and the VLAN
// tag that it took out of it, or nil.
func (e *ear) said(oob int, p *capture.Packet) (tag []byte) {
	p.At = time.Now()
	messages, err := unix.ParseSocketControlMessage(e.oob[:oob])
	if err != nil {
		return nil
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16:
			p.At = time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			tag = vlanTag((*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0])))
		}
	}
	return tag
}

// vlanTag is the tag that a kernel took out of a frame, as it stood there.
func vlanTag(a *unix.TpacketAuxdata) []byte {
	if a.Status&unix.TP_STATUS_VLAN_VALID == 0 {
		return nil
	}
	typ := uint16(unix.ETH_P_8021Q)
	if a.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		typ = a.Vlan_tpid
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, typ), a.Vlan_tci)
}

// dropped is how many packets the kernel could not keep for us.
func (e *ear) dropped() int {
	stats, err := unix.GetsockoptTpacketStats(e.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int(stats.Drops)
}
