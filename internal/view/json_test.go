package view

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
)

// lines parses a JSON view's output; every line is an object of its own.
func lines(t *testing.T, out string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, v)
	}
	return list
}

func TestJSONLinesKeepTheContract(t *testing.T) {
	all := lines(t, draw(t, "json", (*script).whole, Options{}))
	if len(all) < 40 {
		t.Fatalf("only %d lines", len(all))
	}
	last := -1.0
	for i, v := range all {
		at, ok := v["time_ms"].(float64)
		if !ok || at < last {
			t.Errorf("line %d: time_ms is %v after %v", i, v["time_ms"], last)
		}
		last = at
		for key, allowed := range map[string][]string{
			"dir":   {"out", "in", "local"},
			"layer": {"link", "guard", "tcp", "tls"},
			"type":  {"segment", "record", "message", "decision", "result"},
		} {
			if s, _ := v[key].(string); !slices.Contains(allowed, s) {
				t.Errorf("line %d: %s is %v", i, key, v[key])
			}
		}
		for _, key := range fieldsOf[v["type"].(string)] {
			if _, ok := v[key]; !ok {
				t.Errorf("line %d: a %s has no %s: %v", i, v["type"], key, v)
			}
		}
		if (v["type"] == "result") != (i == len(all)-1) {
			t.Errorf("line %d of %d has type %v", i, len(all), v["type"])
		}
	}
}

var fieldsOf = map[string][]string{
	"segment":  {"flags", "seq", "ack", "window", "options", "len", "frame"},
	"message":  {"message", "frame", "encrypted"},
	"record":   {"record", "frame", "encrypted", "len"},
	"decision": {"name", "text"},
	"result":   {"ok", "outcome", "version", "cipher_suite", "group", "peer_verified", "rtt_ms", "handshake_ms", "error"},
}

func TestJSONNamesMessagesAsTheEnumsDo(t *testing.T) {
	var got []string
	for _, v := range lines(t, draw(t, "json", (*script).whole, Options{})) {
		if v["type"] == "message" {
			got = append(got, v["message"].(string))
		}
	}
	want := []string{"client_hello", "server_hello", "certificate", "server_key_exchange", "certificate_request",
		"server_hello_done", "certificate", "client_key_exchange", "certificate_verify", "change_cipher_spec", "finished",
		"change_cipher_spec", "finished", "application_data", "application_data", "alert"}
	if !slices.Equal(got, want) {
		t.Errorf("messages\n%q, want\n%q", got, want)
	}
}

func TestJSONResultSaysNullForWhatIsNotKnown(t *testing.T) {
	var b strings.Builder
	NewJSON(&b, Options{}).Entry(&transcript.Entry{Dir: transcript.Local, Layer: transcript.TCP, Type: transcript.TypeResult,
		Result: &transcript.Result{Outcome: "timeout"}})
	want := `{"time_ms":0.000,"dir":"local","layer":"tcp","type":"result","ok":false,"outcome":"timeout","link":null,"version":null,` +
		`"cipher_suite":null,"group":null,"alpn":null,"peer_verified":false,"certificate_verified":null,"rtt_ms":null,"handshake_ms":null,"error":null,"reasons":[]}` + "\n"
	if b.String() != want {
		t.Errorf("%swant\n%s", b.String(), want)
	}
}

func TestJSONGivesProgramsTheTextAsItWas(t *testing.T) {
	for _, v := range lines(t, draw(t, "json", (*script).hostile, Options{})) {
		if v["message"] != "certificate" {
			continue
		}
		name := strings.ReplaceAll(hostileText, ";", `\;`) // as RFC 2253 has it
		if want := "CN=" + name + ",O=Rawshake Lab"; v["subject"] != want {
			t.Errorf("subject %q, want %q", v["subject"], want)
		}
		return
	}
	t.Error("no certificate")
}
