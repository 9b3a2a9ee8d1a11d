package connect

import (
	"fmt"
	"strings"
)

// A Goal is how far a connection is to go.
type Goal uint8

const (
	GoalTCP         Goal = iota // the TCP connection is established
	GoalHello                   // the ServerHello has arrived
	GoalCertificate             // the server's chain has arrived and was judged
	GoalFinished                // both Finished messages are verified
	GoalData                    // application data was exchanged
)

var goalNames = []string{"tcp", "hello", "certificate", "finished", "data"}

func (g Goal) String() string { return goalNames[g] }

// ParseGoal reads a goal as --until spells it.
func ParseGoal(s string) (Goal, error) {
	for i, name := range goalNames {
		if s == name {
			return Goal(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", s, strings.Join(goalNames, ", "))
}
