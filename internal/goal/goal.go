// How far a connection is to go.

package goal

import (
	"fmt"
	"slices"
	"strings"
)

// A Goal is how far a connection is to go.
type Goal uint8

const (
	TCP         Goal = iota // the TCP connection is established
	Hello                   // the ServerHello has arrived
	Certificate             // the server's chain has arrived and was judged
	Finished                // both Finished messages are verified
	Data                    // application data was exchanged
)

var names = []string{"tcp", "hello", "certificate", "finished", "data"}

// String is the goal as --until spells it.
func (g Goal) String() string { return names[g] }

// Outcome is the outcome of a connection that reached the goal.
func (g Goal) Outcome() string {
	if g == TCP {
		return "open"
	}
	return names[g]
}

// Names are the goals as --until spells them.
func Names() []string { return slices.Clone(names) }

// Parse reads a goal as --until spells it. The error lists the goals.
func Parse(s string) (Goal, error) {
	for i, name := range names {
		if s == name {
			return Goal(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", s, strings.Join(names, ", "))
}
