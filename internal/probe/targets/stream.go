// Reads a list line by line.

package targets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

// A Line is what one line of a list stands for.
type Line struct {
	Spec Spec
	Name string // the server name, where the line gives one apart from the host
	Tag  string
	At   int // its number
}

// A LineError says which line cannot be read.
type LineError struct {
	Source string
	Line   int
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s, line %d: %v", e.Source, e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// maxLine bounds a line, in bytes.
const maxLine = 64 << 10

// Lines reads a list: one target a line, as [ParseSpec] has it, or with commas:
// "ip,port" as ZMap writes it, "ip,domain", "ip,domain,tag" or
// "ip,domain,tag,port" as ZGrab2 reads it; or as masscan -oL and nmap -oG write
// it, of which the open ports are taken. Empty lines and what follows a # are
// left out, and so is a byte-order mark, and the end of line of other systems. A
// line that cannot be read comes as a *LineError, and the next one
// after it; any other error ends the list.
func Lines(r io.Reader, source string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(r, maxLine)
		for number := 1; ; number++ {
			text, err := readLine(in)
			if number == 1 {
				text = strings.TrimPrefix(text, byteOrderMark)
			}
			if errors.Is(err, io.EOF) && text == "" {
				return
			}
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLongLine) {
				yield(Line{}, fmt.Errorf("%s: %w", source, err))
				return
			}
			if !errors.Is(err, errLongLine) {
				text = strings.TrimSpace(withoutComment(text))
				if text == "" || number == 1 && isHeader(text) || holdsNoTarget(text) {
					continue
				}
			}
			var line Line
			if !errors.Is(err, errLongLine) {
				line, err = parseLine(text)
				line.At = number
			}
			if err != nil {
				err = &LineError{source, number, err}
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

var errLongLine = fmt.Errorf("longer than %d bytes", maxLine)

// readLine reads one line. Of one that is too long the rest is passed over.
func readLine(in *bufio.Reader) (string, error) {
	b, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return string(b), err
	}
	for err == bufio.ErrBufferFull {
		_, err = in.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return "", err
	}
	return "", errLongLine
}

// isHeader knows the first line of ZMap's CSV files.
func isHeader(s string) bool {
	first, _, _ := strings.Cut(s, ",")
	return first == "saddr" || first == "ip"
}

func parseLine(s string) (line Line, err error) {
	if wrong := wideText(s); wrong != nil {
		return line, wrong
	}
	if spec, ok, err := otherTools(s); ok || err != nil {
		return Line{Spec: spec}, err
	}
	fields := strings.Split(s, ",")
	for i := range fields {
		fields[i] = strings.Trim(strings.TrimSpace(fields[i]), `"`)
	}
	if len(fields) > 4 {
		return line, fmt.Errorf("%q has %d fields; at most ip,domain,tag,port are read", s, len(fields))
	}
	port := ""
	switch {
	case len(fields) == 2 && isNumber(fields[1]):
		port = fields[1]
	case len(fields) > 1:
		line.Name = fields[1]
		if len(fields) > 2 {
			line.Tag = fields[2]
		}
		if len(fields) > 3 {
			port = fields[3]
		}
	}
	host := fields[0]
	if host == "" {
		host = line.Name // ZGrab2: ",domain" is looked up
	}
	if line.Spec, err = ParseSpec(host); err != nil {
		return line, err
	}
	if line.Name != "" {
		if err := CheckHost(line.Name); err != nil {
			return line, fmt.Errorf("%q: %w", line.Name, err)
		}
	}
	if port != "" {
		p, err := ParsePort(port)
		if err != nil {
			return line, err
		}
		line.Spec.Ports = []uint16{p}
	}
	return line, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// Allows reports whether one address of a list may be probed, and if not, why.
func (rules *Rules) Allows(a netip.Addr) (Refusal, bool) {
	a = a.WithZone("") // wherever it is
	if rules.Exclude.Contains(a) {
		return Refusal{"excluded", "by --exclude or --exclude-file", 1}, false
	}
	for i := range specials {
		if s := &specials[i]; s.Prefix.Contains(a) && (s.never || !rules.AllowSpecial) {
			return Refusal{s.Prefix.String(), s.Name, 1}, false
		}
	}
	return Refusal{}, true
}
