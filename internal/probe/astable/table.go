// Package astable finds the autonomous system (RFC 1930) of an address, by a table of
// prefixes as routing data gives them.
package astable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gaissmai/bart"

	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Table is prefixes and the systems that announce them. It is not changed once it is
// read, and may be shared.
type Table struct {
	prefixes bart.Table[uint32]
	n        int
}

// Len is how many prefixes there are.
func (t *Table) Len() int { return t.n }

// Lookup is the system of the longest prefix that holds an address; false: there is none.
func (t *Table) Lookup(a netip.Addr) (as uint32, ok bool) {
	return t.prefixes.Lookup(a.Unmap().WithZone(""))
}

// Read reads a table, a prefix a line: "PREFIX AS" (as pyasn has it), "ADDRESS LENGTH AS"
// (CAIDA's pfx2as), or "FIRST LAST AS …" (iptoasn.com), with spaces, tabs or commas
// between. Of several origins, 1_2 or {1,2}, the first counts. System 0 is none. Empty
// lines and those that begin with # or ; are comments.
func Read(r io.Reader) (*Table, error) {
	t := new(Table)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if err := t.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if t.n == 0 {
		return nil, errors.New("it holds no prefix")
	}
	return t, nil
}

func (t *Table) add(line string) error {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	var list []netip.Prefix
	var as string
	switch {
	case len(words) >= 2 && strings.Contains(words[0], "/"):
		p, err := netip.ParsePrefix(words[0])
		if err != nil {
			return fmt.Errorf("%q is not a prefix", words[0])
		}
		list, as = []netip.Prefix{p}, words[1]
	case len(words) >= 3:
		var err error
		if list, err = run(words[0], words[1]); err != nil {
			return err
		}
		as = words[2]
	default:
		return fmt.Errorf("%.60q is not a prefix with its system, as in 198.18.0.0/15 64496", line)
	}
	number, err := system(as)
	if err != nil {
		return err
	}
	if number == 0 {
		return nil // not routed
	}
	for _, p := range list {
		t.prefixes.Insert(p.Masked(), number)
		t.n++
	}
	return nil
}

// run is an address with a length, or the first and last of a range, as prefixes.
func run(first, second string) ([]netip.Prefix, error) {
	a, err := netip.ParseAddr(first)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address", first)
	}
	if bits, err := strconv.ParseUint(second, 10, 8); err == nil {
		p := netip.PrefixFrom(a, int(bits))
		if !p.IsValid() {
			return nil, fmt.Errorf("%s/%s is not a prefix", first, second)
		}
		return []netip.Prefix{p}, nil
	}
	r, err := targets.ParseRange(first + "-" + second)
	if err != nil {
		return nil, err
	}
	return r.Prefixes(), nil
}

// system reads the first of the origins.
func system(s string) (uint32, error) {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.Trim(s, "{}")), "AS"), "{")
	if i := strings.IndexAny(s, "_,"); i >= 0 {
		s = s[:i]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not the number of a system", s)
	}
	return uint32(n), nil
}
