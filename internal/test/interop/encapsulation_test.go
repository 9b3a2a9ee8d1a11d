package interop

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/test/frames"
)

// TestEncapsulationsAgreeWithTshark puts a connection into every kind of link and
// tunnel, all into one file, and finds what tshark finds: the same segments, by
// the ends of the innermost packet, and the same names in the hellos.
func TestEncapsulationsAgreeWithTshark(t *testing.T) {
	tshark := needProgram(t, "tshark")
	path := filepath.Join(t.TempDir(), "all.pcapng")
	names := writeEncapsulated(t, path)

	args := append([]string{"-n", "-r", path, "-T", "fields", "-E", "occurrence=l", "-Y", "tcp", "-e", "frame.number",
		"-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tcp.len", "-e", "tls.handshake.extensions_server_name"}, toldToTshark...)
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string][]string{} // by connection
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		port := f[1]
		if port == "443" {
			port = f[2]
		}
		theirs[port] = append(theirs[port], f[3]+" "+f[4])
	}

	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	report, err := explain.Reader(t.Context(), file, explain.Options{List: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Unread) > 0 || report.Total != len(names) {
		t.Errorf("%d connections of %d, not read: %v", report.Total, len(names), report.Unread)
	}
	for _, s := range report.Matching {
		port := fmt.Sprint(s.Flow.Client.Port())
		name := names[port]
		if s.ServerName != "example.com" || s.Packets != 6 {
			t.Errorf("%s: %d packets, asking for %q", name, s.Packets, s.ServerName)
		}
		said := slices.ContainsFunc(theirs[port], func(v string) bool { return strings.HasSuffix(v, " example.com") })
		if len(theirs[port]) != s.Packets || !said {
			t.Errorf("%s: tshark sees %q", name, theirs[port])
		}
	}
}

// toldToTshark is what tshark does not see by itself.
var toldToTshark = []string{"-d", "udp.port==8472,vxlan", "-d", "udp.port==6635,mpls", "-d", "mpls.label==48,pwethcw"}

// writeEncapsulated writes a pcapng file with an interface for each link type,
// and returns the name of the kind that each client's port stands for.
func writeEncapsulated(t *testing.T, path string) (names map[string]string) {
	t.Helper()
	order := binary.LittleEndian
	block := func(b []byte, typ uint32, body []byte) []byte {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		n := uint32(12 + len(body))
		b = order.AppendUint32(order.AppendUint32(b, typ), n)
		return order.AppendUint32(append(b, body...), n)
	}
	section := append(order.AppendUint32(nil, 0x1a2b3c4d), 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	file := block(nil, 0x0a0d0d0a, section)
	names = map[string]string{}
	port, at := uint16(20000), uint32(0)
	for i, kind := range frames.Kinds() {
		face := order.AppendUint32(order.AppendUint16(nil, uint16(kind.Link)), 0) // reserved, half of the snap length
		file = block(file, 1, append(face, 0, 0))
		for _, six := range []bool{false, true} {
			port++
			names[fmt.Sprint(port)] = fmt.Sprintf("%s/six=%v", kind.Name, six)
			packets, back := frames.Connection(six, port, "example.com")
			for j, packet := range packets {
				raw := kind.Wrap(packet, back[j])
				at++
				body := order.AppendUint32(nil, uint32(i))
				body = order.AppendUint32(order.AppendUint32(body, 0), at)
				body = order.AppendUint32(order.AppendUint32(body, uint32(len(raw))), uint32(len(raw)))
				file = block(file, 6, append(body, raw...))
			}
		}
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return names
}
