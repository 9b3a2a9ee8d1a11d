package interop

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// formatSpecimens are about files and links: what other tools and systems
// write. This kernel has no VLANs and no BSD loopback, so those are made by
// giving the frames of a recorded capture another link-layer header.
var formatSpecimens = []specimen{
	{"cooked-v1.pcap", "OpenSSL on the interface \"any\", Linux cooked v1; key log beside", func(r *recording) { r.cooked("LINUX_SLL") }},
	{"cooked-v2.pcap", "the same, Linux cooked v2", func(r *recording) { r.cooked("LINUX_SLL2") }},
	{"loopback-ipv6.pcapng", "OpenSSL to itself on ::1, Ethernet with addresses of zeros; DSB", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		startPeer(r.t, r.lab.Near(), needProgram(r.t, "openssl"), "s_server", "-www", "-tls1_2", "-accept", "8443", "-cert", f.cert, "-key", f.key)
		r.capture(func() { r.sClient("-connect", "[::1]:8443") }, "-i", "lo", "-f", "tcp")
		r.inject()
	}},
	{"snaplen-96.pcapng", "OpenSSL, each frame cut to 96 bytes", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2")
		r.capture(func() { r.sClient() }, append(r.veth(), "-s", "96")...)
	}},
	{"vlan.pcap", "`tls12-ecdhe-ecdsa.pcapng` with an 802.1Q tag", func(r *recording) {
		r.rewrap(layers.LinkTypeEthernet, binary.LittleEndian, false, tagged(0x8100, 5))
	}},
	{"qinq.pcap", "the same with two tags, 802.1ad and 802.1Q, nanoseconds", func(r *recording) {
		r.rewrap(layers.LinkTypeEthernet, binary.LittleEndian, true, tagged(0x88a8, 7, 0x8100, 5))
	}},
	{"null.pcap", "the same with the header of a BSD loopback, big-endian file and header", func(r *recording) {
		r.rewrap(layers.LinkTypeNull, binary.BigEndian, false, func(frame []byte) []byte { return append([]byte{0, 0, 0, 2}, frame[14:]...) })
	}},
	{"loop.pcap", "the same with the header of an OpenBSD loopback, big-endian file, nanoseconds", func(r *recording) {
		r.rewrap(layers.LinkTypeLoop, binary.BigEndian, true, func(frame []byte) []byte { return append([]byte{0, 0, 0, 2}, frame[14:]...) })
	}},
	{"raw.pcap", "the same without a link-layer header", func(r *recording) {
		r.rewrap(101, binary.LittleEndian, false, func(frame []byte) []byte { return frame[14:] })
	}},
	{"big-endian.pcapng", "the same as a big-endian pcapng whose clock ticks 1024 times a second, with a Simple Packet Block and a Custom Block among its packets", func(r *recording) {
		r.write(bigEndianNG(r.source("tls12-ecdhe-ecdsa.pcapng")))
	}},
	{"cut-off.pcapng", "the first 2000 bytes of `tls12-ecdhe-ecdsa.pcapng`: the disk was full", func(r *recording) {
		b, err := os.ReadFile(filepath.Join(capturesDir, "tls12-ecdhe-ecdsa.pcapng"))
		if err != nil {
			r.t.Fatal(err)
		}
		r.write(b[:2000])
	}},
}

func (r *recording) cooked(dlt string) {
	r.t.Helper()
	r.openSSL(r.files(pki.ECDSAP256), "-tls1_2")
	r.capture(func() { r.sClient() }, "-i", "any", "-y", dlt, "-f", "tcp port 8443")
	r.keepKeys()
}

// packet is a captured frame with its time.
type packet struct {
	at   time.Time
	data []byte
}

// source reads a capture that was made before.
func (r *recording) source(file string) []packet {
	r.t.Helper()
	list, _ := readCapture(r.t, filepath.Join(capturesDir, file))
	return list
}

// readCapture reads a pcapng file with code that is not ours.
func readCapture(t *testing.T, path string) ([]packet, layers.LinkType) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ng, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var list []packet
	for {
		data, info, err := ng.ReadPacketData()
		if err == io.EOF {
			return list, ng.LinkType()
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, packet{info.Timestamp, data})
	}
}

