package explain

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A capture that was rewritten, or taken before a network card filled in
// checksums, is read, since the peer acknowledges what it holds. With strict
// checksums it is not.
func TestWrongChecksumsAreMarkedAndRead(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	for name, which := range map[string]func(i int, dir transcript.Dir) bool{
		"all":           func(int, transcript.Dir) bool { return true },
		"of the client": func(_ int, dir transcript.Dir) bool { return dir == out },
		"of the server": func(_ int, dir transcript.Dir) bool { return dir == in },
		"some":          func(i int, _ transcript.Dir) bool { return i%3 == 2 },
	} {
		m := newMade().open().talk(dialogue).close()
		damaged := 0
		for i, p := range m.packets {
			dir := out
			if bytes.Equal(p[12:16], []byte{198, 18, 0, 2}) {
				dir = in
			}
			if which(i, dir) {
				m.packets[i] = spoil(p, false)
				damaged++
			}
		}
		path := m.file(t, keys)
		list, ladder, r := events(t, path, Options{})
		marked := 0
		for _, e := range list {
			if e.Type == transcript.TypeSegment && e.Frame.BadChecksum {
				marked++
			}
		}
		if !readBoth(list) || !r.Transcript.Result().OK || marked != damaged || len(named(list, "wrong_checksums")) != 1 {
			t.Errorf("%s: %d of %d marked:\n%s", name, marked, damaged, ladder)
		}
		list, ladder, _ = events(t, path, Options{StrictChecksums: true})
		if readBoth(list) {
			t.Errorf("%s, strict: the data is read:\n%s", name, ladder)
		}
	}
}

// A segment that was damaged on its way counts for nothing once it comes again.
func TestADamagedSegmentThatIsSentAgainIsReplaced(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	m := newMade().open().talk(dialogue).close()
	var packets [][]byte
	again := 0
	for _, p := range m.packets {
		if len(p) > 40 {
			packets = append(packets, spoil(p, true))
			again++
		}
		packets = append(packets, p)
	}
	m.packets = packets
	list, ladder, _ := events(t, m.file(t, keys), Options{})
	if !readBoth(list) || len(named(list, "conflicting_bytes")) != again {
		t.Errorf("%d of %d contradictions told:\n%s", len(named(list, "conflicting_bytes")), again, ladder)
	}
}

// A ChangeCipherSpec in TLS 1.3, or before any ServerHello, means nothing, and
// is reported as such.
func TestAChangeCipherSpecMayMeanNothing(t *testing.T) {
	const change = "\x14\x03\x03\x00\x01\x01"
	for _, tc := range []struct {
		name    string
		version uint16
		early   transcript.Dir // which side says one before the ServerHello; Local: none
	}{
		{"TLS 1.3", tls.VersionTLS13, transcript.Local}, {"TLS 1.2", tls.VersionTLS12, transcript.Local},
		{"TLS 1.2, early", tls.VersionTLS12, out}, {"TLS 1.2, the server early", tls.VersionTLS12, in},
	} {
		dialogue, keys := shake(t, tc.version)
		if tc.early != transcript.Local {
			m := append([]said{dialogue[0], {tc.early, change}}, dialogue[1:]...)
			dialogue = m
		}
		list, ladder, _ := events(t, newMade().open().talk(dialogue).close().file(t, keys), Options{})
		changes, idle := 0, 0
		for _, e := range list {
			if e.Message != nil && e.Message.Content == tlsmsg.ContentChangeCipherSpec {
				changes++
				if e.Message.MeansNothing {
					idle++
				}
			}
		}
		said := strings.Count(ladder, "means nothing")
		switch {
		case tc.version == tls.VersionTLS13 && (changes == 0 || idle != changes || said != changes || strings.Contains(ladder, "all that follows is encrypted")):
			t.Errorf("%s: %d of %d mean nothing:\n%s", tc.name, idle, changes, ladder)
		case tc.version == tls.VersionTLS12 && tc.early == transcript.Local && (changes != 2 || idle != 0 || said != 0 || !readBoth(list)):
			t.Errorf("%s: %d of %d mean nothing:\n%s", tc.name, idle, changes, ladder)
		case tc.early != transcript.Local && (changes != 3 || idle != 1 || said != 1 || !readBoth(list)):
			t.Errorf("%s: %d of %d mean nothing:\n%s", tc.name, idle, changes, ladder)
		}
	}
}

// A refused client may try again with the same SYN from the same port: that is
// another connection, and the list has its name.
func TestPortsUsedAgainAreAnotherConnection(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	refused := func(m *made) {
		m.put(m.packet(out, wire.SYN, ""))
		rst := m.packet(in, wire.RST|wire.ACK, "")
		m.put(rst)
		m.next = [2]uint32{}
	}
	for _, tc := range []struct {
		name  string
		make  func() *made
		names []string
	}{
		{"the same SYN after a RST", func() *made {
			m := newMade()
			refused(m)
			return m.open().talk(dialogue).close()
		}, []string{"", "made.example"}},
		{"twice", func() *made {
			m := newMade()
			refused(m)
			refused(m)
			return m.open().talk(dialogue).close()
		}, []string{"", "", "made.example"}},
		{"another SYN", func() *made {
			m := newMade()
			m.put(m.packet(out, wire.SYN, ""))
			m.isn[0], m.next = 90_000, [2]uint32{}
			return m.open().talk(dialogue).close()
		}, []string{"", "made.example"}},
		{"a SYN-ACK with another number", func() *made {
			m := newMade()
			m.put(m.packet(out, wire.SYN, ""), m.packet(in, wire.SYN|wire.ACK, ""))
			m.isn[1], m.next[1] = 70_000, 0
			m.put(m.packet(in, wire.SYN|wire.ACK, ""), m.packet(out, wire.ACK, ""))
			return m.talk(dialogue).close()
		}, []string{"made.example"}},
		{"after the end", func() *made {
			m := newMade().open().talk(dialogue).close()
			m.next = [2]uint32{}
			return m.open().talk(dialogue).close()
		}, []string{"made.example", "made.example"}},
	} {
		path := tc.make().file(t, keys)
		_, _, r := events(t, path, Options{List: true})
		var names []string
		for _, s := range r.Matching {
			names = append(names, s.ServerName)
		}
		if strings.Join(names, ",") != strings.Join(tc.names, ",") {
			t.Errorf("%s: %q, want %q", tc.name, names, tc.names)
		}
		list, ladder, _ := events(t, path, Options{Filter: Filter{Conn: len(tc.names)}})
		if !readBoth(list) {
			t.Errorf("%s: the last one is not read:\n%s", tc.name, ladder)
		}
	}
}

