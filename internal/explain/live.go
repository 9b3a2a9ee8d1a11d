// The errors of a live capture.

package explain

import "errors"

var (
	// ErrUnsupported says that live capture is not possible on this system.
	ErrUnsupported = errors.New("listening on an interface needs Linux: on this system, capture with tcpdump or Wireshark and explain the file")
	// ErrNoInterface says that there is no interface with that name.
	ErrNoInterface = errors.New("there is no interface")
	// ErrNotAllowed says that this process may not capture packets.
	ErrNotAllowed = errors.New("listening on an interface is not allowed")
)
