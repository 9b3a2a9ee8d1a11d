// What the kernel tells of its own connection, in place of segments.

package connect

import (
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/transcript"
)

func (r *run) noteKernel(tcp *net.TCPConn, took time.Duration) {
	r.note("link", string(LinkKernel), fmt.Sprintf("kernel link: the kernel's TCP from %v to %v. Its segments are neither ours nor seen; only the TLS messages are", tcp.LocalAddr(), tcp.RemoteAddr()))
	info := r.noteKernelInfo(tcp, "after its handshake, which took "+took.String())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rtt = info.RTT
}

// noteKernelInfo records what TCP_INFO says.
func (r *run) noteKernelInfo(tcp *net.TCPConn, when string) (info transcript.KernelTCP) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return info
	}
	var got *unix.TCPInfo
	if cerr := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); cerr != nil || err != nil {
		return info
	}
	info = transcript.KernelTCP{
		State: stateName(got.State),
		RTT:   microseconds(got.Rtt), RTTVar: microseconds(got.Rttvar), RTO: microseconds(got.Rto),
		SendMSS: int(got.Snd_mss), ReceiveMSS: int(got.Rcv_mss), PathMTU: int(got.Pmtu), CongestionWindow: int(got.Snd_cwnd),
		Retransmits: int(got.Total_retrans),
		SegmentsOut: int(got.Segs_out), SegmentsIn: int(got.Segs_in),
		Timestamps: got.Options&tcpiTimestamps != 0, SACK: got.Options&tcpiSACK != 0, WindowScale: got.Options&tcpiWScale != 0,
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.Kernel(r.now(), when, info)
	return info
}

func microseconds(n uint32) time.Duration { return time.Duration(n) * time.Microsecond }

// Bits of tcpi_options (linux/tcp.h).
const (
	tcpiTimestamps = 1
	tcpiSACK       = 2
	tcpiWScale     = 4
)

// stateName is RFC 9293's name for a state of the kernel's (net/tcp_states.h).
func stateName(n uint8) string {
	names := []string{"", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING"}
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("state %d", n)
}

// handedOver records how much of our stream the kernel was given.
func (r *run) handedOver(end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.Handed(r.now(), end)
}

// bindToDevice ties a connection to one interface, if one is named.
func bindToDevice(c syscall.RawConn, dev string) (err error) {
	if dev == "" {
		return nil
	}
	cerr := c.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), dev) })
	if cerr != nil {
		return cerr
	}
	return err
}
