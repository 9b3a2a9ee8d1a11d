// The errors of a reply that is not whole.

package goal

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A ReplyCutError says that the peer's reply was cut short.
type ReplyCutError struct {
	Missing string // what did not come, as a clause: "2 of the 5 bytes of its body are missing"
	Err     error  // how the peer closed, if not in good order
}

func (e *ReplyCutError) Error() string {
	how := "the peer sent close_notify all the same"
	if e.Err != nil {
		how = strings.TrimSuffix(e.Err.Error(), ": data may be missing") // Missing says which
	}
	return fmt.Sprintf("the reply is not whole: %s, and %s", e.Missing, how)
}

// Unwrap returns how the peer closed.
func (e *ReplyCutError) Unwrap() error { return e.Err }

// Is makes the error match ErrNoReply.
func (e *ReplyCutError) Is(target error) bool { return target == ErrNoReply }

// A ReplyLimitError says that this side cut off a reply that exceeded its
// bounds.
type ReplyLimitError struct {
	Size int64         // the bound in bytes; 0: another bound was exceeded
	Time time.Duration // the bound on time; 0: another bound was exceeded
	Got  int64         // the bytes received by then
}

func (e *ReplyLimitError) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("the reply is cut short by us: it is longer than %d bytes (--max-size)", e.Size)
	}
	return fmt.Sprintf("the reply is cut short by us: it took longer than %v (--max-time), and %d bytes came", e.Time, e.Got)
}

// Is makes the error match tcb.ErrTimeout if time ran out.
func (e *ReplyLimitError) Is(target error) bool { return e.Time > 0 && target == tcb.ErrTimeout }

// A ProtocolChoiceError says that the server chose an application protocol
// other than that of the request.
type ProtocolChoiceError struct{ Chosen string }

func (e *ProtocolChoiceError) Error() string {
	return fmt.Sprintf("the server chose %q by ALPN (--alpn), and the request is written in HTTP/1.1: it was not sent", e.Chosen)
}
