//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No output is overwritten silently: a scan refuses it, other commands say so.
func TestNoOutputIsWrittenOverInSilence(t *testing.T) {
	const held = "what took hours\n"
	const capture = "../../testdata/captures/tls10.pcap"
	dir := t.TempDir()
	for _, tc := range []struct {
		args    []string // the file's name follows the last
		refused bool
	}{
		{[]string{"probe", "--link", "packet", "198.18.0.1", "-o"}, true},
		{[]string{"probe", "198.18.0.1", "--checkpoint", filepath.Join(dir, "state"), "-o"}, true},
		{[]string{"explain", capture, "-o"}, false},
		{[]string{"explain", "-q", capture, "--html"}, false},
		{[]string{"explain", "--strip-secrets", "../../testdata/captures/many.pcapng", "-o"}, false},
		{[]string{"connect", "--link", "kernel", "--timeout", "5s", "127.0.0.1:1", "-o"}, false},
		{[]string{"connect", "-q", "--link", "kernel", "--timeout", "5s", "127.0.0.1:1", "--html"}, false},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path, []byte(held), 0o600); err != nil {
			t.Fatal(err)
		}
		status, text := said(t, append(tc.args, path))
		now, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch kept := string(now) == held; {
		case tc.refused && (!kept || status != exitUsage || !strings.Contains(text, "--force")):
			t.Errorf("%q: status %d, kept %v, %q", tc.args, status, kept, text)
		case !tc.refused && !kept && !strings.Contains(text, "written over"):
			t.Errorf("%q: it is written over in silence: %q", tc.args, text)
		case !tc.refused && kept:
			t.Errorf("%q: nothing was written: status %d, %q", tc.args, status, text)
		}
	}
}
