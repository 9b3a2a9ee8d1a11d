// The errors of a live capture.

package explain

import "errors"

var (
	// ErrUnsupported says that listening is not possible on this system.
	ErrUnsupported = errors.New("listening on an interface needs Linux: on this system, capture with tcpdump or Wireshark and explain the file")
	// ErrNoInterface says that there is no interface of that name.
	ErrNoInterface = errors.New("there is no interface")
	// ErrNotAllowed says that this process may not listen.
	ErrNotAllowed = errors.New("listening on an interface is not allowed")
)
