package explain

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
)

// tdsPackets puts octets into packets of a kind that hold as many as size says.
func tdsPackets(kind byte, data string, size int) string {
	var b strings.Builder
	for len(data) > 0 {
		n := min(size, len(data))
		status := byte(0)
		if n == len(data) {
			status = 1
		}
		b.WriteString(string([]byte{kind, status}) + be16(8+n) + "\x00\x00\x01\x00" + data[:n])
		data = data[n:]
	}
	return b.String()
}

// TLS that MS SQL carries in its own packets is read as if it were alone: whatever
// the packets' size and wherever segments are cut, up to where it is alone.
func TestTLSInsideOfTDSPacketsIsRead(t *testing.T) {
	const options = "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x10\x00\x00\x00\x00\x00\x01"
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		dialogue, keys := shake(t, version)
		for _, size := range []int{4088, 900, 100, 61} {
			for _, mss := range []int{1400, 5} {
				talk := []said{{out, tdsPackets(0x12, options, 4088)}, {in, tdsPackets(0x04, options, 4088)}}
				for i, s := range dialogue {
					switch {
					case version == tls.VersionTLS13 && i > 1, i >= len(dialogue)-2: // data, or what 1.3 sends behind its hellos
					case i == 0: // it is one packet's: none of any size is smaller than this
						s.data = tdsPackets(0x12, s.data, 4088)
					default:
						s.data = tdsPackets(0x12, s.data, size)
					}
					talk = append(talk, s)
				}
				m := newMade().open()
				m.mss = mss
				path := m.talk(talk).close().file(t, keys)
				list, ladder, r := events(t, path, Options{})
				begins := named(list, "tls_begins")
				res := r.Transcript.Result()
				if len(begins) != 1 || !strings.Contains(begins[0], "TDS PRELOGIN") || !res.OK || r.Matching[0].ServerName != "made.example" ||
					version == tls.VersionTLS12 && !readBoth(list) || len(named(list, "not_tls"))+len(named(list, "not_a_record")) > 0 {
					t.Fatalf("version %#x, packets of %d, segments of %d: %q, %+v\n%s", version, size, mss, begins, res, ladder)
				}
				headers, at := 0, int64(0)
				for _, e := range list {
					if o := e.Octets; o != nil && o.Why == "wrapper" {
						headers++
						if o.End-o.Offset != 8 || e.Dir == transcript.Out && o.Offset < at {
							t.Errorf("a header from %d to %d", o.Offset, o.End)
						}
						if e.Dir == transcript.Out {
							at = o.End
						}
					}
				}
				if headers == 0 {
					t.Errorf("packets of %d: no header is told", size)
				}
			}
		}
	}
}
