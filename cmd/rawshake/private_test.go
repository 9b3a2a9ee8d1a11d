//go:build linux

package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/sessionfile"
)

// warningsOf returns what is written to standard error meanwhile.
func warningsOf(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = was }()
	do()
	w.Close()
	text, _ := io.ReadAll(r)
	return string(text)
}

// A file that holds secrets is readable by its owner alone from the start; if
// it was there before and others could read it, a warning says so.
func TestWhatHoldsSecretsIsPrivateAndSaysWhereItWasNot(t *testing.T) {
	writers := map[string]func(path string) error{
		"page": func(path string) error {
			f, err := newLateFile(path, outfile.Secret)
			if err == nil {
				_, err = f.Write([]byte("secret"))
				f.Close()
			}
			return err
		},
		"view of explain": func(path string) error {
			f := explainFlags{output: path}
			_, done, err := f.openOutput()
			if err == nil {
				done()
			}
			return err
		},
		"view of connect": func(path string) error {
			f, p := connectFlags{}, plan{}
			f.output, f.view = path, "keys"
			if err := f.planFiles(&p); err != nil {
				return err
			}
			_, err := p.files[0].(io.Writer).Write([]byte("secret"))
			return err
		},
		"capture": func(path string) error {
			f, p := connectFlags{}, plan{}
			f.pcap = path
			return f.planCapture(&p)
		},
		"key log": func(path string) error {
			f, p := connectFlags{}, plan{}
			f.keylog = path
			return f.planKeyLog(&p)
		},
		"reply": func(path string) error {
			f, p := connectFlags{}, plan{}
			f.output, f.view = path, "none"
			p.options.Goal = goal.Data
			if err := f.planFiles(&p); err != nil {
				return err
			}
			_, err := p.files[0].(io.Writer).Write([]byte("secret"))
			return err
		},
		"results": func(path string) error {
			f, p := probeFlags{}, probePlan{}
			f.output, f.force = path, true
			return f.planOutput(&p)
		},
		"log of a lab": func(path string) error {
			_, err := (&labFlags{log: path}).openLog()
			return err
		},
		"capture of an interface": func(path string) error {
			w, err := capture.Create(path, capture.Info{})
			if err == nil {
				sayExposed(w.Exposed())
			}
			return err
		},
		"session file": func(path string) error {
			s, err := sessionfile.Open(path)
			sayExposed(s.Exposed())
			if err == nil {
				err = s.Save()
			}
			return err
		},
	}
	for what, write := range writers {
		for _, before := range []os.FileMode{0, 0o600, 0o644, 0o620, 0o604} {
			path := filepath.Join(t.TempDir(), "file")
			if before != 0 {
				if err := os.WriteFile(path, []byte(`{"rawshake_sessions":2,"sessions":[]}`), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, before); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			warning := warningsOf(t, func() { err = write(path) })
			if err != nil && what != "session file" {
				t.Fatalf("%s: %v", what, err)
			}
			if wide := before&0o077 != 0; strings.Contains(warning, "others c") != wide {
				t.Errorf("%s that was there with mode %o: said %q", what, before, warning)
			}
			// A file that may hold no secret, or that others add to, may have
			// its mode for a reason.
			kept := slices.Contains([]string{"key log", "reply", "results", "log of a lab", "capture of an interface"}, what)
			if got := mode(t, path); got != 0o600 && !(kept && got == before) {
				t.Errorf("%s that was there with mode %o: mode %o", what, before, got)
			}
		}
	}
	if _, err := capture.OpenKeyLog(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("a key log in no folder was opened")
	}
}