func (r *recording) write(b []byte) {
	r.t.Helper()
	if err := os.WriteFile(r.path, b, 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// rewrap writes the frames of the first specimen as a classic pcap with
// another link-layer header.
func (r *recording) rewrap(linkType layers.LinkType, order binary.AppendByteOrder, nano bool, wrap func([]byte) []byte) {
	r.t.Helper()
	magic, unit := uint32(0xa1b2c3d4), time.Microsecond
	if nano {
		magic, unit = 0xa1b23c4d, time.Nanosecond
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	for _, v := range []uint32{0, 0, 65535, uint32(linkType)} {
		b = order.AppendUint32(b, v)
	}
	for _, p := range r.source("tls12-ecdhe-ecdsa.pcapng") {
		frame := wrap(p.data)
		for _, v := range []uint32{uint32(p.at.Unix()), uint32(p.at.Nanosecond() / int(unit)), uint32(len(frame)), uint32(len(frame))} {
			b = order.AppendUint32(b, v)
		}
		b = append(b, frame...)
	}
	r.write(b)
}

// tagged puts VLAN tags behind an Ethernet header's addresses: pairs of TPID
// and VLAN identifier.
func tagged(tags ...uint16) func([]byte) []byte {
	return func(frame []byte) []byte {
		b := append([]byte(nil), frame[:12]...)
		for _, v := range tags {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return append(b, frame[12:]...)
	}
}

// bigEndianNG writes a pcapng section as a machine of the other endianness
// does, with if_tsresol 0x8a.
func bigEndianNG(list []packet) []byte {
	order := binary.BigEndian
	var file []byte
	block := func(typ uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		n := uint32(len(body) + 12)
		file = order.AppendUint32(order.AppendUint32(file, typ), n)
		file = order.AppendUint32(append(file, body...), n)
	}
	block(0x0a0d0d0a, append(order.AppendUint32(nil, 0x1a2b3c4d), 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	block(1, append([]byte{0, 1, 0, 0, 0, 0, 0, 0}, 0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 0, 0, 0)) // if_tsresol, opt_endofopt
	for i, p := range list {
		if i == 3 {
			block(0xbad, order.AppendUint32(nil, 0)) // a custom block
		}
		if i == 5 {
			block(3, append(order.AppendUint32(nil, uint32(len(p.data))), p.data...)) // a simple packet has no time
			continue
		}
		ticks := uint64(p.at.UnixNano()/1000) * 1024 / 1_000_000
		var body []byte
		for _, v := range []uint32{0, uint32(ticks >> 32), uint32(ticks), uint32(len(p.data)), uint32(len(p.data))} {
			body = order.AppendUint32(body, v)
		}
		block(6, append(body, p.data...))
	}
	return file
}

// shuffle moves frames by up to three places, the same way each time.
func shuffle(r *recording, from string) {
	r.t.Helper()
	list, linkType := readCapture(r.t, filepath.Join(capturesDir, from))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range list[:len(list)-3] {
		j := i + rng.IntN(4)
		list[i].data, list[j].data = list[j].data, list[i].data
	}
	f, err := os.Create(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	w, err := pcapgo.NewNgWriter(f, linkType)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range list {
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(p.data), Length: len(p.data)}, p.data); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

// fragments cuts a packet into pieces of at most mtu bytes of payload; with 0,
// or where it fits, it stays whole.
func fragments(packet []byte, id uint32, mtu int) [][]byte {
	if packet[0]>>4 == 4 {
		return fragments4(packet, uint16(id), mtu)
	}
	return fragments6(packet, id, mtu)
}

func fragments4(packet []byte, id uint16, mtu int) (pieces [][]byte) {
	var h wire.IPv4
	c := field.New("IPv4", packet)
	h.Decode(&c)
	payload := packet[h.HeaderLen():h.TotalLength]
	if mtu == 0 || len(payload) <= mtu {
		return [][]byte{packet}
	}
	h.DontFragment, h.ID = false, id
	for at := 0; at < len(payload); at += mtu {
		piece := payload[at:min(at+mtu, len(payload))]
		h.FragmentOffset, h.MoreFragments = uint16(at/8), at+mtu < len(payload)
		pieces = append(pieces, append(h.AppendTo(nil, len(piece)), piece...))
	}
	return pieces
}

func fragments6(packet []byte, id uint32, mtu int) (pieces [][]byte) {
	var h wire.IPv6
	c := field.New("IPv6", packet)
	h.Decode(&c)
	payload := packet[wire.IPv6HeaderLen:]
	if mtu == 0 || len(payload) <= mtu {
		return [][]byte{packet}
	}
	next := h.NextHeader
	h.NextHeader = wire.NextFragment
	for at := 0; at < len(payload); at += mtu {
		piece := payload[at:min(at+mtu, len(payload))]
		more := 0
		if at+mtu < len(payload) {
			more = 1
		}
		header := binary.BigEndian.AppendUint16([]byte{next, 0}, uint16(at|more))
		header = binary.BigEndian.AppendUint32(header, id)
		pieces = append(pieces, append(append(h.AppendTo(nil, len(header)+len(piece)), header...), piece...))
	}
	return pieces
}
