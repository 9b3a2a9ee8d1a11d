// The YAML parser's errors in the file's own words.

package lab

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
)

// What is wrong with a file, in words that a file's writer knows: what the
// parsing library says speaks of Go's types and functions.

// sayYAML is a parser's error with the place that it shows, where it knows one.
func sayYAML(err error) error {
	var kind *yaml.TypeError
	var size *yaml.OverflowError
	text := strings.TrimSpace(yaml.FormatError(err, false, true))
	switch {
	case errors.As(err, &kind):
		text = inPlace(text, wanted(kind.DstType))
	case errors.As(err, &size):
		text = inPlace(text, fmt.Sprintf("%s is too large or too small here", size.SrcNum))
	case errors.Is(err, yaml.ErrExceededMaxDepth):
		text = "its lists and mappings are nested too deep for a topology"
	}
	text = noNetwork.ReplaceAllString(text, "$1 is no network: an address and the length of its network are wanted, such as 198.18.0.1/24")
	return errors.New(printable(text))
}

var (
	noNetwork = regexp.MustCompile(`netip\.ParsePrefix\(("(?:[^"\\]|\\.)*")\): [^\n]*`)
	yamlPlace = regexp.MustCompile(`^\[\d+:\d+\] `)
)

// inPlace says something else of the same place.
func inPlace(text, instead string) string {
	first, rest, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(yamlPlace.FindString(first) + instead + "\n" + rest)
}

// wanted says what a value of a Go type looks like in a file.
func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration is wanted, a number with its unit, such as 20ms"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false is wanted"
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint64:
		return "a whole number is wanted"
	case reflect.Slice:
		return "a list is wanted"
	case reflect.Struct, reflect.Map:
		return "words with their values are wanted"
	}
	return "a text is wanted"
}

// printable shows what a terminal would take for a command.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
