package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
)

// specimens are the captures in testdata that other programs wrote.
func specimens(t testing.TB) (paths []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("..", "..", "testdata", "captures", "*.pcap*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if !strings.HasSuffix(p, ".keys") {
			paths = append(paths, p)
		}
	}
	if len(paths) < 30 {
		t.Fatalf("only %d captures: make captures makes them", len(paths))
	}
	return paths
}

// A held packet is one whose bytes were copied.
type heldPacket struct {
	Packet
	data string
}

// readAll reads a capture to its end, and says how it ended.
func readAll(from io.Reader) (packets []heldPacket, secrets int, err error) {
	r, err := NewReader(from)
	if err != nil {
		return nil, 0, err
	}
	r.Secrets = func(string, []byte, []byte) { secrets++ }
	for {
		var p Packet
		if err := r.Next(&p); err != nil {
			return packets, secrets, err
		}
		packets = append(packets, heldPacket{p, string(p.Data)})
	}
}

// oracle reads a capture with gopacket.
func oracle(b []byte) (data []string, times []time.Time, err error) {
	var source interface {
		ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	}
	if binary.BigEndian.Uint32(b) == blockSection {
		source, err = pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	} else {
		source, err = pcapgo.NewReader(bytes.NewReader(b))
	}
	if err != nil {
		return nil, nil, err
	}
	for {
		d, info, err := source.ReadPacketData()
		if err != nil {
			return data, times, err
		}
		data, times = append(data, string(d)), append(times, info.Timestamp)
	}
}

func TestPacketsAreThoseThatAnotherReaderFinds(t *testing.T) {
	for _, path := range specimens(t) {
		name := filepath.Base(path)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := readAll(bytes.NewReader(b))
		if broken := new(BrokenError); err != io.EOF && (name != "cut-off.pcapng" || !errors.As(err, &broken)) {
			t.Errorf("%s: %v", name, err)
		}
		data, times, _ := oracle(b)
		if len(got) != len(data) {
			t.Errorf("%s: %d packets, gopacket finds %d", name, len(got), len(data))
			continue
		}
		for i, p := range got {
			if p.data != data[i] || p.Number != i+1 {
				t.Errorf("%s: packet %d differs from gopacket's", name, i+1)
			}
			// gopacket leaves a simple packet without a time, and rounds down units of 1/1024 s.
			if d := p.At.Sub(times[i]); !times[i].IsZero() && (d < -time.Microsecond || d > time.Millisecond) {
				t.Errorf("%s: packet %d at %v, gopacket says %v", name, i+1, p.At, times[i])
			}
		}
	}
}

// ng builds a little-endian pcapng file of blocks.
func ng(blocks ...[]byte) []byte {
	b := appendBlock(nil, blockSection, append(order.AppendUint32(nil, byteOrderMagic), 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255))
	for _, x := range blocks {
		b = append(b, x...)
	}
	return b
}

func words(v ...uint32) (b []byte) {
	for _, x := range v {
		b = order.AppendUint32(b, x)
	}
	return b
}

const huge = 0xfffffff0

// lies are small files that claim to be large, and where they break.
var lies = []struct {
	name string
	file []byte
	at   int64
}{
	{"a pcap record of 4 GB", append(words(magicMicro, 4|2<<16, 0, 0, huge, 1), words(0, 0, huge, huge)...), 24},
	{"a block of 4 GB", ng(words(blockEnhanced, huge, 0)), 28},
	{"a packet of 4 GB in a small block", ng(appendBlock(nil, blockInterface, words(101, 0)), appendBlock(nil, blockEnhanced, words(0, 0, 0, huge, huge))), 48},
	{"a packet of 4 GB in a block of 4 GB", ng(appendBlock(nil, blockInterface, words(101, 0)), words(blockEnhanced, huge, 0, 0, 0, huge-32, huge-32)), 48},
	{"secrets of 4 GB", ng(words(blockSecrets, huge, secretsTLSKeyLog, huge-64)), 28},
	{"a simple packet of 4 GB", ng(appendBlock(nil, blockInterface, words(101, 0)), words(blockSimple, huge, huge-16)), 48},
	{"an unknown block of 4 GB", ng(words(0x7777, huge)), 28},
	{"a block shorter than its own lengths", ng(words(blockEnhanced, 8, 8)), 28},
	{"a block of an odd length", ng(words(blockEnhanced, 33, 0, 0)), 28},
	{"lengths that differ", ng(words(0x7777, 12, 16)), 28},
	{"a packet of an interface that is not there", ng(appendBlock(nil, blockEnhanced, words(9, 0, 0, 0, 0))), 28},
	{"a second section of no byte order", ng(words(blockSection, 28, 0x12345678, 0, 0, 0, 28)), 28},
	{"a section that is too short", words(blockSection, 12, byteOrderMagic, 12), 0},
}

func TestSmallFilesThatClaimGigabytesCostNothing(t *testing.T) {
	for _, lie := range lies {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := readAll(bytes.NewReader(lie.file))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes of it cost %d bytes of memory", lie.name, len(lie.file), n)
		}
		var broken *BrokenError
		if !errors.As(err, &broken) || broken.Offset != lie.at {
			t.Errorf("%s: %v, want a break at byte %d", lie.name, err, lie.at)
		}
		var out bytes.Buffer
		if _, err := StripSecrets(context.Background(), &out, bytes.NewReader(lie.file)); out.Len() > len(lie.file) {
			t.Errorf("%s: stripping says %v and writes %d bytes", lie.name, err, out.Len())
		}
	}
}

