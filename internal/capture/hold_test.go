package capture

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownCapture is a capture to which writes go, in a file or not, and what it holds
// in the end.
func ownCapture(t *testing.T, file bool) (*Writer, func() []byte) {
	t.Helper()
	info := Info{Secrets: true}
	if !file {
		var dst bytes.Buffer
		w, err := NewWriter(&dst, info)
		if err != nil {
			t.Fatal(err)
		}
		return w, dst.Bytes
	}
	path := filepath.Join(t.TempDir(), "c.pcapng")
	w, err := Create(path, info)
	if err != nil {
		t.Fatal(err)
	}
	return w, func() []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// While a capture is held, a secret comes before the packets from there on, each
// of which keeps its notes, and after all others.
func TestSecretsComeBeforeHeldPackets(t *testing.T) {
	random := bytes.Repeat([]byte{7}, 32)
	for _, file := range []bool{true, false} {
		w, read := ownCapture(t, file)
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		packets := conversation()
		check(w.Packet(start, packets[0]))
		w.Hold()
		if file {
			check(w.Packet(start, packets[1]))
			check(w.Note("of the second"))
		} else {
			check(w.Note("of the second"))
			check(w.Packet(start, packets[1]))
		}
		check(w.Secret("FIRST", random, random))
		if file {
			check(w.Note("also of the second"))
		}
		check(w.Packet(start, packets[2]))
		check(w.Secret("SECOND", random, random))
		check(w.Release())
		check(w.Packet(start, packets[0]))
		check(w.Secret("THIRD", random, random))
		check(w.Close())

		b := read()
		want := []string{string(packets[0]), "FIRST", "SECOND", string(packets[1]), "of the second", string(packets[2]), string(packets[0]), "THIRD"}
		if file {
			want = append(want[:5:5], append([]string{"also of the second"}, want[5:]...)...)
		}
		rest := string(b)
		for i, piece := range want {
			at := strings.Index(rest, piece)
			if at < 0 {
				t.Fatalf("file %v: piece %d, %.20q, does not come where it should", file, i, piece)
			}
			rest = rest[at+len(piece):]
		}
		if got := readBack(t, bytes.NewReader(b)); len(got) != 4 {
			t.Errorf("file %v: %d packets can be read, want 4", file, len(got))
		}
	}
}

// What is held reaches the file also where nothing more comes, and nothing waits
// where there is too much of it.
func TestWhatIsHeldIsWrittenInTheEnd(t *testing.T) {
	w, read := ownCapture(t, false)
	w.Hold()
	for range 2 {
		if err := w.Packet(start, conversation()[2]); err != nil {
			t.Fatal(err)
		}
	}
	if got := readBack(t, bytes.NewReader(read())); len(got) != 0 {
		t.Errorf("%d packets are written before their secrets", len(got))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, bytes.NewReader(read())); len(got) != 2 {
		t.Errorf("%d packets are written in the end, want 2", len(got))
	}

	w, read = ownCapture(t, false)
	w.Hold()
	big := make([]byte, maxHold/2)
	for range 3 {
		if err := w.Packet(start, big); err != nil {
			t.Fatal(err)
		}
	}
	if got := bytes.Count(read(), big); got < 2 {
		t.Errorf("%d of 3 packets are written, and more than %d bytes held", got, maxHold)
	}
}

// Without secrets to come nothing is held.
func TestACaptureWithoutSecretsHoldsNothing(t *testing.T) {
	var dst bytes.Buffer
	w, err := NewWriter(&dst, Info{})
	if err != nil {
		t.Fatal(err)
	}
	w.Hold()
	writeAll(t, w)
	if got := readBack(t, bytes.NewReader(dst.Bytes())); len(got) != 3 {
		t.Errorf("%d packets, want 3", len(got))
	}
}
