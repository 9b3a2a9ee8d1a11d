package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Stripping a capture "in place" does not destroy it.
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

// A file that cannot be explained is refused with the fault, and a broken file
// is reported even if nothing of it can be shown.
func TestExplainSaysWhatIsWrong(t *testing.T) {
	const captures = "../../testdata/captures/"
	whole, err := os.ReadFile(captures + "many.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{file("cut", whole[:40])}, exitError, "the capture is broken: block 1 (Section Header) at byte 0"},
		{[]string{file("gz", []byte("\x1f\x8b\x08 and so on, for more than a header's length"))}, exitError, "gzip -dc FILE | rawshake explain -"},
		{[]string{"--keylog", dir, captures + "tls10.pcap"}, exitUsage, "is a directory"},
		{[]string{"-q", "-i", "nowhere0"}, exitUsage, ""},
		{[]string{"--conn", "9", captures + "many.pcapng"}, exitError, "meant by number 9; it has 5 in all"},
	} {
		cmd := newExplain()
		cmd.SetArgs(tc.args)
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		var status *statusError
		if err := cmd.ExecuteContext(context.Background()); !errors.As(err, &status) || status.code != tc.code || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: %v, want status %d and %q", tc.args, err, tc.code, tc.says)
		}
	}
}
