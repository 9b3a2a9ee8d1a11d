//go:build linux

// The files of a fleet's scan: read where it starts, and held in memory where it
// is done.

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A heldFiles are files that have names and lie in memory alone: there may be no folder to
// write to, and a process that is killed leaves nothing.
type heldFiles struct {
	files []*os.File
	paths map[string]string // by what they are called in the scan
	names map[string]string // by path: what people call them
}

// hold adds a file, which people know by another name.
func (h *heldFiles) hold(name, known string, b []byte) error {
	fd, err := unix.MemfdCreate("rawshake-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	h.files = append(h.files, f)
	if h.paths == nil {
		h.paths, h.names = make(map[string]string), make(map[string]string)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	h.paths[name], h.names[path] = path, known
	_, err = f.Write(b)
	return err
}

func (h *heldFiles) close() {
	for _, f := range h.files {
		f.Close()
	}
}

// eachFile gives the flags that name files, what such a file is called in a scan, and
// where its name stands.
func (f *probeFlags) eachFile(do func(flag, kind string, path *string) error) error {
	for i := range f.files {
		if err := do("-f", "list", &f.files[i]); err != nil {
			return err
		}
	}
	for i := range f.excludeFiles {
		if err := do("--exclude-file", "exclude", &f.excludeFiles[i]); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		flag, kind string
		path       *string
	}{{"--ca", "ca", &f.ca}, {"--send", "send", &f.send}, {"--as-table", "as-table", &f.asTable}} {
		if *one.path == "" {
			continue
		}
		if err := do(one.flag, one.kind, one.path); err != nil {
			return err
		}
	}
	return nil
}

// takeFiles reads the files that flags name, and has the flags say what they are called
// in the scan instead.
func (f *probeFlags) takeFiles(held *heldFiles) (map[string][]byte, error) {
	files := make(map[string][]byte)
	err := f.eachFile(func(flag, kind string, path *string) error {
		b, err := readWhole(*path)
		if err != nil {
			return usageError("%s: %v", flag, err)
		}
		known := *path
		*path = fmt.Sprintf("%s-%d", kind, len(files))
		files[*path] = b
		return held.hold(*path, known, b)
	})
	return files, err
}

// filesFrom has the flags name files that are held.
func (f *probeFlags) filesFrom(h *heldFiles) error {
	return f.eachFile(func(flag, _ string, path *string) error {
		held, ok := h.paths[filepath.Base(*path)]
		if !ok {
			return fmt.Errorf("the scan has no file %q, which its %s names", *path, flag)
		}
		*path = held
		return nil
	})
}

func readWhole(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}
