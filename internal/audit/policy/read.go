// Reads values out of a file's tree, strictly: what is unknown is an error that
// names the file, the line, the key and what may stand there.

package policy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rawshake/rawshake/internal/facts/plain"
)

// maxErrors bounds the errors that are told of one file, maxValues those a list
// of allowed values, maxText a text and maxList a list.
const (
	maxErrors = 10
	maxText   = 1000
	maxList   = 400
	maxRules  = 200
)

// A reader collects what is wrong with a file.
type reader struct {
	file string
	errs []error
	more int
}

// fail notes an error at a place of the file.
func (r *reader) fail(n *node, format string, args ...any) {
	if len(r.errs) == maxErrors {
		r.more++
		return
	}
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s: %s", r.file, n.line, plain.Escape(orRoot(n.path)), fmt.Sprintf(format, args...)))
}

// err is all that is wrong, or nil.
func (r *reader) err() error {
	if r.more > 0 {
		return errors.Join(append(r.errs, fmt.Errorf("%s: and %d more", r.file, r.more))...)
	}
	return errors.Join(r.errs...)
}

// is reports whether a node is of a kind, and notes an error if it is not.
func (r *reader) is(n *node, kind int) bool {
	if n.kind != kind {
		r.fail(n, "%s is wanted, and here is %s", kindNames[kind], kindNames[n.kind])
	}
	return n.kind == kind
}

// A word is a key that a map may have, and what reads its value.
type word struct {
	name string
	read func(*node)
}

// words reads a map. It returns the keys that were there.
func (r *reader) words(n *node, list ...word) (seen []string) {
	if !r.is(n, isMap) {
		return nil
	}
	allowed := make([]string, len(list))
	for i, w := range list {
		allowed[i] = w.name
	}
	for i, key := range n.keys {
		at := slices.Index(allowed, key)
		switch {
		case at < 0:
			r.fail(n.items[i], "unknown word %s: the words here are %s", quote(key), strings.Join(allowed, ", "))
		case slices.Contains(seen, key):
			r.fail(n.items[i], "%s stands here twice", key)
		default:
			seen = append(seen, key)
			list[at].read(n.items[i])
		}
	}
	return seen
}

// one reads a text.
func (r *reader) one(n *node) string {
	switch {
	case !r.is(n, isText):
		return ""
	case strings.TrimSpace(n.text) == "":
		r.fail(n, "it is empty")
	case len(n.text) > maxText:
		r.fail(n, "%d bytes, at most %d", len(n.text), maxText)
		return ""
	case strings.ContainsFunc(n.text, func(c rune) bool { return c != '\n' && (!unicode.IsPrint(c) || c == unicode.ReplacementChar) }):
		r.fail(n, "%s has characters that cannot be shown", quote(n.text))
		return ""
	}
	return strings.TrimSpace(n.text)
}

// choice reads one of a few words.
func (r *reader) choice(n *node, allowed []string) string {
	s := r.one(n)
	if s != "" && !slices.Contains(allowed, s) {
		r.fail(n, "%s is none of %s", quote(s), strings.Join(allowed, ", "))
	}
	return s
}

// choices reads a list of a few words.
func (r *reader) choices(n *node, allowed []string) []string {
	return r.list(n, func(s string) (string, error) {
		if !slices.Contains(allowed, s) {
			return "", fmt.Errorf("%s is none of %s", quote(s), strings.Join(allowed, ", "))
		}
		return s, nil
	})
}

// list reads a list of names, each as parse spells it.
func (r *reader) list(n *node, parse func(string) (string, error)) (list []string) {
	if !r.is(n, isList) {
		return nil
	}
	if len(n.items) == 0 {
		r.fail(n, "the list is empty: leave the word out instead")
	}
	if len(n.items) > maxList {
		r.fail(n, "%d values, at most %d", len(n.items), maxList)
		return nil
	}
	for _, item := range n.items {
		s := r.one(item)
		if s == "" {
			continue
		}
		name, err := parse(s)
		switch {
		case err != nil:
			r.fail(item, "%v", err)
		case slices.Contains(list, name):
			r.fail(item, "%s stands in the list twice", name)
		default:
			list = append(list, name)
		}
	}
	return list
}

// number reads a whole number within bounds.
func (r *reader) number(n *node, low, high int) int {
	if !r.is(n, isText) {
		return 0
	}
	v, err := strconv.Atoi(n.text)
	if err != nil || v < low || v > high {
		r.fail(n, "%s is no whole number from %d to %d", quote(n.text), low, high)
		return 0
	}
	return v
}

// truth reads true or false.
func (r *reader) truth(n *node) bool {
	if r.is(n, isText) && n.text != "true" && n.text != "false" {
		r.fail(n, "%s is neither true nor false", quote(n.text))
	}
	return n.text == "true"
}

// quote shows a word of the file, cut where it is long.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%+q…", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
