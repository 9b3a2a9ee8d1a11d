// How a decode fails: which field, at which byte, and what was wrong with it.

package field

import (
	"fmt"
	"strconv"
	"strings"
)

// An Error says where in its input a decoder stopped, and why.
type Error struct {
	Path    string // ClientHello.extensions[3].key_share
	Offset  int    // of that field, in bytes from the start of the input
	Problem string // length 70 exceeds the 64 bytes left
}

// Error says which field, at which byte, and what is wrong with it.
func (e *Error) Error() string {
	return fmt.Sprintf("%s at byte %d: %s", e.Path, e.Offset, e.Problem)
}

// Failf fails the decode for a reason of the decoder's own. The error names the
// field read last. Only the first failure is kept.
func (c *Cursor) Failf(format string, args ...any) {
	if c.err == nil {
		c.fail(c.last.off, c.last.name, fmt.Sprintf(format, args...))
	}
}

// fail records the failure of the field name (or, if empty, of the current
// group) at off.
func (c *Cursor) fail(off int, name, problem string) {
	c.err = &Error{Path: c.path(name), Offset: off, Problem: problem}
}

func (c *Cursor) path(name string) string {
	var b strings.Builder
	for i := 0; i <= c.depth; i++ {
		f := &c.stack[i]
		if f.index < 0 || f.name != c.stack[i-1].name { // otherwise the list's own frame has written the name
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(f.name)
		}
		if f.index >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(f.index))
			b.WriteByte(']')
		}
	}
	if name != "" {
		b.WriteByte('.')
		b.WriteString(name)
	}
	return b.String()
}

func tooShort(n, left int) string {
	return fmt.Sprintf("needs %s, %d left", count(n), left)
}

func leftOver(n int) string {
	return count(n) + " left over after the last field"
}

func lengthExceeds(n, left int) string {
	return fmt.Sprintf("length %d exceeds the %s left", n, count(left))
}

func lengthOutside(n, min, max int) string {
	if min == max {
		return fmt.Sprintf("length %d, expected %d", n, min)
	}
	return fmt.Sprintf("length %d, expected %d to %d", n, min, max)
}

func count(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}
