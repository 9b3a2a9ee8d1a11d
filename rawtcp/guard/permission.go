// What a guard says of a privilege that it lacks.

package guard

import "fmt"

// A PermissionError is the ErrPermission of a guard, and tells it from a link's.
type PermissionError struct {
	Needs string // what the guard needs, as a sentence without its beginning
	Err   error  // the system's
}

// Error says what is needed, and what the system said.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("%v: %s (%v)", ErrPermission, e.Needs, e.Err)
}

// Unwrap returns ErrPermission and the system's error.
func (e *PermissionError) Unwrap() []error { return []error{ErrPermission, e.Err} }
