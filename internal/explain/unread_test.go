package explain

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rawshake/rawshake/internal/test/frames"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// classic is a pcap file of frames of one link type.
func classic(link wire.LinkType, frames ...string) []byte {
	order := binary.LittleEndian
	b := order.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = order.AppendUint32(order.AppendUint32(b, 1<<18), uint32(link))
	for i, f := range frames {
		b = order.AppendUint32(order.AppendUint32(b, 1), uint32(i))
		b = order.AppendUint32(order.AppendUint32(b, uint32(len(f))), uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

const (
	macs  = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
	ether = macs + "\x08\x00"
)

// ip4 is an IPv4 packet of a protocol, behind an Ethernet header.
func ip4(protocol uint8, flags string, payload string) string {
	n := 20 + len(payload)
	return ether + "\x45\x00" + string([]byte{byte(n >> 8), byte(n)}) + "\x00\x01" + flags + "\x40" + string([]byte{protocol}) +
		"\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02" + payload
}

func udp(port uint16, payload string) string {
	n := 8 + len(payload)
	return ip4(17, "\x00\x00", "\xc3\x50"+string([]byte{byte(port >> 8), byte(port), byte(n >> 8), byte(n)})+"\x00\x00"+payload)
}

// What is not read is named with its number, and told apart by whether it may
// hold TCP.
func TestWhatIsNotReadIsNamedAndCounted(t *testing.T) {
	const wifi = "\x02\x00\x00\x00\x00\x99\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x10\x00"
	for _, tc := range []struct {
		link   wire.LinkType
		frame  string
		name   string
		opaque bool
	}{
		{wire.LinkEthernet, macs + "\x08\x06" + "\x00\x01\x08\x00\x06\x04\x00\x01", "ARP (EtherType 0x0806)", false},
		{wire.LinkEthernet, macs + "\x88\xcc\x02", "LLDP (EtherType 0x88cc)", false},
		{wire.LinkEthernet, macs + "\x88\xe5\x02", "MACsec (EtherType 0x88e5)", true},
		{wire.LinkEthernet, macs + "\xab\xcd\x02", "EtherType 0xabcd", false},
		{wire.LinkEthernet, macs + "\x00\x26\x42\x42\x03", "LLC (spanning tree)", false},
		{wire.LinkEthernet, macs + "\x88\x63\x11\x09\x00\x00\x00\x00", "PPPoE discovery (EtherType 0x8863)", false},
		{wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x06\xc0\x21\x01\x01\x00\x04", "PPP: LCP", false},
		{wire.LinkEthernet, macs + "\x88\x64\x11\x00\x00\x09\x00\x06\x00\x2d\x01\x01\x00\x04", "PPP: TCP with compressed headers", true},
		{wire.LinkEthernet, macs + "\x08\x00", "no packet of IP version 4 or 6 where one should be", false},
		{wire.LinkEthernet, macs[:9], "frames cut off, or broken, in a header", true},
		{wire.LinkEthernet, udp(53, "query"), "UDP port 53 (DNS)", false},
		{wire.LinkEthernet, udp(443, "quic"), "UDP port 443 (QUIC)", false},
		{wire.LinkEthernet, udp(51820, "secret"), "UDP port 51820 (WireGuard)", true},
		{wire.LinkEthernet, udp(40001, "what"), "UDP port 40001", false},
		{wire.LinkEthernet, ip4(1, "\x00\x00", "\x08\x00\x00\x00\x00\x00\x00\x00"), "ICMP (IP protocol 1)", false},
		{wire.LinkEthernet, ip4(50, "\x00\x00", "secret secret"), "ESP (IP protocol 50)", true},
		{wire.LinkEthernet, ip4(132, "\x00\x00", "sctp"), "SCTP (IP protocol 132)", false},
		{wire.LinkEthernet, ip4(200, "\x00\x00", "what"), "IP protocol 200", true},
		{wire.LinkEthernet, ip4(6, "\x00\x00", "\x00\x50"), "TCP segments cut off inside their header", true},
		{wire.LinkEthernet, ip4(6, "\x00\x10", "later"), "fragments of TCP segments whose first one is missing", true},
		{wire.LinkEthernet, ip4(47, "\x20\x00", "\x00\x00\x08\x00rest"), "GRE: a fragment of such a packet", true},
		{wire.LinkEthernet, ip4(47, "\x00\x00", "\x00\x00\x08\x06\x00\x01"), "GRE: ARP (EtherType 0x0806)", false},
		{wire.LinkEthernet, udp(4789, "\x08\x00\x00\x00\x00\x00\x01\x00"+macs+"\x88\xcc\x02"), "VXLAN: LLDP (EtherType 0x88cc)", false},
		{wire.LinkEthernet, udp(2152, "\x30\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"), "GTP-U: the tunnel's own messages", false},
		{wire.LinkEthernet, udp(6081, "\x80\x00\x65\x58\x00\x00\x01\x00"+ether), "Geneve: version 2", true},
		{wire.LinkWiFi, "\x80\x00\x00\x00beacon", "802.11 management frames", false},
		{wire.LinkWiFi, "\x48\x01\x00\x00null", "802.11 frames without data", false},
		{wire.LinkWiFi, "\x08\x41\x00\x00" + wifi + "secret", "encrypted 802.11 frames", true},
		{wire.LinkWiFi, "\x08\x05\x00\x00" + wifi + "part", "fragments of 802.11 frames", true},
		{wire.LinkNFLOG, "\x02\x00\x00\x05\x08\x00\x02\x00\x00\x00\x00\x01", "netfilter log messages without a packet", false},
		{147, "what", "link type 147 (private use 0)", true},
		{65000, "what", "link type 65000", true},
	} {
		file := classic(tc.link, tc.frame, tc.frame)
		for _, stream := range []bool{false, true} {
			var from interface {
				Read([]byte) (int, error)
			} = bytes.NewReader(file)
			if stream {
				from = pipe{from}
			}
			r, err := Reader(t.Context(), from, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Unread) != 1 || r.Unread[0].Name != tc.name || r.Unread[0].Packets != 2 || r.Unread[0].Opaque != tc.opaque || r.Total != 0 {
				t.Errorf("want %q (%v): %+v", tc.name, tc.opaque, r.Unread)
			}
		}
	}
}

// More kinds than an honest capture has are counted together.
func TestTheKindsThatAreNamedAreBounded(t *testing.T) {
	var all []string
	for i := range 3 * maxUnread {
		all = append(all, macs+string([]byte{0xab, 0, byte(i >> 8), byte(i)})[:1]+string([]byte{byte(i)})+"\x00", udp(uint16(20000+i), "what"))
	}
	r, err := Reader(t.Context(), bytes.NewReader(classic(wire.LinkEthernet, all...)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, u := range r.Unread {
		sum += u.Packets
	}
	if len(r.Unread) > maxUnread+1 || sum != len(all) {
		t.Errorf("%d kinds of %d packets, of %d", len(r.Unread), sum, len(all))
	}
}

// Endlessly nested packets cannot fill memory or the stack, and are named.
func TestNestingIsBounded(t *testing.T) {
	packet := "\x45\x00\x00\x14\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"
	for range 1000 {
		n := 20 + len(packet)
		packet = "\x45\x00" + string([]byte{byte(n >> 8), byte(n)}) + "\x00\x00\x00\x00\x40\x04\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02" + packet
	}
	labels := macs + "\x88\x47" + string(bytes.Repeat([]byte{0, 2, 0, 64}, 1000))
	tags := macs + string(bytes.Repeat([]byte{0x81, 0, 0, 5}, 1000))
	var vxlan string
	for range 400 {
		vxlan = udp(4789, "\x08\x00\x00\x00\x00\x00\x01\x00"+vxlan)
	}
	for name, frame := range map[string]string{"IP in IP": ether + packet, "MPLS": labels, "VLAN": tags, "VXLAN": vxlan} {
		r, err := Reader(t.Context(), bytes.NewReader(classic(wire.LinkEthernet, frame)), Options{})
		if err != nil || len(r.Unread) != 1 || !r.Unread[0].Opaque {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// Every kind of link and tunnel leads to the connection, as a file and as a
// stream.
func TestAConnectionIsFoundInEveryEncapsulation(t *testing.T) {
	for _, kind := range frames.Kinds() {
		var all []string
		packets, back := frames.Connection(false, 40000, "example.com")
		for i, packet := range packets {
			all = append(all, string(kind.Wrap(packet, back[i])))
		}
		r, err := Reader(t.Context(), pipe{bytes.NewReader(classic(kind.Link, all...))}, Options{Listener: func(*transcript.Entry) {}})
		if err != nil || r.Shown == nil || r.Shown.ServerName != "example.com" || len(r.Unread) > 0 {
			t.Errorf("%s: %+v, %v", kind.Name, r, err)
		}
		if got := fmt.Sprint(r.Transcript.Result().Outcome); got != "alert" {
			t.Errorf("%s: it came to %s", kind.Name, got)
		}
	}
}
