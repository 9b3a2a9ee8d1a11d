//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/view"
)

// What explain and connect write with --json agrees with docs/events.md and its
// schema, for each capture in testdata and for a live connection.
func TestJSONOfBothCommandsIsAsItsSchemaSays(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(view.Schema))
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
	seen := make(map[any]int)
	check := func(args ...string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "lines")
		_, text := said(t, append(args, "--json", "-o", path))
		lines, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%q: %v %s", args, err, text)
		}
		for line := range bytes.Lines(lines) {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
			if err == nil {
				err = schema.Validate(v)
			}
			if err != nil {
				t.Errorf("%q: %v\n%s", args, err, line)
				return
			}
			seen[v.(map[string]any)["type"]]++
		}
	}
	captures, err := filepath.Glob("../../testdata/captures/*.pcap*")
	if err != nil || len(captures) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, path := range captures {
		if !strings.HasSuffix(path, ".keys") {
			check("explain", "--conn", "1", "--verbose", path)
		}
	}
	server, err := service.Serve(t.Context(), service.Service{Kind: service.TLS}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	check("connect", "--link", "kernel", "--until", "finished", "--insecure", server.Addr().String())
	check("connect", "--link", "kernel", "--until", "finished", server.Addr().String()) // not verified
	for _, kind := range []string{"segment", "record", "message", "decision", "result"} {
		if seen[kind] == 0 {
			t.Errorf("there was no %s among the lines", kind)
		}
	}
}
