// Package golden compares what a test got with a file of its package's testdata, or
// writes it there: go test -update.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Update reports whether the files are written rather than compared.
func Update() bool { return *update }

// Is fails the test where testdata/name holds something else than got.
func Is(t testing.TB, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s differs, %v (go test -update writes it anew):\n%s", file, err, got)
	}
}
