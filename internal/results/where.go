// Finds the results of one bar again.

package results

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Condition is a value that a result must have: a section of the tally by its
// key, and the value as the tally shows it.
type Condition struct {
	Key, Value string
	tally      *Tally
	property   *property
}

// ParseCondition reads KEY=VALUE. Certificates expire as seen from a moment.
func ParseCondition(s string, at time.Time) (*Condition, error) {
	key, value, ok := strings.Cut(s, "=")
	i := slices.IndexFunc(properties, func(p property) bool { return p.key == key })
	if !ok || i < 0 {
		keys := make([]string, len(properties))
		for i, p := range properties {
			keys[i] = p.key
		}
		return nil, fmt.Errorf("%q is not KEY=VALUE with one of the keys %s", s, strings.Join(keys, ", "))
	}
	return &Condition{key, value, NewTally(at), &properties[i]}, nil
}

// Holds reports whether a result has the value.
func (c *Condition) Holds(l *Line) bool {
	return slices.ContainsFunc(c.property.values(c.tally, l), func(v string) bool { return clip(v) == c.Value })
}

// Target is a result's target as a list for probe has it: ADDR:PORT, or
// ADDR,NAME,TAG,PORT where it has a name or a tag.
func (l *Line) Target() string {
	if l.Name != "" || l.Tag != "" {
		return strings.Join([]string{l.Addr, l.Name, l.Tag, strconv.Itoa(int(l.Port))}, ",")
	}
	a, err := netip.ParseAddr(l.Addr)
	if err != nil {
		return l.Addr
	}
	return netip.AddrPortFrom(a, l.Port).String()
}
