// The errors of a reply that is not whole.

package goal

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A ReplyCutError says that the peer's reply ends before its own end.
type ReplyCutError struct {
	Missing string // what did not come, as a clause: "2 of the 5 bytes of its body are missing"
	Err     error  // how the peer ended the connection, if not in good order
}

func (e *ReplyCutError) Error() string {
	how := "the peer sent close_notify all the same"
	if e.Err != nil {
		how = strings.TrimSuffix(e.Err.Error(), ": data may be missing") // it says which
	}
	return fmt.Sprintf("the reply is not whole: %s, and %s", e.Missing, how)
}

// Unwrap returns how the peer ended the connection.
func (e *ReplyCutError) Unwrap() error { return e.Err }

// Is makes the error one of those that say that there is no whole reply.
func (e *ReplyCutError) Is(target error) bool { return target == ErrNoReply }

// A ReplyLimitError says that this side ended a reply that was longer than it
// was to be.
type ReplyLimitError struct {
	Size int64         // in bytes; 0: it is not the size
	Time time.Duration // 0: it is not the time
	Got  int64         // bytes by then
}

func (e *ReplyLimitError) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("the reply is cut short by us: it is longer than %d bytes (--max-size)", e.Size)
	}
	return fmt.Sprintf("the reply is cut short by us: it took longer than %v (--max-time), and %d bytes came", e.Time, e.Got)
}

// Is makes the error a timeout where the time was over.
func (e *ReplyLimitError) Is(target error) bool { return e.Time > 0 && target == tcb.ErrTimeout }

// A ProtocolChoiceError says that the server chose an application protocol
// that the request is not written in.
type ProtocolChoiceError struct{ Chosen string }

func (e *ProtocolChoiceError) Error() string {
	return fmt.Sprintf("the server chose %q by ALPN (--alpn), and the request is written in HTTP/1.1: it was not sent", e.Chosen)
}
