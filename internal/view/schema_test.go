package view

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// eventSchema reads the schema of the JSON view.
func eventSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("events.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("events.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func allows(schema *jsonschema.Schema, line string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// What the view writes is what its schema says, and docs/events.md explains each
// name of it.
func TestJSONLinesAreAsTheirSchemaSays(t *testing.T) {
	schema := eventSchema(t)
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	untold := make(map[string]bool)
	for name, play := range scripts {
		for line := range strings.Lines(draw(t, "json", play, Options{})) {
			if err := allows(schema, line); err != nil {
				t.Errorf("%s: %v\n%s", name, err, line)
			}
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			for key := range o {
				if !bytes.Contains(page, []byte("| `"+key+"` |")) && !untold[key] {
					untold[key] = true
					t.Errorf("docs/events.md does not explain %s", key)
				}
			}
		}
	}
}

// The schema refuses what the view does not write, so that it can be leant on.
func TestTheSchemaOfLinesRefusesOthers(t *testing.T) {
	schema := eventSchema(t)
	for _, line := range []string{
		`{}`, `[]`, `{"time_ms":0,"dir":"local","layer":"tls","type":"story"}`, `{"time_ms":"0","dir":"local","layer":"tls","type":"decision","name":"x","text":"y"}`,
		`{"time_ms":0,"dir":"up","layer":"tls","type":"decision","name":"x","text":"y"}`, `{"time_ms":0,"dir":"local","layer":"tls","type":"decision","name":"x"}`,
		`{"time_ms":0,"dir":"local","layer":"tls","type":"result","ok":true,"outcome":"finished"}`,
		`{"time_ms":0,"dir":"in","layer":"tls","type":"record","frame":0,"record":"handshake","version":"TLS 1.2","encrypted":false,"len":5,"offset":0}`,
		`{"time_ms":0,"dir":"in","layer":"tls","type":"message","frame":1,"message":"finished","encrypted":"no","len":5,"offset":0,"end":5}`,
	} {
		if allows(schema, line) == nil {
			t.Errorf("the schema allows %s", line)
		}
	}
}

// Every name of the schema has its row on the page.
func TestThePageOfLinesHasEveryNameOfTheSchema(t *testing.T) {
	var schema struct {
		Properties map[string]any `json:"properties"`
		Defs       map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, def := range schema.Defs {
		_, section, _ := strings.Cut(string(page), "\n## `"+kind+"`\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for name := range def.Properties {
			if !strings.Contains(section, "| `"+name+"` |") {
				t.Errorf("docs/events.md does not explain %s of a %s", name, kind)
			}
		}
	}
}
