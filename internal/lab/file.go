// Topologies as YAML: from a file, from a text, and into one.

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// maxFile bounds a topology file, in bytes, and maxLine its lines: the parser's
// time grows with their square.
const (
	maxFile = 256 << 10
	maxLine = 4 << 10
)

// LoadTopology returns the topology that a path or a built-in name says. What
// has a slash or a dot in it is a path; the empty string is the first of the
// built-in ones.
func LoadTopology(nameOrPath string) (Topology, error) {
	if !strings.ContainsAny(nameOrPath, "/.") {
		return FindTopology(nameOrPath)
	}
	f, err := os.Open(nameOrPath)
	if err != nil {
		return Topology{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Topology{}, err
	}
	if len(text) > maxFile {
		return Topology{}, fmt.Errorf("%s: more than %d bytes is no topology", nameOrPath, maxFile)
	}
	for line := range bytes.Lines(text) {
		if len(line) > maxLine {
			return Topology{}, fmt.Errorf("%s: a line of %d bytes is no topology's: at most %d", nameOrPath, len(line), maxLine)
		}
	}
	t, err := ParseTopology(text)
	if err != nil {
		return t, fmt.Errorf("%s: %w", nameOrPath, err)
	}
	return t, nil
}

// ParseTopology reads a topology in YAML. A word that it does not know is an
// error, which shows the place.
func ParseTopology(text []byte) (t Topology, err error) {
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&t)
	if errors.Is(err, io.EOF) {
		return t, errors.New("it is empty")
	}
	if err != nil {
		return t, sayYAML(err)
	}
	return t, t.Check()
}

// Text is the topology in YAML, as a file would hold it.
func (t Topology) Text() (string, error) {
	b, err := yaml.Marshal(t)
	return string(b), err
}
