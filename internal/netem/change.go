// An impairment as words, to show and to change.

package netem

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A word is one property of an impairment, as text.
type word struct {
	name string
	set  func(*Impairment, string) error
	get  func(*Impairment) string // empty if the impairment does not have it
}

var words = []word{
	{"latency", func(w *Impairment, s string) error { return setDuration(&w.Latency, s) }, func(w *Impairment) string { return duration(w.Latency) }},
	{"jitter", func(w *Impairment, s string) error { return setDuration(&w.Jitter, s) }, func(w *Impairment) string { return duration(w.Jitter) }},
	{"loss", func(w *Impairment, s string) error { return w.Loss.Set(s) }, func(w *Impairment) string { return chance(w.Loss) }},
	{"duplicate", func(w *Impairment, s string) error { return w.Duplicate.Set(s) }, func(w *Impairment) string { return chance(w.Duplicate) }},
	{"reorder", func(w *Impairment, s string) error { return w.Reorder.Set(s) }, func(w *Impairment) string { return chance(w.Reorder) }},
	{"rate", func(w *Impairment, s string) error { return w.Rate.Set(s) }, func(w *Impairment) string {
		if w.Rate == 0 {
			return ""
		}
		return w.Rate.String()
	}},
	{"black-hole", setBlackHole, func(w *Impairment) string {
		if w.BlackHole == 0 {
			return ""
		}
		return strconv.Itoa(w.BlackHole)
	}},
	{"drop", nil, func(w *Impairment) string { return strings.Join(w.Drop, ", ") }},
	{"delay", nil, func(w *Impairment) string { return strings.Join(w.Delay, ", ") }},
}

// Set sets one property: "loss", "5%". Only a topology file can name packets to
// drop and to delay. The error says which property or value is wrong.
func (w *Impairment) Set(name, value string) error {
	i := slices.IndexFunc(words, func(x word) bool { return x.name == name && x.set != nil })
	if i < 0 {
		return fmt.Errorf("no link has a %q", name)
	}
	if err := words[i].set(w, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Words returns the properties of the impairment by name. A clear link has
// none.
func (w *Impairment) Words() map[string]string {
	all := map[string]string{}
	for _, x := range words {
		if value := x.get(w); value != "" {
			all[x.name] = value
		}
	}
	return all
}

// Tell puts properties into a line, in a fixed order.
func Tell(all map[string]string) string {
	var parts []string
	for _, x := range words {
		if value := all[x.name]; value != "" {
			parts = append(parts, x.name+" "+value)
		}
	}
	if len(parts) == 0 {
		return "clear"
	}
	return strings.Join(parts, ", ")
}

func setDuration(d *time.Duration, s string) (err error) {
	if *d, err = time.ParseDuration(s); err != nil {
		return fmt.Errorf("%q is not a duration, such as 20ms", s)
	}
	return nil
}

func setBlackHole(w *Impairment, s string) (err error) {
	if w.BlackHole, err = strconv.Atoi(s); err != nil {
		return fmt.Errorf("%q is not a size in bytes", s)
	}
	return nil
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func chance(c Chance) string {
	if c == 0 {
		return ""
	}
	return c.String()
}
