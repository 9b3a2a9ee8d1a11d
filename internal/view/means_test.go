package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Every view says of an alert what its description means, in the words of the
// dictionary, and not only what a description is.
func TestEveryViewSaysWhatAnAlertMeans(t *testing.T) {
	for name, want := range map[string]string{"ladder": "No set of parameters", "fields": "No set of parameters", "hex": "No set of parameters", "json": "No set of parameters"} {
		var b bytes.Buffer
		v, err := New(name, &b, Options{Width: 200})
		if err != nil {
			t.Fatal(err)
		}
		r := transcript.NewObserver(0, v.Entry)
		raw := append([]byte("\x45\x00\x00\x2f\x00\x00\x00\x00\x40\x06\x00\x00\xc6\x12\x00\x01\xc6\x12\x00\x02"+
			"\x01\xbb\x9c\x40\x00\x00\x00\x01\x00\x00\x00\x01\x50\x18\x10\x00\x00\x00\x00\x00"), "\x15\x03\x03\x00\x02\x02\x28"...)
		f := r.Captured(&transcript.Sighting{Number: 1, Dir: transcript.In, Link: wire.LinkRaw, Raw: raw, Packet: raw})
		alert := []byte("\x02\x28")
		r.Observed(f, handshake.RecordEvent{Dir: handshake.In, Type: tlsmsg.ContentAlert, Version: tlsmsg.VersionTLS12, Wire: raw[40:], Plaintext: alert})
		r.Observed(f, handshake.MessageEvent{Dir: handshake.In, Content: tlsmsg.ContentAlert, Raw: alert, End: 7})
		r.Result(0, transcript.Result{Outcome: "alert"})
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s does not say it:\n%s", name, b.String())
		}
	}
}
