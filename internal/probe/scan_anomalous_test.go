package probe

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An anomalousHost answers for addresses that the lab keeps silent, each in an odd
// way of its own.
type anomalousHost func(s *wire.Segment) []wire.Segment

// anomalousHosts are the ways, and what the record must say.
var anomalousHosts = []struct {
	addr    string
	host    anomalousHost
	outcome string
	odd     string // in the record's list; empty: none
	check   func(r *seenRecord) string
}{
	{"198.18.79.1", func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.SYN | wire.ACK, Ack: s.Seq + 1})
	}, "timeout", "syn_ack_zero_window", nil},
	{"198.18.79.2", func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.SYN | wire.ACK, Ack: s.Seq + 1, Window: 8192, Payload: []byte("SSH-2.0-odd\r\n")})
	}, "not_tls", "syn_ack_with_data", func(r *seenRecord) string {
		if r.FirstBytes != "SSH-2.0-odd\r\n" {
			return "first_bytes " + r.FirstBytes
		}
		return ""
	}},
	{"198.18.79.3", func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.SYN | wire.ACK, Ack: s.Seq + 77, Window: 8192})
	}, "protocol", "syn_ack_wrong_ack", nil},
	{"198.18.79.4", func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		return []wire.Segment{{Flags: wire.RST, Seq: s.Ack}}
	}, "reset", "reset_after_ack", func(r *seenRecord) string {
		if r.Reset == nil || !r.Reset.FitsHost {
			return "the RST does not fit the host"
		}
		return ""
	}},
	// Data without end that never becomes a message: a handshake record whose
	// message claims to be long goes on in further records.
	{"198.18.79.5", endless(), "protocol", "", nil},
	{"198.18.79.6", func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.RST | wire.ACK, Ack: s.Seq + 1})
	}, "closed", "", nil},
	// Neither of these ends the attempt: they acknowledge nothing of ours.
	{"198.18.79.7", func(s *wire.Segment) []wire.Segment {
		return when(s, wire.SYN, wire.Segment{Flags: wire.RST | wire.ACK, Ack: s.Seq + 99}, wire.Segment{Flags: wire.RST})
	}, "silent", "", nil},
	{"198.18.79.8", func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		// A fatal alert: handshake_failure.
		return when(s, wire.PSH|wire.ACK, wire.Segment{Flags: wire.PSH | wire.ACK, Seq: s.Ack, Ack: s.Seq.Add(len(s.Payload)), Window: 8192,
			Payload: []byte{21, 3, 3, 0, 2, 2, 40}})
	}, "alert", "", func(r *seenRecord) string {
		if r.Alert == nil || r.Alert.Description != "handshake_failure" || r.After != "our ClientHello" {
			return "not the alert after the ClientHello"
		}
		return ""
	}},
	// The same again and again: more than a handshake can be long.
	{"198.18.79.10", func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		again := wire.Segment{Flags: wire.ACK, Seq: 1001, Ack: s.Seq.Add(len(s.Payload)), Window: 8192, Payload: append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 1400)...)}
		return when(s, wire.PSH|wire.ACK, slices.Repeat([]wire.Segment{again}, 400)...)
	}, "protocol", "endless_data", func(r *seenRecord) string {
		if r.Class != "endless_data" || !strings.Contains(r.Error, "262144 bytes") {
			return "not cut at the bound"
		}
		return ""
	}},
	{interloper, func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		return when(s, wire.PSH|wire.ACK, wire.Segment{Flags: wire.RST, Seq: s.Ack})
	}, "reset", "", func(r *seenRecord) string {
		if r.Reset == nil || r.Reset.FitsHost || r.After != "our ClientHello" {
			return "the RST of something on the way fits the host"
		}
		return ""
	}},
	{fragmented, func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		return when(s, wire.PSH|wire.ACK, wire.Segment{Flags: wire.PSH | wire.ACK, Seq: s.Ack, Ack: s.Seq.Add(len(s.Payload)), Window: 8192,
			Payload: []byte("220 mail.test ESMTP at your service\r\n")})
	}, "not_tls", "", func(r *seenRecord) string {
		if !strings.HasPrefix(r.FirstBytes, "220 mail") {
			return "first_bytes " + r.FirstBytes
		}
		return ""
	}},
	{forbidden, func(*wire.Segment) []wire.Segment { return nil }, "unreachable", "", func(r *seenRecord) string {
		if r.ICMP == nil || r.ICMP.From != "198.19.0.2" || r.ICMP.Type != 3 {
			return "which ICMP from whom is not told"
		}
		return ""
	}},
}

func when(s *wire.Segment, flags wire.Flags, answers ...wire.Segment) []wire.Segment {
	if s.Flags != flags {
		return nil
	}
	return answers
}

