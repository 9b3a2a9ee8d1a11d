package handshake_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A listener learns of each record both types and whose keys, of a ChangeCipherSpec
// that it means nothing, and of each secret before what it protects.
func TestWhatIsToldOfTLS13(t *testing.T) {
	f := newFake13(t)
	cfg := f.config()
	var told []string
	cfg.Events = func(e handshake.Event) {
		switch e := e.(type) {
		case handshake.RecordEvent:
			told = append(told, fmt.Sprintf("%s record %v holds %v, epoch %d, encrypted %v", side[e.Dir], e.Type, e.Inner, e.Epoch, e.Encrypted))
		case handshake.SecretEvent:
			told = append(told, e.Label)
		case handshake.MessageEvent:
			if e.MeansNothing {
				told = append(told, fmt.Sprintf("%s %v means nothing, encrypted %v", side[e.Dir], e.Content, e.Encrypted))
			}
		}
	}
	parts := f.upTo(cfg, "ServerHello")
	f.feed(parts[0].wire())
	f.feed(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentChangeCipherSpec, Version: tlsmsg.VersionTLS12, Fragment: []byte{1}}))
	for _, p := range parts[1:] {
		f.feed(p.wire())
	}
	f.feed(f.record(tlsmsg.ContentApplicationData, []byte("data")))
	sealed := "in record application_data holds handshake, epoch 2, encrypted true"
	want := []string{
		"out record handshake holds handshake, epoch 0, encrypted false",
		"in record handshake holds handshake, epoch 0, encrypted false",
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
		"out record change_cipher_spec holds change_cipher_spec, epoch 0, encrypted false",
		"out change_cipher_spec means nothing, encrypted false",
		"in record change_cipher_spec holds change_cipher_spec, epoch 2, encrypted false",
		"in change_cipher_spec means nothing, encrypted false",
		sealed, sealed, sealed, sealed,
		"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
		"out record application_data holds handshake, epoch 2, encrypted true",
		"in record application_data holds application_data, epoch 3, encrypted true",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%q\nexpected\n%q", told, want)
	}
}

var side = [2]string{handshake.In: "in", handshake.Out: "out"}
