package observe

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// spoiled is a packet whose TCP checksum is wrong.
func spoiled(p []byte) []byte {
	p[36] ^= 0x5a
	return p
}

func data(seq uint32, payload string) []byte {
	return segment(transcript.Out, wire.ACK, seq, 1, payload)
}

func ackOf(n uint32) []byte { return segment(transcript.In, wire.ACK, 1, n, "") }

// Segments with a wrong checksum, and octets that contradict others, count if
// the peer acknowledges them.
func TestWhatThePeerAcknowledgesCounts(t *testing.T) {
	var quiet [][]byte
	for range 100 {
		quiet = append(quiet, ackOf(1))
	}
	for name, tc := range map[string]struct {
		packets [][]byte
		want    string // before the capture ends
		rest    string // and what comes at its end
		says    string
	}{
		"damaged, acknowledged":              {[][]byte{spoiled(data(1, "ab")), ackOf(3)}, "ab", "", ""},
		"damaged, with what follows":         {[][]byte{spoiled(data(1, "ab")), data(3, "cd"), ackOf(5)}, "abcd", "", ""},
		"damaged, sent again":                {[][]byte{spoiled(data(1, "XX")), data(3, "cd"), ackOf(1), data(1, "ab"), ackOf(5)}, "abcd", "", "those of frame 7 count"},
		"damaged, sent again in two":         {[][]byte{spoiled(data(1, "XXX")), data(1, "a"), data(2, "bc"), ackOf(4)}, "abc", "", "those of frame 6 count"},
		"damaged, sent again with others":    {[][]byte{spoiled(data(2, "XX")), data(1, "abcd"), ackOf(5)}, "abcd", "", "those of frame 5 count"},
		"damaged, acknowledged, then others": {[][]byte{spoiled(data(1, "ab")), ackOf(3), data(1, "XX")}, "ab", "", "those of frame 4 count, which the server had acknowledged"},
		"sent again damaged":                 {[][]byte{data(1, "ab"), spoiled(data(1, "XX")), ackOf(3)}, "ab", "", "those of frame 4 count, since the checksum of frame 5"},
		"never acknowledged":                 {append([][]byte{spoiled(data(1, "ab"))}, quiet...), "", "ab", ""},
		"others, acknowledged in between":    {[][]byte{data(1, "ab"), ackOf(3), data(1, "XX")}, "ab", "", "those of frame 4 count, which the server had acknowledged"},
		"others, acknowledged by none":       {[][]byte{data(1, "ab"), data(1, "XX"), ackOf(3)}, "ab", "", "nothing here proves it"},
		"others, while they wait":            {[][]byte{data(3, "cd"), data(2, "bXX"), data(1, "a"), ackOf(5)}, "abcd", "", "frame 5 holds other bytes than frame 4 in the same place, from byte 2 to 3 of the client's"},
		"all are damaged":                    {[][]byte{spoiled(data(1, "ab")), spoiled(ackOf(3)), spoiled(data(3, "cd")), spoiled(ackOf(5)), spoiled(data(5, "ef"))}, "abcdef", "", ""},
	} {
		e := newEar()
		e.open()
		for _, p := range tc.packets {
			e.packet(p, 0)
		}
		if got := e.heard[transcript.Out].String(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		e.end()
		if got := e.heard[transcript.Out].String(); got != tc.want+tc.rest {
			t.Errorf("%s, at the end: %q, want %q", name, got, tc.want+tc.rest)
		}
		said := strings.Join(e.said, "\n")
		if !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
			t.Errorf("%s: it says %q, want %q", name, said, tc.says)
		}
	}
}

// If even the SYN has a wrong checksum and is answered, checksums mean nothing,
// and nothing has to wait.
func TestARewrittenCaptureIsReadAsItCame(t *testing.T) {
	e := newEar()
	for _, p := range [][]byte{
		segment(transcript.Out, wire.SYN, 0, 0, ""), segment(transcript.In, wire.SYN|wire.ACK, 0, 1, ""), segment(transcript.Out, wire.ACK, 1, 1, ""),
	} {
		e.packet(spoiled(p), 0)
	}
	for i, want := range []string{"ab", "abcd", "abcdef"} {
		e.packet(spoiled(data(uint32(1+2*i), "abcdef"[2*i:2*i+2])), 0)
		if got := e.heard[transcript.Out].String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	e.packet(spoiled(segment(transcript.In, wire.ACK, 1, 7, "answer")), 0)
	if got := e.heard[transcript.In].String(); got != "answer" {
		t.Errorf("%q", got)
	}
}

// With strict checksums what is damaged is left out, as a receiver does.
func TestStrictChecksumsLeaveOutWhatIsDamaged(t *testing.T) {
	e := newEar()
	e.c.StrictChecksums()
	e.open()
	for _, p := range [][]byte{spoiled(data(1, "ab")), ackOf(3), data(3, "cd")} {
		e.packet(p, 0)
	}
	e.end()
	if got := e.heard[transcript.Out].String(); got != "[2]cd" {
		t.Errorf("%q", got)
	}
	e.c.last = &transcript.Frame{}
	e.c.sayDamage()
	if len(e.said) != 1 || !strings.Contains(e.said[0], "1 segment has a wrong checksum, and were left out") {
		t.Errorf("%q", e.said)
	}
}
