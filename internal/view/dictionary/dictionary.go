// Reads the dictionary's files and finds the entry for a field.

package dictionary

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"sync"
)

// An Entry is the explanation of a field.
type Entry struct {
	Key    string // its name in the dictionary
	Source string // "RFC 5246, section 7.4.1.2"
	Text   string // a few sentences
}

// A Dictionary finds entries by the names of fields.
type Dictionary struct {
	entries map[string]Entry
}

//go:embed en/*.txt
var english embed.FS

// English is the dictionary that the program carries.
var English = sync.OnceValue(func() *Dictionary {
	sub, err := fs.Sub(english, "en")
	if err == nil {
		var d *Dictionary
		if d, err = Load(sub); err == nil {
			return d
		}
	}
	panic(err) // cannot happen: a test reads the files
})

// Load reads a folder of dictionary files: all that end in .txt. The error
// names the file and line.
func Load(folder fs.FS) (*Dictionary, error) {
	d := &Dictionary{entries: map[string]Entry{}}
	files, err := fs.Glob(folder, "*.txt")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		if err := d.read(path.Base(name), string(text)); err != nil {
			return nil, err
		}
	}
	if len(d.entries) == 0 {
		return nil, fmt.Errorf("no dictionary: no file there ends in .txt, or none holds an entry")
	}
	return d, nil
}

// read adds the entries of one file.
func (d *Dictionary) read(file, text string) error {
	var keys []string
	var e Entry
	at := 0
	end := func() error {
		if len(keys) > 0 && (e.Source == "" || e.Text == "") {
			return fmt.Errorf("%s:%d: %s needs two indented parts: where it is defined, and an explanation", file, at, keys[0])
		}
		for _, key := range keys {
			if _, twice := d.entries[key]; twice {
				return fmt.Errorf("%s:%d: %s is explained twice", file, at, key)
			}
			d.entries[key] = Entry{key, e.Source, e.Text}
		}
		keys, e = nil, Entry{}
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || word[0] == '#':
			continue
		case line[0] != ' ' && line[0] != '\t':
			if e.Source != "" {
				if err := end(); err != nil {
					return err
				}
			}
			keys, at = append(keys, word), i+1
		case len(keys) == 0:
			return fmt.Errorf("%s:%d: an explanation without a name above it", file, i+1)
		case e.Source == "":
			e.Source = word
		case e.Text == "":
			e.Text = word
		default:
			e.Text += " " + word
		}
	}
	return end()
}

// Find returns the entry for a field: that for the longest end of its path, and
// among those first that for its situation. Of several, divided by spaces, the
// first that has an entry counts.
func (d *Dictionary) Find(key, situation string) (Entry, bool) {
	for {
		for s := range strings.FieldsSeq(situation) {
			if e, ok := d.entries[key+" @"+s]; ok {
				return e, true
			}
		}
		if e, ok := d.entries[key]; ok {
			return e, true
		}
		_, rest, more := strings.Cut(key, ".")
		if !more {
			kind, _, numbered := strings.Cut(key, " ") // "HandshakeType 99"
			e, ok := d.entries[kind]
			return e, ok && numbered
		}
		key = rest
	}
}

// Keys returns every name that is explained, in no particular order.
func (d *Dictionary) Keys() []string {
	keys := make([]string, 0, len(d.entries))
	for key := range d.entries {
		keys = append(keys, key)
	}
	return keys
}

// Over returns a dictionary with the entries of d, and those of base where d
// has none: a translation need not be complete.
func (d *Dictionary) Over(base *Dictionary) *Dictionary {
	both := &Dictionary{entries: maps.Clone(base.entries)}
	maps.Copy(both.entries, d.entries)
	return both
}