// endless sends alerts of no consequence for ever: a warning that nobody need
// heed, as fast as they are acknowledged.
func endless() anomalousHost {
	warning := []byte{21, 3, 3, 0, 2, 1, 112} // warning, unrecognized_name
	var flood []byte
	for range 150 {
		flood = append(flood, warning...)
	}
	return func(s *wire.Segment) []wire.Segment {
		if s.Flags == wire.SYN {
			return []wire.Segment{{Flags: wire.SYN | wire.ACK, Seq: 1000, Ack: s.Seq + 1, Window: 8192}}
		}
		if !s.Flags.Has(wire.ACK) || s.Flags.Any(wire.RST|wire.FIN) {
			return nil
		}
		return []wire.Segment{{Flags: wire.PSH | wire.ACK, Seq: s.Ack, Ack: s.Seq.Add(len(s.Payload)), Window: 8192, Payload: flood}}
	}
}

const (
	// interloper is a host before which something sends RSTs that are not its:
	// with another TTL than its own.
	interloper = "198.18.79.11"
	// fragmented is a host whose data comes in IP fragments.
	fragmented = "198.18.79.12"
)

// packets are those of a segment from an odd host.
func packets(h *wire.IP, s *wire.Segment) [][]byte {
	ip := wire.IPv4{ID: 0, DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: h.Dst, Dst: h.Src}
	body := s.AppendTo(nil, h.Dst, h.Src)
	const first = 32 // bytes of the first fragment; a multiple of 8
	switch {
	case h.Dst.String() == interloper && s.Flags.Has(wire.RST):
		ip.TTL = 200
	case h.Dst.String() == fragmented && len(body) > first:
		one, two := ip, ip
		one.DontFragment, one.MoreFragments, one.ID = false, true, uint16(s.Seq)
		two.DontFragment, two.FragmentOffset, two.ID = false, first/8, one.ID
		return [][]byte{ // the last comes first
			append(two.AppendTo(nil, len(body)-first), body[first:]...),
			append(one.AppendTo(nil, first), body[:first]...),
		}
	}
	return [][]byte{append(ip.AppendTo(nil, len(body)), body...)}
}

// forbidden is a host of which a router says that it must not be reached.
const forbidden = "198.18.79.9"

// prohibition is an ICMP message of the router's: communication with the host
// is administratively prohibited (RFC 1812, section 5.2.7.1).
func prohibition(to netip.Addr, quoted []byte) []byte {
	m := append([]byte{3, 10, 0, 0, 0, 0, 0, 0}, quoted[:28]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: netip.MustParseAddr("198.19.0.2"), Dst: to}
	return append(ip.AppendTo(nil, len(m)), m...)
}

// serveAnomalous answers for the odd hosts until the test ends, and collects the
// RSTs that reach the far host.
func serveAnomalous(t *testing.T, l *lab.Lab) (resets func() []resetSent) {
	t.Helper()
	hosts := make(map[netip.Addr]anomalousHost)
	for _, o := range anomalousHosts {
		hosts[netip.MustParseAddr(o.addr)] = o.host
	}
	fd := -1
	check(t, farNode(l).Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0x0008 /* ETH_P_IP in network order */); err != nil {
			return err
		}
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50000})
	}))
	var seen []resetSent
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if err != nil {
				select {
				case <-quit:
					if err == unix.EAGAIN { // nothing is on its way any more
						return
					}
				default:
				}
				continue
			}
			h, s, ok := decode(buf[:n])
			ll, isLL := from.(*unix.SockaddrLinklayer)
			if !ok || !isLL || ll.Pkttype != unix.PACKET_HOST || h.Src != nearAddr {
				continue
			}
			if s.Flags.Has(wire.RST) {
				seen = append(seen, resetSent{netip.AddrPortFrom(h.Dst, s.DstPort), s.SrcPort, s.Seq})
			}
			if h.Dst == netip.MustParseAddr(forbidden) {
				unix.Sendto(fd, prohibition(h.Src, buf[:n]), 0, ll)
			}
			host, odd := hosts[h.Dst]
			if !odd {
				continue
			}
			for _, a := range host(&s) {
				a.SrcPort, a.DstPort = s.DstPort, s.SrcPort
				for _, packet := range packets(&h, &a) {
					unix.Sendto(fd, packet, 0, ll)
				}
			}
		}
	}()
	stop := func() []resetSent {
		select {
		case <-done:
		default:
			close(quit)
			<-done
			unix.Close(fd)
		}
		return seen
	}
	t.Cleanup(func() { stop() })
	return stop
}

var nearAddr = netip.MustParseAddr("198.19.0.1")
