// The deadlines of connections.

package probe

import "github.com/rawshake/rawshake/rawtcp/tcb"

// A wheel keeps the deadlines of connections: a ring of lists, one for each
// unit of time. Setting and stopping one costs the same however many there are.
// A deadline beyond the ring comes up early, and is set again.
type wheel struct {
	lists [wheelSize]*connection
	hand  int64 // the unit up to which all have been called
	n     int
}

const (
	wheelUnit = 1 << 22 // nanoseconds: about four milliseconds
	wheelSize = 4096    // about 17 seconds
)

// set gives a connection its deadline, in place of any other.
func (w *wheel) set(c *connection, at tcb.Instant) {
	unit := max(int64(at)/wheelUnit+1, w.hand+1) // once it has certainly passed
	unit = min(unit, w.hand+wheelSize-1)
	if c.timed {
		if c.unit == unit {
			return
		}
		w.stop(c)
	}
	list := &w.lists[unit%wheelSize]
	c.unit, c.timed, c.prev, c.next = unit, true, nil, *list
	if c.next != nil {
		c.next.prev = c
	}
	*list = c
	w.n++
}

func (w *wheel) stop(c *connection) {
	if !c.timed {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		w.lists[c.unit%wheelSize] = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.timed, c.prev, c.next = false, nil, nil
	w.n--
}

// turn calls f for each connection whose unit has passed.
func (w *wheel) turn(now tcb.Instant, f func(*connection)) {
	to := int64(now) / wheelUnit
	if w.n == 0 {
		w.hand = max(w.hand, to)
	}
	for w.hand < to {
		w.hand++
		for {
			c := w.lists[w.hand%wheelSize]
			if c == nil {
				break
			}
			w.stop(c)
			f(c)
		}
	}
}
