package view

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

var update = flag.Bool("update", false, "write the golden files anew")

var scripts = map[string]func(*script){"whole": (*script).whole, "kernel-sent": (*script).kernelSent, "hostile": (*script).hostile}

// draw plays a script to a live view and returns what it wrote.
func draw(t testing.TB, name string, play func(*script), o Options) string {
	t.Helper()
	var b bytes.Buffer
	v, err := New(name, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	play(newScript(t, v.Entry))
	if err := v.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestViewsMatchTheirGoldenFiles(t *testing.T) {
	for _, tc := range []struct {
		file, view, script string
		options            Options
	}{
		{"ladder.txt", "ladder", "whole", Options{}},
		{"ladder-narrow.txt", "ladder", "whole", Options{Width: 60, ASCII: true}},
		{"ladder-verbose-color.txt", "ladder", "whole", Options{Width: 140, Color: true, Verbose: true}},
		{"ladder-kernel-sent.txt", "ladder", "kernel-sent", Options{}},
		{"ladder-hostile.txt", "ladder", "hostile", Options{}},
		{"whole.jsonl", "json", "whole", Options{}},
		{"hostile.jsonl", "json", "hostile", Options{}},
		{"fields.txt", "fields", "kernel-sent", Options{}},
		{"hex.txt", "hex", "kernel-sent", Options{}},
	} {
		got := draw(t, tc.view, scripts[tc.script], tc.options)
		path := filepath.Join("testdata", tc.file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: look at it, and if it is right: go test ./internal/view -update\n%s", tc.file, got)
		}
	}
}

func TestFinishedTranscriptLooksAsItDidLive(t *testing.T) {
	for _, name := range Names {
		s := newScript(t, nil)
		s.whole()
		var later bytes.Buffer
		v, _ := New(name, &later, Options{})
		if err := Draw(v, s.rec.Transcript()); err != nil {
			t.Fatal(err)
		}
		if live := draw(t, name, (*script).whole, Options{}); live != later.String() {
			t.Errorf("%s differs:\n%s", name, later.String())
		}
	}
}

// stages is the order that a reader of the ladder relies on.
var stages = []string{"SYN", "SYN-ACK", "ACK", "ClientHello", "ServerHello", "Certificate", "ServerKeyExchange",
	"CertificateRequest", "ServerHelloDone", "Certificate", "ClientKeyExchange", "CertificateVerify",
	"ChangeCipherSpec", "Finished", "ChangeCipherSpec", "Finished", "ApplicationData", "ApplicationData",
	"Alert", "FIN-ACK", "FIN-ACK"}

func TestLadderKeepsTheOrderOfTheHandshake(t *testing.T) {
	var got []string
	for line := range strings.Lines(draw(t, "ladder", (*script).whole, Options{})) {
		_, inside, ok := strings.Cut(strings.Trim(line, "\n"), "│ ")
		if _, arrow, is := strings.Cut(line, "─ "); is || ok {
			inside += " " + arrow
		}
		inside = strings.NewReplacer("─", " ", "┤", " ").Replace(inside)
		for _, word := range strings.Fields(inside) {
			if slices.Contains(stages, word) && word != "PSH-ACK" {
				got = append(got, word)
				break
			}
		}
	}
	if !inOrder(got, stages) {
		t.Errorf("the ladder shows\n%q, expected in this order\n%q", got, stages)
	}
}

// inOrder reports whether want is a part of got, in its order.
func inOrder(got, want []string) bool {
	for _, g := range got {
		if len(want) > 0 && g == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func TestLadderFitsItsWidth(t *testing.T) {
	for name, play := range scripts {
		for width := 40; width <= 220; width++ {
			for _, ascii := range []bool{false, true} {
				out := draw(t, "ladder", play, Options{Width: width, ASCII: ascii})
				for line := range strings.Lines(out) {
					line = strings.TrimSuffix(line, "\n")
					if columns(line) > width {
						t.Fatalf("%s at width %d: %d columns: %s", name, width, columns(line), line)
					}
				}
				if ascii && !plain.Harmless(strings.ReplaceAll(out, "\n", "")) {
					t.Fatalf("%s at width %d is not ASCII:\n%s", name, width, out)
				}
			}
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9]*m")

func TestColorIsOnlyAddedWhenTold(t *testing.T) {
	for _, name := range []string{"ladder", "fields", "hex"} {
		without := draw(t, name, (*script).whole, Options{})
		with := draw(t, name, (*script).whole, Options{Color: true})
		if strings.Contains(without, "\x1b") {
			t.Errorf("%s colours without being told", name)
		}
		if with == without || sgr.ReplaceAllString(with, "") != without {
			t.Errorf("%s: colour changes more than colour, or nothing", name)
		}
	}
}

func TestNothingFromTheNetworkReachesATerminalAlive(t *testing.T) {
	for _, name := range Names {
		for _, verbose := range []bool{false, true} {
			out := draw(t, name, (*script).hostile, Options{Verbose: verbose, Width: 200})
			for line := range strings.Lines(out) {
				if line = strings.TrimSuffix(line, "\n"); plain.Escape(line) != line {
					t.Errorf("%s lets through what a terminal may obey: %q", name, line)
				}
				if strings.HasPrefix(line, "Injected") {
					t.Errorf("%s let the peer begin a line: %q", name, line)
				}
			}
			if shown := strings.Contains(out, "pwned"); shown == (name == "none") || name == "hex" && !shown {
				t.Errorf("%s shows the hostile text: %v", name, shown)
			}
		}
	}
}

func TestRetransmittedBytesAreMarkedAndListedOnce(t *testing.T) {
	out := draw(t, "ladder", (*script).whole, Options{})
	if n := strings.Count(out, "GET / HTTP/1.1"); n != 1 {
		t.Errorf("the request is listed %d times", n)
	}
	if n := strings.Count(out, "retransmission  seq"); n != 1 {
		t.Errorf("%d segments are marked as retransmissions, want 1", n)
	}
}

func TestAKernelSentRSTSaysWhereItComesFromAndHowToPreventIt(t *testing.T) {
	out := draw(t, "ladder", (*script).kernelSent, Options{Width: 400})
	for _, want := range []string{"RST", "sent by this machine's kernel, not by us", "--guard auto"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}

// dumped puts the bytes of a hex view back together, by title.
func dumped(out string) map[string][]byte {
	dumps, title := map[string][]byte{}, ""
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, strings.Repeat(" ", 8)) { // what a value means
			continue
		}
		if len(line) < 32 || line[6:8] != "  " {
			title = strings.TrimSpace(line)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(line[8:32], " ", ""))
		if err == nil {
			dumps[title] = append(dumps[title], b...)
		}
	}
	return dumps
}

func TestHexShowsEveryByteOnce(t *testing.T) {
	var entries []*transcript.Entry
	newScript(t, func(e *transcript.Entry) { entries = append(entries, e) }).whole()
	checked := 0
	for _, e := range entries {
		var b bytes.Buffer
		NewHex(&b, Options{}).Entry(e)
		var want []byte
		switch e.Type {
		case transcript.TypeSegment:
			want = e.Frame.Packet
		case transcript.TypeMessage:
			want = e.Message.Raw
		default:
			continue
		}
		checked++
		for title, got := range dumped(b.String()) {
			if !bytes.Equal(got, want) {
				t.Errorf("%s: shows\n%x, holds\n%x", title, got, want)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d frames and messages checked", checked)
	}
}

func TestBytesThatCannotBeDecodedAreStillShown(t *testing.T) {
	rec := func(v View) {
		r := transcript.NewRecorder(0, v.Entry)
		s := newScript(t, nil)
		broken := s.packet(transcript.In, wire.Segment{Flags: wire.ACK, Payload: []byte("hello")})
		broken[32] = 0x10 // a data offset of one word
		r.Packet(0, transcript.In, broken, false)
		r.Packet(0, transcript.In, []byte("no IP at all"), false)
	}
	for _, name := range []string{"ladder", "fields", "hex", "json"} {
		var b bytes.Buffer
		v, _ := New(name, &b, Options{Width: 300})
		rec(v)
		if !strings.Contains(b.String(), "data offset of 4 bytes") {
			t.Errorf("%s does not say what is wrong:\n%s", name, b.String())
		}
	}
	var b bytes.Buffer
	rec(NewHex(&b, Options{}))
	for title, got := range dumped(b.String()) {
		if strings.HasPrefix(title, "Frame") && len(got) != 45 && string(got) != "no IP at all" {
			t.Errorf("%s: %d bytes shown", title, len(got))
		}
	}
}

func TestMessageThatCannotBeDecodedSaysWhere(t *testing.T) {
	m := &transcript.Message{Content: tlsmsg.ContentHandshake, Type: tlsmsg.TypeServerHello, Raw: []byte{2, 0, 0, 3, 3, 3, 1}}
	var b bytes.Buffer
	NewLadder(&b, Options{}).Entry(&transcript.Entry{Dir: transcript.In, Layer: transcript.TLS, Type: transcript.TypeMessage, Message: m})
	if !strings.Contains(b.String(), "ServerHello.random") {
		t.Errorf("the field is not named:\n%s", b.String())
	}
}

func TestSentences(t *testing.T) {
	for _, tc := range []struct {
		result transcript.Result
		want   string
	}{
		{transcript.Result{Outcome: "timeout", Error: "no answer to 4 SYNs; is the host up?"}, "timeout: no answer to 4 SYNs; is the host up?"},
		{transcript.Result{Outcome: "interrupted", Error: "interrupted while waiting for a SYN-ACK"}, "interrupted while waiting for a SYN-ACK"},
		{transcript.Result{OK: true, Outcome: "connected", RTT: 1234 * time.Microsecond}, "connected: round trip 1.234 ms"},
		{transcript.Result{Outcome: "peer_not_verified", Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			Group: tlsmsg.GroupX25519, Judged: true, Handshake: 2 * time.Second, Error: "certificate expired"},
			"peer not verified: certificate expired. So far: TLS 1.2 with TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, " +
				"key exchange over x25519, server not verified, handshake 2000.0 ms"},
		{transcript.Result{OK: true, Outcome: "certificate", Version: tlsmsg.VersionTLS12, CipherSuite: tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			Judged: true, Trusted: true},
			"certificate: TLS 1.2 with TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, certificate verified, but not the whole handshake"},
	} {
		if got := Sentence(&tc.result); got != tc.want {
			t.Errorf("%s\nwant %s", got, tc.want)
		}
	}
}

type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room--; f.room < 0 {
		return 0, errors.New("disk full")
	}
	return len(b), nil
}

func TestViewStopsAtTheFirstFailureToWrite(t *testing.T) {
	for _, name := range []string{"ladder", "fields", "hex", "json"} {
		w := &full{room: 3}
		v, _ := New(name, w, Options{})
		newScript(t, v.Entry).whole()
		if v.Err() == nil || w.room != -1 {
			t.Errorf("%s: err %v, %d writes after the failure", name, v.Err(), -1-w.room)
		}
	}
}

func TestUnknownViewNamesThoseThereAre(t *testing.T) {
	if _, err := New("tree", io.Discard, Options{}); err == nil || !strings.Contains(err.Error(), "ladder, fields, hex, keys, json, none") {
		t.Error(err)
	}
}

func ExampleLadder() {
	ladder := NewLadder(os.Stdout, Options{Width: 80, ASCII: true})
	rec := transcript.NewRecorder(0, ladder.Entry) // live: a line as soon as it is known

	s := newScript(nil, nil) // stands for a link and a machine
	rec.Packet(0, transcript.Out, s.packet(transcript.Out, s.syn(transcript.Out)), false)
	rec.Packet(512*time.Microsecond, transcript.In, s.packet(transcript.In, s.segment(transcript.In, wire.RST|wire.ACK, nil)), false)
	rec.Result(time.Millisecond, transcript.Result{Outcome: "refused", Error: "nothing listens on port 443"})
	fmt.Println(ladder.Err())
	// Output:
	// client 198.18.0.2:40123  ->  server 198.18.0.1:443
	//
	//   #       ms    after  client          server
	//   1    0.000           |- SYN ------------->|  seq 0  win 64240  MSS 1460  SACK
	//                        |                    |  TS  WS 7
	//   2    0.512   +0.512  |<--------- RST-ACK -|  seq 77001  ack 1
	//
	// FAILED refused: nothing listens on port 443
	//        1 segment out, 1 in
	// <nil>
}
