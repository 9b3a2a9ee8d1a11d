//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// If a command cannot write its output, standard error says so with the file
// and the cause, and the command has failed.
func TestWhatCannotBeWrittenIsSaidAndIsNotDone(t *testing.T) {
	const one, many = "../../testdata/captures/tls10.pcap", "../../testdata/captures/many.pcapng"
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	full := filepath.Join(t.TempDir(), "full") // whoever takes its place must not take the machine's
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"version", "--version", "--help", "help connect", "lab list", "lab status", "completion bash", "guard status", "doctor", "probe --dry-run 198.18.0.0/30",
		"explain " + one, "explain --list " + one, "explain --json " + one, "explain --view keys " + one, "explain --view hex " + one, "explain " + many, "explain --strip-secrets " + many,
	} {
		status, text := saidTo(t, full, strings.Fields(line))
		if status != exitError || !strings.Contains(text, "no space left on device") || !strings.Contains(text, full) && !strings.Contains(text, "/dev/stdout") {
			t.Errorf("%s > full: status %d, %q", line, status, text)
		}
	}
	for _, line := range []string{
		"explain -o FULL " + one, "explain --json -o FULL " + one, "explain --list -o FULL " + one, "explain --view keys -o FULL " + one, "explain --html FULL -q " + one, "explain --strip-secrets -o FULL " + many,
		"lab serve tls --listen 127.0.0.1:0 --ca-out FULL",
	} {
		status, text := said(t, strings.Fields(strings.ReplaceAll(line, "FULL", full)))
		if status != exitError || strings.Count(text, "no space left on device") != 1 || !strings.Contains(text, full) {
			t.Errorf("%s: status %d, %q", line, status, text)
		}
	}
	if info, err := os.Stat(full); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("the device is %v, %v", info, err)
	}
}

// A file that cannot be opened is not reported as overwritten. A running
// program's own file is one.
func TestWhatIsNotWrittenOverIsNotSaidToBe(t *testing.T) {
	running, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"explain -o FILE CAPTURE", "explain -q --html FILE CAPTURE", "lab capture -i lo FILE", "lab serve tls --listen 127.0.0.1:0 --ca-out FILE"} {
		line = strings.NewReplacer("FILE", running, "CAPTURE", "../../testdata/captures/tls10.pcap").Replace(line)
		status, text := said(t, strings.Fields(line))
		if status == exitOK || strings.Contains(text, "written over") {
			t.Errorf("%s: status %d, %q", line, status, text)
		}
	}
}
