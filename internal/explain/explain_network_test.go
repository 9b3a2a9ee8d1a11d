package explain

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const twoMACs = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"

func be16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func be24(n int) string { return be16(n >> 8)[:2] + string([]byte{byte(n)}) }
func be32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// ethernetOf is a frame around an IPv4 packet.
func ethernetOf(packet string) string { return twoMACs + "\x08\x00" + packet }

// tunnelFrom is a packet of a tunnel, from one of its ends or another.
func tunnelFrom(from int, protocol uint8, payload string) string {
	h := wire.IPv4{TTL: 64, Protocol: protocol, Src: netip.AddrFrom4([4]byte{198, 18, 9, byte(from)}), Dst: netip.MustParseAddr("198.18.9.9"), ID: uint16(len(payload) + 9*from)}
	return string(h.AppendTo(nil, len(payload))) + payload
}

func udpOf(port int, payload string) string {
	return be16(50000) + be16(port) + be16(8+len(payload)) + "\x00\x00" + payload
}

// encapsulations put a packet into a network.
var encapsulations = map[string]func(packet string, id, from int) string{
	"VLAN": func(p string, id, _ int) string { return twoMACs + "\x81\x00" + be16(id) + "\x08\x00" + p },
	"PPPoE session": func(p string, id, _ int) string {
		return twoMACs + "\x88\x64\x11\x00" + be16(id) + be16(2+len(p)) + "\x00\x21" + p
	},
	"VXLAN": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 17, udpOf(4789, "\x08\x00\x00\x00"+be24(id)+"\x00"+ethernetOf(p))))
	},
	"Geneve": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 17, udpOf(6081, "\x00\x00\x08\x00"+be24(id)+"\x00"+p)))
	},
	"GRE": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 47, "\x20\x00\x08\x00"+be32(id)+p))
	},
	"NVGRE": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 47, "\x20\x00\x65\x58"+be24(id)+"\x05"+ethernetOf(p)))
	},
}

// oneWay are those whose number is that of a direction.
var oneWay = map[string]func(packet string, id, from int) string{
	"GTP-U": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 17, udpOf(2152, "\x30\xff"+be16(len(p))+be32(id)+p)))
	},
	"MPLS": func(p string, id, _ int) string { return twoMACs + "\x88\x47" + be32(id<<12|0x140) + p },
	"L2TP": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 17, udpOf(1701, "\x00\x02"+be16(id)+be16(id)+"\xff\x03\x00\x21"+p)))
	},
	"PPTP": func(p string, id, from int) string {
		return ethernetOf(tunnelFrom(from, 47, "\x20\x01\x88\x0b"+be16(4+len(p))+be16(id)+"\xff\x03\x00\x21"+p))
	},
}

// carried wraps each packet of a connection, by its direction.
func (m *made) carried(wrap func(packet string, dir transcript.Dir) string) []string {
	var frames []string
	for _, p := range m.packets {
		dir := out
		if bytes.Equal(p[12:16], []byte{198, 18, 0, 2}) {
			dir = in
		}
		frames = append(frames, wrap(string(p), dir))
	}
	return frames
}

// ethernetPcap is a capture of frames.
func ethernetPcap(frames ...string) *bytes.Reader {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(append(b, make([]byte, 8)...), 1<<18)
	b = le.AppendUint32(b, uint32(wire.LinkEthernet))
	for i, f := range frames {
		b = le.AppendUint32(le.AppendUint32(b, 1_700_000_000), uint32(500*i))
		b = append(le.AppendUint32(le.AppendUint32(b, uint32(len(f))), uint32(len(f))), f...)
	}
	return bytes.NewReader(b)
}

func interleaved(a, b []string) (all []string) {
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			all = append(all, a[i])
		}
		if i < len(b) {
			all = append(all, b[i])
		}
	}
	return all
}

// whole explains a capture, and says of each connection whether all of it is there.
func whole(t *testing.T, what string, frames []string, connections, packets int) *Report {
	t.Helper()
	r, err := Reader(t.Context(), ethernetPcap(frames...), Options{List: true})
	if err != nil {
		t.Fatal(err)
	}
	list := &strings.Builder{}
	if err := (view.List{}).Write(list, r.Matching, r.Unlisted); err != nil {
		t.Fatal(err)
	}
	good := len(r.Matching) == connections
	for _, s := range r.Matching {
		good = good && s.Packets == packets && s.ServerName == "made.example" && s.Result != nil && s.Result.OK
	}
	if !good {
		t.Errorf("%s: want %d connections of %d packets, got\n%s%+v", what, connections, packets, list, r.Unread)
	}
	return r
}

