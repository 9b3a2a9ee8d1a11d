// One datagram with what the kernel says about it.

package link

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A datagram is what one recvmsg returned.
type datagram struct {
	data      []byte
	at        time.Time
	truncated bool // it did not fit into the buffer
	outgoing  bool // AF_PACKET: this machine sent it
	from      hop  // AF_PACKET: the sender on the link
	partial   bool // AF_PACKET: its transport checksum is unfinished
}

// oobSize holds a timestamp and AF_PACKET's auxiliary data.
const oobSize = 128

// read takes one datagram from a socket without waiting. The error is
// unix.EAGAIN when there is none.
func read(fd int, buf []byte) (d datagram, err error) {
	var oob [oobSize]byte
	var n, oobn, flags int
	var from unix.Sockaddr
	err = ignoringEINTR(func() (err error) {
		n, oobn, flags, from, err = unix.Recvmsg(fd, buf, oob[:], unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return d, err
	}
	d.data, d.truncated = buf[:n], flags&unix.MSG_TRUNC != 0
	if ll, ok := from.(*unix.SockaddrLinklayer); ok {
		d.outgoing = ll.Pkttype == unix.PACKET_OUTGOING
		d.from = hop{ll.Addr, ll.Halen}
	}
	d.stamp(oob[:oobn])
	return d, nil
}

// stamp sets what the control messages tell, and the time where they do not.
func (d *datagram) stamp(oob []byte) {
	d.control(oob)
	if d.at.IsZero() {
		d.at = time.Now()
	}
}

// control reads the control messages.
func (d *datagram) control(oob []byte) {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return
		}
		switch {
		case h.Level == unix.SOL_PACKET && h.Type == unix.PACKET_AUXDATA && len(data) >= 4:
			// tp_status is the first field of struct tpacket_auxdata.
			d.partial = binary.NativeEndian.Uint32(data)&unix.TP_STATUS_CSUMNOTREADY != 0
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && len(data) >= timespecLen:
			ts := *(*unix.Timespec)(unsafe.Pointer(&data[0]))
			d.at = time.Unix(ts.Unix())
		}
		oob = rest
	}
}

const timespecLen = int(unsafe.Sizeof(unix.Timespec{}))