func TestWhatIsNoCaptureIsRefused(t *testing.T) {
	for _, s := range []string{"", "abc", "GET / HTTP/1.1\r\n\r\n, and a good deal more than a header"} {
		if _, err := NewReader(strings.NewReader(s)); !errors.Is(err, ErrNotCapture) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// Wireshark opens compressed captures; here the error says what to do.
func TestACompressedCaptureIsToldFromAnother(t *testing.T) {
	_, err := NewReader(strings.NewReader("\x1f\x8b\x08" + strings.Repeat("x", 40)))
	if !errors.Is(err, ErrNotCapture) || !strings.Contains(err.Error(), "gzip -dc FILE | rawshake explain -") {
		t.Errorf("%v", err)
	}
}

func TestAFileHeaderThatBreaksOffIsACapture(t *testing.T) {
	for _, magic := range []uint32{magicMicro, magicNano, magicModified} {
		var broken *BrokenError
		if _, err := NewReader(bytes.NewReader(words(magic, 4|2<<16))); !errors.As(err, &broken) {
			t.Errorf("%#x: %v", magic, err)
		}
	}
}

// Everything that a writer writes can be read back: from a file, where notes
// belong to the packet before them, and from a pipe, where they belong to the
// next.
func TestNotesAndSecretsComeBack(t *testing.T) {
	random, secret := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 48)
	write := func(w *Writer) {
		for i, p := range conversation() {
			if err := errors.Join(w.Packet(start.Add(time.Duration(i)), p), w.Note(fmt.Sprintf("tcp a: %d", i)), w.Note(fmt.Sprintf("tls b: %d", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Secret("CLIENT_RANDOM", random, secret), w.Note("link c: after the secret"), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "c.pcapng")
	if err := os.WriteFile(path, []byte("what was there"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Create(path, Info{Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 || !w.HoldsSecrets() {
		t.Errorf("a file that was there and holds secrets now has mode %v", info.Mode())
	}
	file, _ := os.ReadFile(path)
	var pipe bytes.Buffer
	if w, err = NewWriter(&pipe, Info{Secrets: true}); err != nil {
		t.Fatal(err)
	}
	write(w)
	for _, tc := range []struct {
		name string
		b    []byte
		want []string
	}{
		{"file", file, []string{"tcp a: 0|tls b: 0", "tcp a: 1|tls b: 1", "tcp a: 2|tls b: 2"}},
		{"pipe", pipe.Bytes(), []string{"", "tcp a: 0|tls b: 0", "tcp a: 1|tls b: 1"}},
	} {
		packets, secrets, err := readAll(bytes.NewReader(tc.b))
		if err != io.EOF || secrets != 1 {
			t.Errorf("%s: %v, %d secrets", tc.name, err, secrets)
		}
		var got []string
		for _, p := range packets {
			got = append(got, strings.Join(p.Comments, "|"))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: comments %q, want %q", tc.name, got, tc.want)
		}
		if !bytes.Contains(tc.b, []byte("link c: after the secret")) {
			t.Errorf("%s: the last note is lost", tc.name)
		}
	}
}

// A disk that fills up while a note is added leaves the packet as it was.
func TestANoteThatDoesNotFitLeavesItsPacket(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "c.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWriter(f, f, f.Name(), Info{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Packet(start, conversation()[0]); err != nil {
		t.Fatal(err)
	}
	f.Close() // from here on every write fails
	if err := w.Note("x"); err == nil || w.Note("y") != nil || w.Packet(start, nil) != nil {
		t.Error("the failure is not told, or told more than once")
	}
	b, _ := os.ReadFile(f.Name())
	if packets, _, err := readAll(bytes.NewReader(b)); err != io.EOF || len(packets) != 1 {
		t.Errorf("%d packets, %v", len(packets), err)
	}
}

func TestStrippingTakesTheSecretsAndNothingElse(t *testing.T) {
	for _, path := range specimens(t) {
		if !strings.HasSuffix(path, ".pcapng") || strings.HasSuffix(path, "cut-off.pcapng") {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, secrets, _ := readAll(bytes.NewReader(b))
		var out bytes.Buffer
		blocks, err := StripSecrets(t.Context(), &out, bytes.NewReader(b))
		if err != nil || (blocks > 0) != (secrets > 0) {
			t.Errorf("%s: %d blocks stripped of %d secrets: %v", path, blocks, secrets, err)
		}
		after, left, err := readAll(&out)
		if err != io.EOF || left > 0 || len(after) != len(before) {
			t.Fatalf("%s: %d secrets left, %d packets of %d: %v", path, left, len(after), len(before), err)
		}
		for i := range after {
			if after[i].data != before[i].data || !after[i].At.Equal(before[i].At) {
				t.Errorf("%s: packet %d has changed", path, i+1)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, path := range specimens(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 4000 {
			f.Add(b)
		}
	}
	for _, lie := range lies {
		f.Add(lie.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, _, err := readAll(bytes.NewReader(b))
		if err == nil {
			t.Fatal("no end")
		}
		for _, p := range packets {
			if len(p.data) > len(b) || p.Length < len(p.data) {
				t.Fatalf("a packet of %d bytes, %d on the wire, in a file of %d", len(p.data), p.Length, len(b))
			}
			p.Data = []byte(p.data)
			p.IP()
		}
		var out bytes.Buffer
		if _, err := StripSecrets(context.Background(), &out, bytes.NewReader(b)); err == nil {
			if _, secrets, _ := readAll(&out); secrets > 0 {
				t.Fatal("secrets left")
			}
		}
	})
}
