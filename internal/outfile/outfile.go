// Package outfile opens the files that the program writes. It alone decides who
// may read them, and whose they are: no other package creates, renames or removes
// a file.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A Kind says what a file holds.
type Kind uint8

const (
	// Public is for what is made to be given away: a CA's certificate, a
	// capture without its secrets, a manual page.
	Public Kind = iota
	// Private may hold a secret: what a peer sent, or what was captured. A new
	// file can be read by its owner alone; one that was there keeps its mode,
	// which may be intended, with a Warning.
	Private
	// Secret holds secrets. Even a file that was there becomes readable by its
	// owner alone.
	Secret
)

func (k Kind) mode() fs.FileMode {
	if k == Public {
		return 0o666
	}
	return 0o600
}

// A Warning says that others can read a file, or could. The zero value says
// nothing.
type Warning struct {
	Path   string
	Mode   fs.FileMode // as it was before
	Kind   Kind
	Mended bool // others can no longer read it
}

// String is the warning as a sentence, or empty.
func (w Warning) String() string {
	switch {
	case w.Mode == 0:
		return ""
	case w.Mended:
		return fmt.Sprintf("others could read %s (mode %#o), which is to hold secrets: its mode is 0600 now", w.Path, w.Mode)
	case w.Kind == Secret:
		return fmt.Sprintf("others can read %s (mode %#o), which holds secrets: chmod 600 keeps them out", w.Path, w.Mode)
	default:
		return fmt.Sprintf("others can read %s (mode %#o), which can hold secrets: chmod 600 keeps them out", w.Path, w.Mode)
	}
}

// Create opens a file for writing. It empties the file only once nothing can be
// refused any more. Pipes and devices are taken as they are.
func Create(path string, k Kind) (*os.File, Warning, error) {
	f, err := open(path, os.O_RDWR|os.O_CREATE, k.mode())
	if errors.Is(err, fs.ErrPermission) { // a pipe or a device may only be writable
		f, err = open(path, os.O_WRONLY|os.O_CREATE, k.mode())
	}
	if err != nil {
		return nil, Warning{}, err
	}
	w, err := guard(f, k)
	if err == nil {
		err = empty(f)
	}
	if err != nil {
		_ = f.Close()
		return nil, Warning{}, err
	}
	return f, w, nil
}

// Append opens a file to add to it. Its mode is left as it is, with a Warning,
// since those who share the file may have meant it. Flags are added to those of
// opening.
func Append(path string, k Kind, flags int) (*os.File, Warning, error) {
	f, err := open(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|flags, k.mode())
	if err != nil {
		return nil, Warning{}, err
	}
	return f, Found(f, k), nil
}

// Exclusive creates a file that must not exist yet.
func Exclusive(path string, k Kind) (*os.File, error) {
	return open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, k.mode())
}

// Found says whether others can read an open file, which is left as it is.
func Found(f *os.File, k Kind) Warning {
	info, err := f.Stat()
	if err != nil || !hasModes || k == Public {
		return Warning{}
	}
	return Warning{Path: f.Name(), Mode: exposed(info), Kind: k}
}

func guard(f *os.File, k Kind) (Warning, error) {
	if k != Secret {
		return Found(f, k), nil
	}
	was, err := makePrivate(f)
	return Warning{Path: f.Name(), Mode: was, Kind: k, Mended: true}, err
}

// empty empties a file. Pipes and devices hold nothing.
func empty(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return err
	}
	return f.Truncate(0)
}

// Write writes a whole file, in place of what was there.
func Write(path string, b []byte, k Kind) (Warning, error) {
	f, w, err := Create(path, k)
	if err != nil {
		return w, err
	}
	_, err = f.Write(b)
	return w, errors.Join(err, f.Close())
}
