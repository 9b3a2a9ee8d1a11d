package tlsmsg_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// recorded returns the first message with that heading in a recording.
func recorded(tb testing.TB, recording, heading string) content {
	tb.Helper()
	for _, c := range clear(tb, loadTranscript(tb, "testdata/openssl/"+recording+".txt")) {
		if c.String() == heading {
			return c
		}
	}
	tb.Fatalf("no %s in %s", heading, recording)
	return content{}
}

func TestDecodingAllocatesNoMoreThanItsLists(t *testing.T) {
	for _, tc := range []struct {
		heading string
		fresh   func() tlsmsg.Message
		lists   float64 // allocations in a fresh value
	}{
		{"ServerHello", func() tlsmsg.Message { return new(tlsmsg.ServerHello) }, 1},
		{"ServerKeyExchange", func() tlsmsg.Message { return new(tlsmsg.ServerKeyExchange) }, 0},
		{"ServerHelloDone", func() tlsmsg.Message { return new(tlsmsg.ServerHelloDone) }, 0},
		{"NewSessionTicket", func() tlsmsg.Message { return new(tlsmsg.NewSessionTicket) }, 0},
		{"ClientHello", func() tlsmsg.Message { return new(tlsmsg.ClientHello) }, 3},
	} {
		c := recorded(t, "ecdhe-rsa", tc.heading)
		var err error
		fresh := testing.AllocsPerRun(100, func() { err = tlsmsg.ParseInto(tc.fresh(), c.raw, c.ctx) })
		must(t, err)
		if fresh > tc.lists+1 { // and the value itself
			t.Errorf("%s: %v allocations in a fresh value, want %v", tc.heading, fresh, tc.lists+1)
		}
		m := tc.fresh()
		used := testing.AllocsPerRun(100, func() { err = tlsmsg.ParseInto(m, c.raw, c.ctx) })
		must(t, err)
		if used != 0 {
			t.Errorf("%s: %v allocations in a used value, want 0", tc.heading, used)
		}
	}
}

// A type that the lists in parse.go and extension.go leave out costs a cursor.
func TestNoMessageAndNoExtensionCostsACursor(t *testing.T) {
	for _, tc := range handWritten {
		if _, unknown := tc.m.(*tlsmsg.UnknownMessage); unknown {
			continue // its name is a new string
		}
		raw, m := tlsmsg.Append(nil, tc.m, tc.ctx), tlsmsg.New(tc.m.Type())
		var err error
		if n := testing.AllocsPerRun(10, func() { err = tlsmsg.ParseInto(m, raw, tc.ctx) }); n != 0 || err != nil {
			t.Errorf("%s: %v allocations in a used value, want 0; %v", tc.name, n, err)
		}
	}
	for _, tc := range handWrittenExtensions {
		if tc.v.ExtensionType() == tlsmsg.ExtensionALPN {
			continue // it makes strings
		}
		e, v := tlsmsg.NewExtension(tc.v, tc.in), tlsmsg.NewExtensionData(tc.v.ExtensionType())
		var err error
		if n := testing.AllocsPerRun(10, func() { err = e.Decode(v, tc.in) }); n != 0 || err != nil {
			t.Errorf("%s in %s: %v allocations in a used value, want 0; %v", tc.name, tc.in.Heading(), n, err)
		}
	}
}

func TestDecodingAnExtensionInPlaceDoesNotAllocate(t *testing.T) {
	c := recorded(t, "ecdhe-rsa", "ServerHello")
	var m tlsmsg.ServerHello
	must(t, tlsmsg.ParseInto(&m, c.raw, c.ctx))
	var formats tlsmsg.ECPointFormats
	var info tlsmsg.RenegotiationInfo
	run := func() {
		if found, err := m.DecodeExtension(&formats); !found || err != nil {
			t.Fatal(found, err)
		}
		if found, err := m.DecodeExtension(&info); !found || err != nil {
			t.Fatal(found, err)
		}
		must(t, m.CheckExtensions())
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestSplittingRecordsDoesNotAllocate(t *testing.T) {
	wire := join(22, 3, 3, 0, 2, "ab", 23, 3, 3, 0, 2, "cd")
	n := testing.AllocsPerRun(100, func() {
		for b := wire; len(b) > 0; {
			_, used, err := tlsmsg.NextRecord(b)
			must(t, err)
			b = b[used:]
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkParseServerHello(b *testing.B) {
	c := recorded(b, "ecdhe-rsa", "ServerHello")
	var m tlsmsg.ServerHello
	b.ReportAllocs()
	for b.Loop() {
		must(b, tlsmsg.ParseInto(&m, c.raw, c.ctx))
	}
}

func BenchmarkExplainServerHello(b *testing.B) {
	c := recorded(b, "ecdhe-rsa", "ServerHello")
	b.ReportAllocs()
	for b.Loop() {
		_, err := tlsmsg.Explain(c.raw, c.ctx)
		must(b, err)
	}
}
