package netns

import (
	"io"
	"os"
	"testing"
)

// The folder has no name outside, and files in it can be renamed.
func TestMemdirHoldsFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount outside of a lab")
	}
	d, err := NewMemdir()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.WriteFile(d.Path("a"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(d.Path("a"), d.Path("b")); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(d.Path("b"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}
