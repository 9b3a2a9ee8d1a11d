package record_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// silent is the least that a record can say.
func silent() *record.Result {
	return &record.Result{Addr: netip.MustParseAddr("198.18.0.1"), Port: 443, Time: time.Unix(1700000000, 0),
		Outcome: record.OutcomeSilent, Error: "no answer", SYNs: 2, RTT: -1}
}

func TestEveryFieldIsInTheSchemaAndInTheDocument(t *testing.T) {
	var schema struct {
		Defs struct {
			Target struct{ Properties map[string]any }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(record.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/record.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range schema.Defs.Target.Properties {
		if !slices.Contains(record.Names, name) {
			t.Errorf("the schema has %s, which no record has", name)
		}
	}
	for _, name := range record.Names {
		if schema.Defs.Target.Properties[name] == nil {
			t.Errorf("%s is not in the schema", name)
		}
		if !bytes.Contains(doc, []byte("`"+name+"`")) {
			t.Errorf("%s is not in docs/record.md", name)
		}
	}
	for _, outcome := range record.Outcomes {
		if !bytes.Contains(doc, []byte("`"+outcome+"`")) || !bytes.Contains(record.Schema, []byte(`"`+outcome+`"`)) {
			t.Errorf("the outcome %s is not in docs/record.md, or not in the schema", outcome)
		}
	}
}

func TestFieldsChoose(t *testing.T) {
	for spec, want := range map[string]string{
		"addr,outcome":              `{"addr":"198.18.0.1","outcome":"silent"}`,
		"outcome":                   `{"outcome":"silent"}`,
		"-type,-time,-error,-syns":  `{"addr":"198.18.0.1","port":443,"ok":false,"outcome":"silent"}`,
		"first_bytes,data,evidence": `{}`,
	} {
		f, err := record.ParseFields(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		e := record.Encoder{Fields: f}
		if got := strings.TrimSpace(string(e.Append(nil, silent()))); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	for _, spec := range []string{"nothing", "addr,-port", "addr,,port", "addr port"} {
		if _, err := record.ParseFields(spec); err == nil {
			t.Errorf("%q was taken", spec)
		}
	}
}

func TestTextFromTheNetworkBreaksNoLine(t *testing.T) {
	r := silent()
	r.Outcome, r.First, r.Error = record.OutcomeNotTLS, []byte("\x1b[2J\n\"\\\u202e\xff\x00"), "said \x07\r\n"
	r.Tag = "\n{}"
	r.Evidence.Set(time.Second, []byte{0x45, 0})
	var e record.Encoder
	line := e.Append(nil, r)
	schema.Check(t, line)
	for _, c := range string(line[:len(line)-1]) {
		if c < ' ' || c == 0x7f || c == 0x202e {
			t.Errorf("%q in the line %q", c, line)
		}
	}
}

func TestACertificateIsWrittenWholeOnce(t *testing.T) {
	r := silent()
	r.TLS = &handshakeState
	var w record.Written
	one, two := record.Encoder{Whole: &w}, record.Encoder{Whole: &w} // of two event loops
	out := string(two.Append(one.Append(one.Append(nil, r), r), r))
	if n := strings.Count(out, `"type":"certificate"`); n != 1 {
		t.Errorf("%d lines with the certificate: %s", n, out)
	}
}

// What a SYN-ACK says of ECN is there if it says something.
func TestECNOfASYNACK(t *testing.T) {
	for _, tc := range []struct {
		flags wire.Flags
		mark  wire.ECN
		want  string
	}{
		{wire.SYN | wire.ACK, wire.NotECT, ""},
		{wire.SYN | wire.ACK | wire.ECE, wire.NotECT, `"ecn":{"answer":"classic"}`},
		{wire.SYN | wire.ACK | wire.AE | wire.CWR, wire.ECT0, `"ecn":{"answer":"accurate","syn_arrived_as":"CE","mark":"ECT(0)"}`},
		{wire.SYN | wire.ACK | wire.ECNFlags, wire.NotECT, `"ecn":{"answer":"reflected"}`},
		{wire.SYN | wire.ACK, wire.CE, `"ecn":{"mark":"CE"}`},
	} {
		r := silent()
		r.Outcome, r.OK, r.Error = "open", true, ""
		r.TCP = &record.Answer{Flags: tc.flags, Mark: tc.mark}
		line := new(record.Encoder).Append(nil, r)
		schema.Check(t, line)
		if got := string(line); !strings.Contains(got, tc.want) || strings.Contains(got, `"ecn"`) != (tc.want != "") {
			t.Errorf("%v %v: %s", tc.flags, tc.mark, got)
		}
	}
}
