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
	schema := Compile(t, "record.schema.json", record.Schema)
	const most = 5
	wrong := 0
	for line := range bytes.Lines(lines) {
		if err := Allows(schema, line); err != nil {
			if wrong++; wrong <= most {
				t.Errorf("against the schema: %v\n%s", err, line)
			}
		}
	}
	if wrong > most {
		t.Errorf("and %d more lines against the schema", wrong-most)
	}
}

// Compile reads a schema. Many documents may be held against it, with Allows.
func Compile(t testing.TB, name string, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Allows says why a schema does not allow a document, or nil.
func Allows(schema *jsonschema.Schema, document []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}
