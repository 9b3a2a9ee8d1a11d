package main

import (
	"bufio"
	"errors"

	"github.com/rawshake/rawshake/internal/page"
	"github.com/rawshake/rawshake/internal/transcript"
)

// newSecretFile is newLateFile for what others must not read.
func newSecretFile(path string) (*lateFile, error) {
	f, err := newLateFile(path)
	if err != nil {
		return nil, err
	}
	f.secret = true
	return f, nil
}

// writePage writes the page of a transcript, and closes its file.
func (v *viewFlags) writePage(f *lateFile, t *transcript.Transcript, title string) error {
	w := bufio.NewWriter(f)
	err := page.Write(w, t, page.Options{Title: title, Dictionary: v.words})
	if err := errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fileError("--html", err)
	}
	return nil
}
