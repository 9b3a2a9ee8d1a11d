package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rawshake/rawshake/internal/outfile"
)

// Standard output may be a file, and the checkpoint speaks of what is in it:
// that must be on the disk before.
func TestAStreamThatIsAFileIsBroughtToTheDisk(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	check(t, err)
	o := NewOutput(f)
	if _, err := o.Sync(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := o.Sync(); err == nil {
		t.Error("nothing asked the disk: the file is closed, and nobody noticed")
	}
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	defer w.Close()
	if _, err := NewOutput(w).Sync(); err != nil {
		t.Errorf("a pipe has no disk: %v", err)
	}
}

func TestAFileIsReplacedWholeAndThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "status"), filepath.Join(dir, "other")
	check(t, os.WriteFile(other, []byte("precious"), 0o600))
	check(t, os.Symlink(other, path+".new"))
	for _, text := range []string{"one", "two"} {
		check(t, ReplaceFile(path, []byte(text), outfile.Public))
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
	}
	link := filepath.Join(dir, "link")
	check(t, os.Symlink(other, link))
	if err := ReplaceFile(link, []byte("x"), outfile.Public); err == nil {
		t.Error("a link was replaced")
	}
	if b, _ := os.ReadFile(other); string(b) != "precious" {
		t.Errorf("written through a link: %q", b)
	}
	if list, _ := os.ReadDir(dir); len(list) != 4 {
		t.Errorf("left behind: %v", list)
	}
}