// The same addresses and ports in two networks are two connections, even if all
// their numbers are the same, one after the other or at once.
func TestEqualEndsInTwoNetworksAreTwoConnections(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	for kind, wrap := range encapsulations {
		in := func(id, isn int) []string {
			m := newMade()
			m.isn = [2]uint32{uint32(isn), uint32(isn + 5000)}
			return m.open().talk(dialogue).close().carried(func(p string, _ transcript.Dir) string { return wrap(p, id, 1) })
		}
		plain := newMade().open().talk(dialogue).close().carried(func(p string, _ transcript.Dir) string { return ethernetOf(p) })
		n := len(plain)
		for _, isn := range []int{100, 1 << 30} {
			whole(t, kind+", at once", interleaved(in(7, 100), in(8, isn)), 2, n)
			whole(t, kind+", after each other", append(in(7, 100), in(8, isn)...), 2, n)
			whole(t, kind+" and in none, after each other", append(in(7, isn), plain...), 2, n)
		}
		whole(t, kind+" and in none, at once", interleaved(in(7, 1<<30), plain), 2, n)
		r := whole(t, kind+", the ends used again in both", append(interleaved(in(7, 100), in(8, 2<<20)), interleaved(in(8, 1<<30), in(7, 2<<30))...), 4, n)
		if s := r.Matching[0].Networks; len(s) != 1 || s[0].ID != 7 {
			t.Errorf("%s: the network is %v", kind, s)
		}
	}
}

// Numbers that differ by direction, or a capture at two places, do not make two
// connections out of one.
func TestOneConnectionInSeveralNetworksIsOne(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	m := newMade().open().talk(dialogue).close()
	n := len(m.packets)
	either := func(dir transcript.Dir, forth, back int) int {
		if dir == out {
			return forth
		}
		return back
	}
	for kind, wrap := range encapsulations {
		from := 0
		whole(t, kind+", of other outer addresses each time", m.carried(func(p string, _ transcript.Dir) string { from++; return wrap(p, 7, from%5) }), 1, n)
		whole(t, kind+", another each way", m.carried(func(p string, dir transcript.Dir) string { return wrap(p, either(dir, 7, 8), 1) }), 1, n)
		whole(t, kind+" one way, and none the other", m.carried(func(p string, dir transcript.Dir) string {
			if dir == out {
				return wrap(p, 7, 1)
			}
			return ethernetOf(p)
		}), 1, n)
		inside := m.carried(func(p string, _ transcript.Dir) string { return wrap(p, 7, 1) })
		bare := m.carried(func(p string, _ transcript.Dir) string { return ethernetOf(p) })
		whole(t, kind+", seen inside and outside", interleaved(inside, bare), 1, 2*n)
	}
	for kind, wrap := range oneWay {
		one := func(m *made, forth, back int) []string {
			return m.carried(func(p string, dir transcript.Dir) string { return wrap(p, either(dir, forth, back), 1) })
		}
		whole(t, kind, one(m, 7, 8), 1, n)
		other := newMade()
		other.isn = [2]uint32{1 << 30, 2 << 30}
		other.open().talk(dialogue).close()
		whole(t, kind+", of two whose ends are the same", interleaved(one(m, 7, 8), one(other, 17, 18)), 2, n)
	}
}

// A capture is read in bounded memory and time, however many networks and
// connections with the same ends it has.
func TestManyNetworksAreBounded(t *testing.T) {
	m := newMade().open()
	var frames []string
	for id := range 20_000 {
		m.isn[0] += 1 << 26
		frames = append(frames, encapsulations["VXLAN"](string(m.packets[0][:20])+string(m.packets[0][20:24])+be32(int(m.isn[0]))+string(m.packets[0][28:]), id, 1))
	}
	r, err := Reader(t.Context(), ethernetPcap(frames...), Options{List: true})
	if err != nil || r.Total != len(frames) {
		t.Errorf("%v: %d connections", err, r.Total)
	}
}
