package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// withOptions is an encoded segment whose options are the given bytes, filled
// up with zeros, and whose payload is "P".
func withOptions(options string) []byte {
	for len(options)%4 != 0 {
		options += "\x00"
	}
	var s wire.Segment
	b := s.AppendTo(nil, testSrc, testDst)
	b[12] = uint8(5+len(options)/4) << 4
	return append(append(b, options...), 'P')
}

// Requirements: MUST-6, MUST-7, MUST-64, MUST-68
func TestOptionsOfEveryKindAndShape(t *testing.T) {
	for _, tc := range []struct {
		name, options, want string
		malformed           bool
	}{
		{"none", "", "", false},
		{"MSS", "\x02\x04\x05\xb4", "MSS=1460", false},
		{"Linux's SYN", "\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x09\x00\x00\x00\x00\x01\x03\x03\x07",
			"MSS=1460 SACK-permitted TS=9,0 NOP WS=7", false},
		{"not aligned", "\x01\x01\x01\x02\x04\x05\xb4\x03\x03\x0e", "NOP NOP NOP MSS=1460 WS=14", false},
		{"SACK", "\x05\x12\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x06", "SACK=1-2,5-6", false},
		{"unknown kinds are kept", "\xfd\x04\xf9\x89\x22\x02", "253:f989 34:", false},
		{"nothing counts after EOL", "\x00\x02\x04\x05\xb4", "", false},
		{"padding after EOL", "\x03\x03\x07\x00", "WS=7", false},
		{"length 0", "\x03\x03\x07\x02\x00\x05\xb4\x01", "WS=7", true},
		{"length 1", "\x03\x03\x07\x02\x01\x05\xb4\x01", "WS=7", true},
		{"length past the end", "\x03\x03\x07\x02\x09\x05\xb4\x01", "WS=7", true},
		{"kind without length", "\x01\x01\x01\x02", "NOP NOP NOP", true},
		{"MSS of three bytes", "\x02\x03\x05\x01", "2:05 NOP", false},
		{"MSS of five bytes", "\x02\x05\x05\xb4\x01", "2:05b401", false},
		{"timestamps too short", "\x08\x06\x00\x00\x00\x09", "8:00000009", false},
		{"SACK of no whole block", "\x05\x07\x00\x00\x00\x01\x02", "5:0000000102", false},
		{"SACK of no block", "\x05\x02", "SACK=", false},
		{"the first of two counts", "\x02\x04\x05\xb4\x02\x04\x00\x01", "MSS=1460 MSS=1460", false},
	} {
		s, err := decodeSegment(withOptions(tc.options))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := say(&s.Options); got != tc.want || s.Options.Malformed() != tc.malformed || string(s.Payload) != "P" {
			t.Errorf("%s: %q, malformed %v, payload %q; want %q", tc.name, got, s.Options.Malformed(), s.Payload, tc.want)
		}
	}
}

// say writes options down, reading them by the getters where these apply.
func say(o *wire.Options) string {
	var words []string
	for opt := range o.All() {
		word := ""
		switch opt.Kind {
		case wire.OptNOP:
			word = "NOP"
		case wire.OptMSS:
			if v, ok := o.MSS(); ok {
				word = fmt.Sprintf("MSS=%d", v)
			}
		case wire.OptWindowScale:
			if v, ok := o.WindowScale(); ok {
				word = fmt.Sprintf("WS=%d", v)
			}
		case wire.OptSACKPermitted:
			if o.SACKPermitted() {
				word = "SACK-permitted"
			}
		case wire.OptTimestamps:
			if v, e, ok := o.Timestamps(); ok {
				word = fmt.Sprintf("TS=%d,%d", v, e)
			}
		case wire.OptSACK:
			if len(opt.Data)%8 == 0 {
				blocks, n := o.SACK()
				var runs []string
				for _, b := range blocks[:n] {
					runs = append(runs, fmt.Sprintf("%v-%v", b.Left, b.Right))
				}
				word = "SACK=" + strings.Join(runs, ",")
			}
		}
		if word == "" {
			word = fmt.Sprintf("%d:%x", uint8(opt.Kind), opt.Data)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestOptionsNeverExceed40Bytes(t *testing.T) {
	var s wire.Segment
	if n := s.Options.AddSACK(make([]wire.SACKBlock, 9)...); n != 4 {
		t.Errorf("%d SACK blocks fitted, want 4", n)
	}
	if s.Options.AddTimestamps(1, 2) {
		t.Error("44 bytes fitted")
	}
	if len(s.Options.Raw()) != 34 || s.HeaderLen() != 20+36 {
		t.Errorf("%d bytes of options, header of %d", len(s.Options.Raw()), s.HeaderLen())
	}
	for range 6 {
		s.Options.Add(wire.OptNOP)
	}
	if s.Options.Add(wire.OptNOP) || s.HeaderLen() != 60 {
		t.Errorf("header of %d", s.HeaderLen())
	}
	var withTS wire.Options
	withTS.AddTimestamps(1, 2)
	if n := withTS.AddSACK(make([]wire.SACKBlock, 4)...); n != 3 {
		t.Errorf("%d blocks beside timestamps, want 3 (RFC 2018, section 3)", n)
	}
}

func TestHeaderErrorsSayWhichField(t *testing.T) {
	good := withOptions("\x02\x04\x05\xb4")
	for _, tc := range []struct {
		name string
		edit func([]byte) []byte
		want string
	}{
		{"cut off", func(b []byte) []byte { return b[:9] }, "TCP.acknowledgment_number at byte 8: needs 4 bytes, 1 left"},
		{"offset too small", func(b []byte) []byte { b[12] = 4 << 4; return b }, "data offset of 16 bytes"},
		{"offset past the end", func(b []byte) []byte { b[12] = 15 << 4; return b }, "TCP.options at byte 20: needs 40 bytes, 5 left"},
	} {
		_, err := decodeSegment(tc.edit(slices.Clone(good)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestSeqArithmeticCrossesTheWrap(t *testing.T) {
	a := wire.Seq(0xfffffff0)
	b := a.Add(32)
	switch {
	case b != 16, b.Minus(a) != 32, a.Minus(b) != -32, !a.Less(b), b.Less(a), !a.LessEq(a), b.Add(-32) != a:
		t.Error("arithmetic")
	case !b.InWindow(a, 33), b.InWindow(a, 32), a.Add(-1).InWindow(a, 1<<30), a.InWindow(a, 0):
		t.Error("windows")
	}
}

func TestFlagsAreNamedAsPeopleSayThem(t *testing.T) {
	for f, want := range map[wire.Flags]string{
		wire.SYN: "SYN", wire.SYN | wire.ACK: "SYN-ACK", wire.PSH | wire.ACK: "PSH-ACK",
		wire.FIN | wire.PSH | wire.ACK: "FIN-PSH-ACK", 0: "none", wire.ECE | wire.CWR | wire.SYN: "SYN-ECE-CWR",
	} {
		if f.String() != want {
			t.Errorf("%08b is %q, want %q", uint8(f), f.String(), want)
		}
	}
}

func TestMeaningOfOptionsIsRecorded(t *testing.T) {
	c := field.Record("TCP", withOptions("\x02\x04\x05\xb4\x03\x03\x07\x01"))
	var s wire.Segment
	s.Decode(&c)
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for leaf := range c.Tree().Leaves() {
		if leaf.Meaning != "" {
			names = append(names, leaf.Name+"="+leaf.Meaning)
		}
	}
	for _, want := range []string{"kind=MSS", "kind=window scale", "kind=NOP"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s among %v", want, names)
		}
	}
}
