package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/view"
)

// A lateFile is an output file that is made, or emptied, only when there is
// something to write: a connection that fails leaves what was there.
type lateFile struct {
	path   string
	secret bool // nobody else may read it
	file   *os.File
}

// newLateFile checks that the file could be written, without touching it.
func newLateFile(path string) (*lateFile, error) {
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
	return &lateFile{path: path}, nil
}

func (f *lateFile) Write(p []byte) (int, error) {
	if f.file == nil {
		if err := f.create(); err != nil {
			return 0, err
		}
	}
	return f.file.Write(p)
}

func (f *lateFile) create() (err error) {
	sayReplaced(f.path)
	mode := fs.FileMode(0o666)
	if f.secret {
		mode = 0o600
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, mode)
	if err == nil && f.secret {
		err = makePrivate(file)
	}
	if err == nil {
		err = empty(file)
	}
	if err != nil {
		_ = file.Close() // nil, where there is none
		return err
	}
	f.file = file
	return nil
}

// makePrivate keeps others from reading a file that is to hold secrets, and says
// so where they could.
func makePrivate(file *os.File) error {
	was, err := capture.MakePrivate(file)
	sayExposed(file.Name(), was, true)
	return err
}

// sayExposed says that others can read, or could, a file with secrets.
func sayExposed(path string, mode fs.FileMode, mended bool) {
	switch {
	case mode == 0:
	case mended:
		fmt.Fprintf(os.Stderr, "rawshake: warning: others could read %s (mode %#o), which is to hold secrets: its mode is 0600 now\n", view.Escape(path), mode)
	default:
		fmt.Fprintf(os.Stderr, "rawshake: warning: others can read %s (mode %#o), which holds secrets: chmod 600 keeps them out\n", view.Escape(path), mode)
	}
}

// empty empties a file that was there. Pipes and devices hold nothing.
func empty(file *os.File) error {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return file.Truncate(0)
}

// Close closes the file, if there is one.
func (f *lateFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