// A frame that is missing from the capture is reported once, with its place;
// nothing after it is out of order.
func TestALostFrameIsToldOnce(t *testing.T) {
	m := newMade().open()
	for range 80 {
		m.put(m.packet(in, wire.ACK, "\x17\x03\x03\x01\x00"+strings.Repeat("x", 256)))
	}
	m.put(m.packet(out, wire.ACK, ""))
	m.close()
	m.packets = append(m.packets[:8], m.packets[9:]...)
	list, ladder, _ := events(t, m.file(t, nil), Options{})
	gaps := 0
	for _, e := range list {
		if e.Type == transcript.TypeSegment {
			if e.Frame.Gap > 0 {
				gaps++
			}
			if e.Frame.OutOfOrder || e.Frame.Retransmission {
				t.Errorf("frame %d is marked", e.Frame.Number)
			}
		}
	}
	if gaps != 1 || len(named(list, "gap")) != 1 {
		t.Errorf("%d gaps:\n%s", gaps, ladder)
	}
}

// Alerts are reported one by one, however records divide them (RFC 5246,
// section 6.2.1).
func TestEachAlertOfARecordIsTold(t *testing.T) {
	hello, _ := shake(t, tls.VersionTLS12)
	for name, records := range map[string]string{
		"one record":         "\x15\x03\x03\x00\x04\x01\x70\x02\x28",
		"a record each":      "\x15\x03\x03\x00\x02\x01\x70\x15\x03\x03\x00\x02\x02\x28",
		"spread over two":    "\x15\x03\x03\x00\x03\x01\x70\x02\x15\x03\x03\x00\x01\x28",
		"an octet in each":   "\x15\x03\x03\x00\x01\x01\x15\x03\x03\x00\x01\x70\x15\x03\x03\x00\x01\x02\x15\x03\x03\x00\x01\x28",
		"with one beyond it": "\x15\x03\x03\x00\x05\x01\x70\x02\x28\x02",
	} {
		m := newMade().open()
		m.say(hello[0].dir, hello[0].data)
		m.say(in, records)
		list, text, r := events(t, m.close().file(t, nil), Options{})
		var alerts []string
		for _, e := range list {
			if e.Message != nil && e.Message.Content == tlsmsg.ContentAlert {
				alerts = append(alerts, fmt.Sprintf("%x", e.Message.Raw))
			}
		}
		if fmt.Sprint(alerts) != "[0170 0228]" || !strings.Contains(text, "unrecognized_name") || !strings.Contains(text, "handshake_failure") {
			t.Errorf("%s: alerts %v\n%s", name, alerts, text)
		}
		if res := r.Transcript.Result(); res == nil || res.Outcome != "alert" {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// A listener is not required: for a file or a stream, held back or not.
func TestACaptureIsExplainedWithoutAListener(t *testing.T) {
	said, _ := shake(t, tls.VersionTLS12)
	b := newMade().open().talk(said).close().pcap()
	for name, from := range map[string]io.Reader{"file": bytes.NewReader(b), "stream": struct{ io.Reader }{bytes.NewReader(b)}} {
		for _, o := range []Options{{}, {Filter: Filter{Conn: 1}}} {
			r, err := Reader(t.Context(), from, o)
			if err != nil || r.Transcript == nil || r.Transcript.Result() == nil {
				t.Errorf("%s: %v", name, err)
			}
			from = struct{ io.Reader }{bytes.NewReader(b)}
		}
	}
}

// A decision that both our comment and the packets tell is reported once; a
// comment that says something else is reported too.
func TestWhatACommentSaysTooIsToldOnce(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	m := newMade().open().talk(dialogue).close()
	const finished, other = "both Finished messages agree: the handshake is complete", "a sentence of somebody's"
	path := filepath.Join(t.TempDir(), "noted.pcapng")
	w, err := capture.Create(path, capture.Info{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	for i, p := range m.packets {
		at = at.Add(time.Millisecond)
		var notes []string
		if i == len(m.packets)-3 {
			notes = []string{"tls handshake_finished: " + finished, "tls handshake_finished: " + finished, "tls handshake_finished: " + other}
		}
		if err := w.Packet(at, p); err != nil {
			t.Fatal(err)
		}
		for _, note := range notes {
			if err := w.Note(note); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".keys", keys, 0o600); err != nil {
		t.Fatal(err)
	}
	list, ladder, _ := events(t, path, Options{})
	said := named(list, "handshake_finished")
	slices.Sort(said)
	if want := []string{other, finished, finished}; !slices.Equal(said, want) { // the second comment is one more than was found
		t.Errorf("%q\n%s", said, ladder)
	}
}
