package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Who strips a capture "in place" keeps it.
func TestExplainDoesNotWriteOverTheCapture(t *testing.T) {
	const held = "what nobody has twice"
	dir := t.TempDir()
	path, link := filepath.Join(dir, "private.pcapng"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, []byte(held), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--strip-secrets", "-o", path}, {"--strip-secrets", "-o", link}, {"-o", path}, {"--html", path}} {
		cmd := newExplain()
		cmd.SetArgs(append(args, path))
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		var status *statusError
		if err := cmd.ExecuteContext(context.Background()); !errors.As(err, &status) || status.code != exitUsage {
			t.Errorf("%q: %v, expected wrong usage", args, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != held {
			t.Fatalf("%q: the capture holds %q, %v", args, b, err)
		}
	}
}
