// Output files that are touched only when there is something to write.

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/outfile"
)

// A lateFile is an output file that is made, or emptied, only when there is
// something to write: a connection that fails leaves what was there.
type lateFile struct {
	path string
	kind outfile.Kind
	file *os.File
}

// newLateFile checks that the file could be written, without touching it.
func newLateFile(path string, kind outfile.Kind) (*lateFile, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s: %w", path, syscall.EISDIR)
	case err == nil:
		err = writable(path)
	case os.IsNotExist(err):
		err = writable(filepath.Dir(path))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	held.writesLater(path, false)
	return &lateFile{path: path, kind: kind}, nil
}

func (f *lateFile) Write(p []byte) (int, error) {
	if f.file == nil {
		file, err := createFile(f.path, f.kind)
		if err != nil {
			return 0, err
		}
		f.file = file
	}
	return f.file.Write(p)
}

// createFile opens a file to write it anew, and says what it finds there.
func createFile(path string, kind outfile.Kind) (*os.File, error) {
	sayReplaced := replacing(path)
	file, exposed, err := outfile.Create(path, kind)
	if err == nil {
		sayReplaced()
		sayExposed(exposed)
	}
	return file, err
}

// sayExposed warns that others can read a file with secrets, or could before.
func sayExposed(w outfile.Warning) {
	if text := w.String(); text != "" {
		fmt.Fprintf(os.Stderr, "rawshake: warning: %s\n", plain.Escape(text))
	}
}

// Close closes the file, if there is one.
func (f *lateFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
