package explain

import (
	"bytes"
	"flag"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// -megabytes is the size of the capture that memory is measured with: 2048 by
// `make large`.
var megabytes = flag.Int("megabytes", 48, "size of the large capture, in MB")

// largest is the most memory that explaining a capture may take, in bytes: 200
// MB for one of 2 GB. For a smaller capture, the part above the 40 MB that a Go
// program with these tests takes by itself shrinks in proportion, except for
// what is held in any case.
func largest(megabytes int) int64 {
	const whole, base, held = 200 << 20, 40 << 20, 48 << 20
	return min(whole, base+held+(whole-base)*int64(megabytes)/2048)
}

// TestMemoryDoesNotGrowWithTheCapture makes a capture of one long connection and
// many short ones, and explains the long one in a process of its own.
func TestMemoryDoesNotGrowWithTheCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.pcapng")
	writeLarge(t, path, int64(*megabytes)<<20)
	for _, args := range []string{"", "--stream"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestExplainLargeChild$")
		cmd.Env = append(os.Environ(), "EXPLAIN_LARGE="+path, "EXPLAIN_STREAM="+args)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		t.Logf("%d MB explained%s in %.1f s of CPU with %.1f MB of memory", *megabytes, args,
			(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), float64(rss)/(1<<20))
		if bound := largest(*megabytes); rss > bound {
			t.Errorf("%d bytes of memory for %d MB of capture, want at most %d", rss, *megabytes, bound)
		}
	}
}

// TestExplainLargeChild is the other process.
func TestExplainLargeChild(t *testing.T) {
	path := os.Getenv("EXPLAIN_LARGE")
	if path == "" {
		t.Skip("it is a part of TestMemoryDoesNotGrowWithTheCapture")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var from io.Reader = f
	if os.Getenv("EXPLAIN_STREAM") != "" {
		from = pipe{f}
	}
	v, _ := view.New("ladder", io.Discard, view.Options{})
	frames := 0
	r, err := Reader(t.Context(), from, Options{Filter: Filter{Conn: 1}, Limit: transcript.KeepNothing, Listener: func(e *transcript.Entry) {
		v.Entry(e)
		if e.Type == transcript.TypeSegment {
			frames++
		}
	}})
	if err != nil || r.Broken != nil || r.Shown == nil || frames < r.Packets/2 {
		t.Fatalf("%v, %v: %d frames of %d packets shown", err, r.Broken, frames, r.Packets)
	}
}

// writeLarge writes a capture of about n bytes: a download in TLS records that
// nobody can decrypt, and between its segments a SYN of another host each
// hundred packets.
func writeLarge(t *testing.T, path string, n int64) {
	t.Helper()
	w, err := capture.Create(path, capture.Info{})
	if err != nil {
		t.Fatal(err)
	}
	client, server := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	at := time.Unix(1_700_000_000, 0)
	put := func(src, dst netip.Addr, s wire.Segment) {
		h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src, Dst: dst}
		b := s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(s.Payload)), src, dst)
		at = at.Add(10 * time.Microsecond)
		if err := w.Packet(at, b); err != nil {
			t.Fatal(err)
		}
		n -= int64(len(b)) + 32
	}
	put(client, server, wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 0, Flags: wire.SYN})
	put(server, client, wire.Segment{SrcPort: 443, DstPort: 40000, Seq: 0, Ack: 1, Flags: wire.SYN | wire.ACK})
	const size = 1 << 14
	record := append([]byte{23, 3, 3, size >> 8, size & 0xff}, bytes.Repeat([]byte("rawshake"), size/8)...)
	seq := uint32(1)
	for i := uint32(0); n > 0; i++ {
		for rest := record; len(rest) > 0; {
			piece := rest[:min(len(rest), 1448)]
			rest = rest[len(piece):]
			put(server, client, wire.Segment{SrcPort: 443, DstPort: 40000, Seq: wire.Seq(seq), Ack: 1, Flags: wire.ACK, Payload: piece})
			seq += uint32(len(piece))
		}
		put(client, server, wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 1, Ack: wire.Seq(seq), Flags: wire.ACK})
		other := netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)})
		put(other, server, wire.Segment{SrcPort: uint16(20000 + i>>16), DstPort: 443, Seq: wire.Seq(i), Flags: wire.SYN})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < int64(*megabytes)<<20 {
		t.Fatalf("the capture has %d bytes, %v", info.Size(), err)
	}
}
