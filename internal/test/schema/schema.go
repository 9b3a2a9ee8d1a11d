// Package schema validates JSON lines against their schema, for tests.
package schema

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rawshake/rawshake/internal/probe/record"
)

// Check fails the test if the schema does not allow a line, and shows a few
// such lines.
func Check(t testing.TB, lines []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(record.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("record.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("record.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	const most = 5
	wrong := 0
	for line := range bytes.Lines(lines) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			if wrong++; wrong <= most {
				t.Errorf("against the schema: %v\n%s", err, line)
			}
		}
	}
	if wrong > most {
		t.Errorf("and %d more lines against the schema", wrong-most)
	}
}
