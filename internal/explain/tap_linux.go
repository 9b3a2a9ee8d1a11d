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
	// liveBuffer is the size of the socket's receive buffer, in bytes.
	liveBuffer = 16 << 20
	// headroom is the space before a packet from an interface whose link-layer
	// header is not known here: for a cooked header with a VLAN tag.
	headroom = cookedLen + tagLen
	tagLen   = 4

	cookedLen  = 20
	addressLen = 12 // of an Ethernet header's two addresses
)

// anyInterface means every interface.
const anyInterface = "any"

// A tap is a packet socket for live capture. Its packets have an Ethernet
// header if the interface has one, and otherwise Linux cooked, version 2, as
// with tcpdump.
type tap struct {
	fd       int
	link     wire.LinkType
	loopback map[int]bool // interfaces on which each packet goes by twice
	buf, oob []byte
	count    int
}

func listen(name string) (*tap, error) {
	t := &tap{buf: make([]byte, headroom+1<<17), oob: make([]byte, 128), loopback: map[int]bool{}, link: wire.LinkCooked2}
	index := 0
	if name != anyInterface {
		face, err := net.InterfaceByName(name)
		if err != nil {
			return nil, fmt.Errorf("%w %q here: ip link lists them", ErrNoInterface, name)
		}
		index = face.Index
		if ethernet(name) {
			t.link = wire.LinkEthernet
		}
	}
	faces, _ := net.Interfaces()
	for _, face := range faces {
		t.loopback[face.Index] = face.Flags&net.FlagLoopback != 0
	}
	if err := t.open(index); err != nil {
		return nil, err
	}
	return t, nil
}

// ethernet reports whether an interface's frames have an Ethernet header.
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

func (t *tap) open(index int) error {
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network byte order
	kind := unix.SOCK_DGRAM
	if t.link == wire.LinkEthernet {
		kind = unix.SOCK_RAW
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: it needs the capability CAP_NET_RAW: sudo rawshake explain …, or sudo setcap cap_net_raw+ep on the program", ErrNotAllowed)
	}
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	t.fd = fd
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

// next waits up to a tick for a packet. If none comes, the error is
// os.ErrDeadlineExceeded.
func (t *tap) next(p *capture.Packet) error {
	for {
		n, oob, _, from, err := unix.Recvmsg(t.fd, t.buf[headroom:], t.oob, unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			fds := []unix.PollFd{{Fd: int32(t.fd), Events: unix.POLLIN}}
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
		if link == nil || link.Pkttype == unix.PACKET_OUTGOING && t.loopback[link.Ifindex] {
			continue
		}
		t.count++
		*p = capture.Packet{Number: t.count, Link: t.link}
		tag := t.said(oob, p)
		data := t.frame(min(n, len(t.buf)-headroom), tag, link)
		p.Data, p.Length = data, len(data)+max(0, n-(len(t.buf)-headroom))
		return nil
	}
}

// frame makes a frame of the n bytes that were read and of what the kernel says
// beside them.
func (t *tap) frame(n int, tag []byte, link *unix.SockaddrLinklayer) []byte {
	start := headroom - len(tag)
	if t.link == wire.LinkEthernet {
		if n >= addressLen && len(tag) > 0 { // between the addresses and the type
			copy(t.buf[start:], t.buf[headroom:headroom+addressLen])
			copy(t.buf[start+addressLen:], tag)
		} else {
			start = headroom
		}
		return t.buf[start : headroom+n]
	}
	start -= cookedLen
	head := append(t.buf[start:start], cooked(link)...)
	if len(tag) > 0 { // as in Ethernet: the tag's type, the tag, the packet's type
		head = append(append(head, tag[2:]...), head[:2]...)
		copy(head, tag[:2])
	}
	return t.buf[start : headroom+n]
}

// cooked makes a header (LINKTYPE_LINUX_SLL2) of what the kernel says of a
// packet.
func cooked(link *unix.SockaddrLinklayer) []byte {
	b := binary.NativeEndian.AppendUint16(make([]byte, 0, cookedLen), link.Protocol)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(link.Ifindex))
	b = binary.BigEndian.AppendUint16(b, link.Hatype)
	b = append(b, link.Pkttype, link.Halen)
	return append(b, link.Addr[:]...)
}

// said reads what the kernel says beside a packet: when it was captured, and
// the VLAN tag that was taken out of it, or nil.
func (t *tap) said(oob int, p *capture.Packet) (tag []byte) {
	p.At = time.Now()
	messages, err := unix.ParseSocketControlMessage(t.oob[:oob])
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

// vlanTag is the tag that the kernel took out of a frame, as it was there.
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

// dropped is how many packets did not fit into the kernel's buffer.
func (t *tap) dropped() int {
	stats, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int(stats.Drops)
}
