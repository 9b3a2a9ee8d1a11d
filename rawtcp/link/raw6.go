// IPv6 packets from a raw socket, which hands over only what comes after the
// headers (RFC 3542, section 3), put together again.

package link

import (
	"encoding/binary"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// On request the kernel reports what the headers held: addresses, hop limit,
// traffic class and flow label, and the extension headers, whole and in their
// order. The packet is put together from that, byte for byte as it arrived,
// except for fragment headers: the kernel has processed those, as for IPv4.
//
// Receiving by AF_PACKET would avoid this, but defeat the link's purpose: a tap
// is before netfilter, and sees packets that a firewall then drops, and
// addresses that NAT has not translated back yet.

// maxHeaders is the room that a link keeps before a packet's payload for its
// IP headers, in bytes: the fixed IPv6 header, and extension headers of a size
// that somebody may have a use for.
const maxHeaders = 512

// ipv6FlowInfo is IPV6_FLOWINFO (linux/in6.h): traffic class and flow label.
const ipv6FlowInfo = 11

// askForHeaders makes an IPv6 socket report what a packet's headers held.
func askForHeaders(fd int) error {
	for _, option := range [...]int{unix.IPV6_RECVPKTINFO, unix.IPV6_RECVHOPLIMIT, ipv6FlowInfo,
		unix.IPV6_RECVHOPOPTS, unix.IPV6_RECVDSTOPTS, unix.IPV6_RECVRTHDR} {
		if err := unix.SetsockoptInt(fd, unix.SOL_IPV6, option, 1); err != nil {
			return os.NewSyscallError("setsockopt IPV6_RECV…", err)
		}
	}
	return nil
}

// headers6 are the headers of one received packet.
type headers6 struct {
	wire.IPv6
	extensions [maxHeaders]byte // as on the wire, one after the other
	n          int
	first      uint8 // the kind of the first
	lost       bool  // something did not fit
}

// readRaw6 takes one packet of a protocol without waiting, headers and all.
func readRaw6(fd int, buf []byte, protocol uint8) (d datagram, err error) {
	var oob [oobSize + 2*maxHeaders]byte
	var n, oobn, flags int
	var from unix.Sockaddr
	err = ignoringEINTR(func() (err error) {
		n, oobn, flags, from, err = unix.Recvmsg(fd, buf[maxHeaders:], oob[:], unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return d, err
	}
	d.stamp(oob[:oobn])
	var h headers6
	h.NextHeader = protocol
	if a, ok := from.(*unix.SockaddrInet6); ok {
		h.Src = netip.AddrFrom16(a.Addr)
	}
	h.control(oob[:oobn])
	start := maxHeaders - wire.IPv6HeaderLen - h.n
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || h.lost || start < 0 || !h.Src.IsValid() || !h.Dst.IsValid() {
		d.truncated = true
		return d, nil
	}
	if h.n > 0 {
		h.NextHeader = h.first
	}
	head := h.AppendTo(buf[start:start], h.n+n)
	copy(buf[start+len(head):], h.extensions[:h.n])
	d.data = buf[start : maxHeaders+n]
	return d, nil
}

// control reads the control messages about headers.
func (h *headers6) control(oob []byte) {
	for len(oob) > 0 {
		m, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return
		}
		oob = rest
		if m.Level != unix.SOL_IPV6 {
			continue
		}
		switch {
		case m.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			h.Dst = netip.AddrFrom16([16]byte(data))
		case m.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
			h.HopLimit = uint8(binary.NativeEndian.Uint32(data))
		case m.Type == ipv6FlowInfo && len(data) >= 4:
			v := binary.BigEndian.Uint32(data)
			h.TrafficClass, h.FlowLabel = uint8(v>>20), v&0xfffff
		case m.Type == unix.IPV6_HOPOPTS:
			h.extension(wire.NextHopByHop, data)
		case m.Type == unix.IPV6_DSTOPTS:
			h.extension(wire.NextDestination, data)
		case m.Type == unix.IPV6_RTHDR:
			h.extension(wire.NextRouting, data)
		}
	}
}

func (h *headers6) extension(kind uint8, data []byte) {
	if h.n == 0 {
		h.first = kind
	}
	n := copy(h.extensions[h.n:], data)
	h.n += n
	h.lost = h.lost || n < len(data)
}
