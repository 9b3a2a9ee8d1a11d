// Package daemon keeps a lab standing between commands: `lab up`, `exec`,
// `status`, `down`.
//
// Go cannot enter a user namespace, so nobody joins a lab from outside: its
// holder, the init of the lab's PID namespace, starts what is to run there. It
// is asked over a Unix socket in a folder of the user's, one packet a question
// (protocol.go). When the holder ends, by whatever means, the kernel ends with
// it everything in the lab, and takes the network away; what is left of a
// killed one is the name of its socket, which the next command removes.
//
// Read dir.go (where sockets are), protocol.go, up.go and client.go (the
// asking side), holder.go and guest.go (the asked one), terminal.go.
package daemon

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// DefaultName is the name of a lab that was given none.
const DefaultName = "default"

var validName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,39}$`)

// CheckName says what is wrong with a lab's name.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q is no name for a lab: 1 to 40 letters, digits, dots, underscores and hyphens, a letter or digit first", name)
	}
	return nil
}

// ErrNone is that of a lab that does not stand.
var ErrNone = errors.New("there is no such lab")

// A NoneError says which.
type NoneError struct{ Name string }

// Error names the lab, and the command that makes one.
func (e *NoneError) Error() string {
	return fmt.Sprintf("no lab %q stands: make one with rawshake lab up", e.Name)
}

// Is makes the error an ErrNone.
func (e *NoneError) Is(target error) bool { return target == ErrNone }

// An OtherError is that of a lab that stands already and is not what was asked
// for.
type OtherError struct {
	Lab              string
	Topology, Wanted string // their names
	Differences      []string
}

// Error names what differs, a few things of it.
func (e *OtherError) Error() string {
	text := fmt.Sprintf("lab %q stands already, of topology %q, ", e.Lab, e.Topology)
	few := e.Differences[:min(len(e.Differences), maxNamed)]
	switch {
	case e.Topology != e.Wanted:
		text += fmt.Sprintf("not %q", e.Wanted)
	case len(few) < len(e.Differences):
		text += fmt.Sprintf("and differs from what is asked for in %s and %d more", strings.Join(few, ", "), len(e.Differences)-len(few))
	default:
		text += "and differs from what is asked for in " + strings.Join(few, ", ")
	}
	return text + fmt.Sprintf(": take it down with rawshake lab down --name %s, or choose another --name", e.Lab)
}

// maxNamed is how many differences an error names.
const maxNamed = 5
