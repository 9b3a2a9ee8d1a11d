// Writes the HTML page of a connection.

package main

import (
	"bufio"
	"errors"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/page"
)

// writePage writes the page of a transcript, and closes its file.
func (v *viewFlags) writePage(f *lateFile, t *transcript.Transcript, title string) error {
	w := bufio.NewWriter(f)
	err := page.Write(w, t, page.Options{Title: title, Dictionary: v.words})
	if err == nil {
		err = w.Flush() // or says the same again
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fileError("--html", err)
	}
	return nil
}
