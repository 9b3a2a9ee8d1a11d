package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func makeTarget(t *testing.T, args ...string) string {
	t.Helper()
	needProgram(t, "make")
	cmd := exec.Command("make", append([]string{"-C", "../../.."}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestInstallPutsTheProgramWhereItIsAsked installs, and takes all of it away.
func TestInstallPutsTheProgramWhereItIsAsked(t *testing.T) {
	dir := t.TempDir()
	makeTarget(t, "install", "DESTDIR="+dir, "PREFIX=/usr")
	for file, says := range map[string]string{
		"usr/share/man/man1/rawshake.1":                     "from SYN to Finished",
		"usr/share/man/man1/rawshake-connect.1":             "--until",
		"usr/share/bash-completion/completions/rawshake":    "complete -o",
		"usr/share/zsh/site-functions/_rawshake":            "#compdef rawshake",
		"usr/share/fish/vendor_completions.d/rawshake.fish": "complete -c rawshake",
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if text := strings.ReplaceAll(string(b), `\-`, "-"); err != nil || !strings.Contains(text, says) {
			t.Errorf("%s does not say %q (%v)", file, says, err)
		}
	}
	if out, err := exec.Command(filepath.Join(dir, "usr/bin/rawshake"), "version").Output(); err != nil || !bytes.HasPrefix(out, []byte("rawshake ")) {
		t.Errorf("the installed program: %v: %s", err, out)
	}
	makeTarget(t, "uninstall", "DESTDIR="+dir, "PREFIX=/usr")
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("uninstall leaves %s", path)
		}
		return nil
	})
}

// TestDistIsTheSameTwice makes the packages in two places.
func TestDistIsTheSameTwice(t *testing.T) {
	var sums [2]string
	for i := range sums {
		dir := t.TempDir()
		makeTarget(t, "dist", "DIST="+dir)
		b, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(b)
		check := exec.Command("sha256sum", "-c", "SHA256SUMS")
		check.Dir = dir
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	if sums[0] != sums[1] || strings.Count(sums[0], ".tar.gz") != 2 {
		t.Errorf("once\n%s\nand again\n%s", sums[0], sums[1])
	}
}
