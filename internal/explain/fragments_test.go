package explain

import (
	"crypto/tls"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/frames"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// cut makes fragments of the packet that stands at an offset of a frame: as many
// as size asks for, or one.
func cut(frame string, at, size int, id uint16) (parts []string) {
	packet := frame[at:]
	six := packet[0]>>4 == 6
	header := 20
	if six {
		header = 40
		packet = packet[:40+int(packet[4])<<8+int(packet[5])]
		if packet[6] == wire.NextRouting { // each fragment has it (RFC 8200, section 4.5)
			header += 8 + int(packet[41])*8
		}
	} else {
		packet = packet[:int(packet[2])<<8+int(packet[3])]
	}
	payload := packet[header:]
	for offset := 0; offset < len(payload); offset += size {
		piece := payload[offset:min(len(payload), offset+size)]
		more := uint16(0)
		if offset+len(piece) < len(payload) {
			more = 1
		}
		h := []byte(packet[:header])
		if six {
			last := 6
			if header > 40 {
				last = 40
			}
			next := h[last]
			h[last] = wire.NextFragment
			binary.BigEndian.PutUint16(h[4:], uint16(header-40+8+len(piece)))
			h = append(h, next, 0)
			h = binary.BigEndian.AppendUint16(h, uint16(offset)|more)
			h = binary.BigEndian.AppendUint32(h, uint32(id))
		} else {
			binary.BigEndian.PutUint16(h[2:], uint16(header+len(piece)))
			binary.BigEndian.PutUint16(h[4:], id)
			binary.BigEndian.PutUint16(h[6:], uint16(offset/8)|more<<13)
			h[10], h[11] = 0, 0
			binary.BigEndian.PutUint16(h[10:], wire.Checksum(h))
		}
		parts = append(parts, frame[:at]+string(h)+piece)
	}
	return parts
}

// A tunnel's packet that was fragmented on the outside is read as if it had not
// been, in whatever order the fragments come, even if the inside was fragmented
// too.
func TestFragmentsOfTunnelsPacketsAreRead(t *testing.T) {
	const ethernet = 14
	for _, kind := range frames.Kinds() {
		if kind.Tunnel == "" || kind.Link != wire.LinkEthernet {
			continue
		}
		for _, six := range []bool{false, true} {
			for order, turn := range map[string]func([]string){"in order": func([]string) {}, "backwards": slices.Reverse[[]string]} {
				packets, back := frames.Connection(six, 40000, "example.com")
				var all []string
				want := 0
				for i, packet := range packets {
					pieces := []string{string(packet)}
					if strings.Contains(pieces[0], "example.com") {
						pieces = cut(pieces[0], 0, 64, uint16(500+i))
					}
					for j, inner := range pieces {
						parts := cut(string(kind.Wrap([]byte(inner), back[i])), ethernet, 40, uint16(100*i+j+1))
						if len(parts) > 1 {
							want++
						}
						turn(parts)
						all = append(all, parts...)
					}
				}
				r, err := Reader(t.Context(), ethernetPcap(all...), Options{Listener: func(*transcript.Entry) {}, Limit: 1 << 20})
				if err != nil || r.Shown == nil || len(r.Unread) > 0 || r.Transcript.Result().Outcome != "alert" {
					t.Errorf("%s, IPv6 %v, %s: %+v, %v", kind.Name, six, order, r, err)
					continue
				}
				joined := 0
				for _, e := range r.Transcript.Entries {
					if e.Decision != nil && e.Decision.Name == "tunnel_joined" {
						joined++
					}
				}
				if joined != want {
					t.Errorf("%s, IPv6 %v, %s: %d packets are put together, want %d", kind.Name, six, order, joined, want)
				}
			}
		}
	}
}

// Fragments that cannot be put together are counted, each once, and so are those
// of what is no tunnel's packet.
func TestFragmentsThatAreNotReadAreCounted(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	m := newMade().open().talk(dialogue).close()
	inside := m.carried(func(p string, _ transcript.Dir) string { return encapsulations["VXLAN"](p, 7, 1) })
	var all []string
	lost, kept := 0, 0
	for i, frame := range inside {
		parts := cut(frame, 14, 48, uint16(i+1))
		if i%3 == 2 {
			parts = parts[:len(parts)-1]
			lost += len(parts)
		} else {
			kept++
		}
		all = append(all, parts...)
	}
	dns := cut(ethernetOf(tunnelFrom(1, 17, udpOf(53, strings.Repeat("x", 400)))), 14, 160, 999)
	r, err := Reader(t.Context(), ethernetPcap(append(all, dns...)...), Options{List: true})
	if err != nil || len(r.Matching) != 1 || r.Matching[0].Packets != kept {
		t.Fatalf("%+v, %v", r, err)
	}
	unread := 0
	for _, u := range r.Unread {
		unread += u.Packets
		if strings.Contains(u.Name, "DNS") && u.Packets != len(dns) {
			t.Errorf("%+v, want %d", u, len(dns))
		}
	}
	if unread != lost+len(dns) {
		t.Errorf("%d are counted, want %d: %+v", unread, lost+len(dns), r.Unread)
	}
}
