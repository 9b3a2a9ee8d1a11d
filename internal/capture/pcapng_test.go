package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	client = netip.MustParseAddr("198.18.0.1")
	server = netip.MustParseAddr("198.18.0.2")
	start  = time.Unix(1_700_000_000, 123_456_789)
)

// packet is a TCP segment in an IPv4 packet.
func packet(src, dst netip.Addr, s wire.Segment) []byte {
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src, Dst: dst, DontFragment: true}
	b := h.AppendTo(nil, s.HeaderLen()+len(s.Payload))
	return s.AppendTo(b, src, dst)
}

// conversation is a connection of a few segments, one of them with every
// option in use and one larger than a write buffer.
func conversation() [][]byte {
	syn := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 100, Flags: wire.SYN, Window: 64240}
	syn.Options.AddMSS(1460)
	syn.Options.AddSACKPermitted()
	syn.Options.AddTimestamps(1, 0)
	syn.Options.Add(wire.OptNOP)
	syn.Options.AddWindowScale(7)
	ack := wire.Segment{SrcPort: 443, DstPort: 40000, Seq: 900, Ack: 101, Flags: wire.SYN | wire.ACK, Window: 65160}
	data := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 101, Ack: 901, Flags: wire.PSH | wire.ACK, Window: 502,
		Payload: bytes.Repeat([]byte("rawshake"), 1000)}
	return [][]byte{packet(client, server, syn), packet(server, client, ack), packet(client, server, data)}
}

func writeAll(t *testing.T, w *Writer) {
	t.Helper()
	for i, p := range conversation() {
		if err := w.Packet(start.Add(time.Duration(i)*time.Microsecond), p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTsharkReadsACaptureWithoutComplaint(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("tshark is not installed")
	}
	path := filepath.Join(t.TempDir(), "c.pcapng")
	w, err := Create(path, Info{Application: "rawshake test", Comment: "a comment", Interface: "eth0", Description: "packet socket"})
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w) // and no Close: as after a kill
	args := []string{"-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}
	out, err := exec.Command("tshark", append(args, "-T", "fields", "-e", "tcp.flags.str", "-e", "tcp.len",
		"-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-e", "frame.interface_name", "-e", "frame.time_epoch")...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	want := "··········S·\t0\t1\t1\teth0\t1700000000.123456789\n" +
		"·······A··S·\t0\t1\t1\teth0\t1700000000.123457789\n" +
		"·······AP···\t8000\t1\t1\teth0\t1700000000.123458789\n"
	if string(out) != want {
		t.Errorf("tshark reads\n%swant\n%s", out, want)
	}
	out, err = exec.Command("tshark", append(args, "-Y", "_ws.malformed || _ws.expert.severity == error")...).Output()
	if err != nil || len(out) > 0 {
		t.Errorf("tshark complains: %v\n%s", err, out)
	}
}

// readBack counts the packets of a capture, up to its end.
func readBack(t *testing.T, r io.Reader) (packets [][]byte) {
	t.Helper()
	ng, err := pcapgo.NewNgReader(r, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, _, err := ng.ReadPacketData()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, data)
	}
}

type writes struct{ blocks [][]byte }

func (w *writes) Write(b []byte) (int, error) {
	w.blocks = append(w.blocks, bytes.Clone(b))
	return len(b), nil
}

func TestEachPacketIsOneWrite(t *testing.T) {
	var dst writes
	w, err := NewWriter(&dst, Info{})
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w)
	if len(dst.blocks) != 4 {
		t.Fatalf("%d writes, want the header and 3 packets", len(dst.blocks))
	}
	for n := 1; n <= 4; n++ {
		if got := readBack(t, bytes.NewReader(bytes.Join(dst.blocks[:n], nil))); len(got) != n-1 {
			t.Errorf("after %d writes %d packets can be read", n, len(got))
		}
	}
}

// fullDisk takes room bytes.
type fullDisk struct {
	f    *os.File
	room int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	d.f.Write(b[:n])
	if n < len(b) {
		return n, &os.PathError{Op: "write", Path: d.f.Name(), Err: syscall.ENOSPC}
	}
	return n, nil
}

func TestFullDiskIsSaidOnceAndLeavesWholePackets(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "c.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWriter(&fullDisk{f, 1000}, f, f.Name(), Info{})
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, p := range append(conversation(), conversation()...) {
		if err := w.Packet(start, p); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) != 1 || !errors.Is(errs[0], syscall.ENOSPC) || !strings.Contains(errs[0].Error(), f.Name()) {
		t.Errorf("errors: %v, want one that says which file is full", errs)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	b, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got := readBack(t, b); len(got) != 2 {
		t.Errorf("%d packets can be read, want 2", len(got))
	}
}

func TestPathThatCannotBeWrittenIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "c.pcapng")
	if _, err := Create(path, Info{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("Create: %v", err)
	}
	if _, err := OpenKeyLog(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("OpenKeyLog: %v", err)
	}
	if _, err := Create("/dev/full", Info{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Create on a full device: %v", err)
	}
}

func TestKeyLogIsAppendedToAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	for i := range byte(2) {
		k, err := OpenKeyLog(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Secret("CLIENT_RANDOM", bytes.Repeat([]byte{i}, 32), bytes.Repeat([]byte{0xab}, 48)); err != nil {
			t.Fatal(err)
		}
		k.Close()
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := "CLIENT_RANDOM %s " + strings.Repeat("ab", 48) + "\n"
	want := fmt.Sprintf(line+line, strings.Repeat("00", 32), strings.Repeat("01", 32))
	if string(got) != want {
		t.Errorf("key log\n%swant\n%s", got, want)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode().Perm())
	}
}

func ExampleNewWriter() {
	var file bytes.Buffer
	w, err := NewWriter(&file, Info{Application: "rawshake", Interface: "eth0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range conversation() {
		if err := w.Packet(time.Now(), p); err != nil {
			fmt.Println(err) // once; the run goes on
		}
	}
	fmt.Println(w.Close())
	// Output: <nil>
}
