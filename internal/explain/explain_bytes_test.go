package explain

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// awkward are captures in which not all is TLS from the first octet to the last.
func awkward(t testing.TB) map[string]*made {
	dialogue, _ := shake(t, tls.VersionTLS12)
	list := map[string]*made{}
	for i, p := range preambles {
		list[fmt.Sprintf("%s %d", p.name, i)] = newMade().open().talk(append(append([]said{}, p.said...), dialogue...)).close()
	}
	joined := append([]said{{out, preambles[20].said[0].data + dialogue[0].data}}, dialogue[1:]...)
	list["joined"] = newMade().open().talk(joined).close()
	hello := "\x80\x22\x01\x03\x03\x00\x09\x00\x00\x00\x10\x00\xc0\x2b\x01\x00\x80\x00\x00\x2f0123456789abcdef"
	list["SSL 2.0"] = newMade().open().talk(append([]said{{out, hello}}, dialogue[1:]...)).close()
	long := strings.Repeat("\x17\x03\x03\x03\xe8"+strings.Repeat("\xa5", 1000), 40)
	list["inside a record"] = newMade().say(in, long[500:])
	list["text for long"] = newMade().open().talk([]said{{out, "GET / HTTP/1.0\r\n\r\n"}, {in, strings.Repeat("text\n", 40_000)}}).close()
	list["no record any more"] = newMade().open().talk(dialogue).talk([]said{{in, strings.Repeat("text\n", 20_000)}}).close()
	lost := newMade().open().talk(dialogue).say(in, long).close()
	lost.packets = append(lost.packets[:30], lost.packets[31:]...)
	list["a lost frame"] = lost
	damaged := newMade().open().talk(dialogue)
	again := damaged.packet(out, wire.ACK, long[:1005])
	damaged.put(spoil(again, true), again).say(in, long).close()
	list["damaged"] = damaged
	return list
}

// Every byte of what is not TLS has a name and an explanation too.
func TestEveryByteBesideTLSBelongsToOneField(t *testing.T) {
	for name, m := range awkward(t) {
		f, err := os.Open(m.file(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Reader(t.Context(), f, Options{})
		f.Close()
		if err != nil || r.Transcript == nil {
			t.Fatalf("%s: %v", name, err)
		}
		a := dissect.Of(r.Transcript)
		for _, f := range r.Transcript.Frames() {
			s, next := a.Frame(f), 0
			for row := range s.Leaves(nil) {
				if row.Node.Offset != next {
					t.Fatalf("%s, frame %d: %s begins at byte %d, want %d", name, f.Number, row.Path, row.Node.Offset, next)
				}
				next += row.Node.Length
			}
			if next != len(s.Data) {
				t.Errorf("%s, frame %d: the fields end at byte %d of %d", name, f.Number, next, len(s.Data))
			}
			for row := range s.Rows(nil) {
				if _, ok := dictionary.English().Find(row.Key, s.Situation); !ok {
					t.Errorf("%s: the dictionary has nothing on %s", name, row.Key)
				}
			}
		}
	}
}

// The view of fields comes as the packets do, whatever they hold: it waits for
// the rest of a record, or for a hole to be given up, and for nothing else.
func TestFieldsComeAsThePacketsDo(t *testing.T) {
	const behind = 40 // frames: those of a record of the largest size, with their acknowledgments
	for name, m := range awkward(t) {
		var text bytes.Buffer
		fields := view.NewFields(&text, view.Options{})
		file, err := os.Open(m.file(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		sent, shown, worst := 0, 0, 0
		_, err = Reader(t.Context(), file, Options{Limit: transcript.KeepNothing, Listener: func(e *transcript.Entry) {
			fields.Entry(e)
			shown += bytes.Count(text.Bytes(), []byte("Frame "))
			text.Reset()
			if e.Type == transcript.TypeSegment {
				sent++
			}
			worst = max(worst, sent-shown)
		}})
		file.Close()
		if err != nil || shown < sent || worst > behind {
			t.Errorf("%s: %v, %d frames, %d shown, at most %d behind", name, err, sent, shown, worst)
		}
	}
}

// seeds are small captures for the fuzzer.
func seeds(f *testing.F) {
	for _, m := range awkward(f) {
		if b := m.pcap(); len(b) < 16_000 {
			f.Add(b)
		}
	}
}

// FuzzStreams hands the observer segments of two streams of which the fuzzer
// chooses octets, places, order and damage.
func FuzzStreams(f *testing.F) {
	f.Add([]byte("\x00\x05EHLO\n\x01\x06220 x\n\x00\x09STARTTLS\n\x01\x06220 y\n\x00\x0c\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03\x00"))
	f.Add([]byte("\x04\x0b\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x08\x03abc\x12\x03xyz"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newMade().open()
		for len(b) > 2 && len(m.packets) < 200 {
			how, n := b[0], min(int(b[1]), len(b)-2)
			payload := string(b[2 : 2+n])
			b = b[2+n:]
			dir := transcript.Dir(how & 1)
			if how&2 != 0 { // a hole before it
				m.next[dir] += uint32(how)
			}
			if how&32 != 0 { // again from before
				m.next[dir] -= min(m.next[dir], uint32(how))
			}
			p := m.packet(dir, wire.ACK, payload)
			if how&4 != 0 {
				p = spoil(p, false)
			}
			m.put(p)
			if how&8 != 0 { // captured twice
				m.put(p)
			}
			if how&16 != 0 {
				m.put(m.packet(1-dir, wire.ACK, ""))
			}
		}
		explainAnything(t, m.pcap())
	})
}
