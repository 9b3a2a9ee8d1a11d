// One direction of a link: when each packet arrives, and in what order.

package netem

import "time"

// A Queue is one direction of a link: packets go in with their effect, and come
// out when they are due. The caller tells the time, and each packet's size.
type Queue[T any] struct {
	impairment Impairment
	free       time.Time    // when the link will have sent everything queued
	last       time.Time    // when the last packet arrives: jitter never reorders
	queue      []waiting[T] // in order of departure
	held       []waiting[T] // waiting to be overtaken, in order of arrival
	bytes      int          // under way
}

type waiting[T any] struct {
	packet T
	size   int // in bytes
	due    time.Time
	behind int
}

// NewQueue returns a queue without any packet.
func NewQueue[T any](w Impairment) *Queue[T] { return &Queue[T]{impairment: w} }

// Change sets another impairment for the packets to come.
func (l *Queue[T]) Change(w Impairment) { l.impairment = w }

// queueBytes bounds what a queue holds: more is lost, as in a router's queue.
const queueBytes = 4 << 20

// overtakePatience is how long a packet waits for others to overtake it.
const overtakePatience = 20 * time.Millisecond

// Put sends a packet, which the queue keeps. It reports false if there was no
// room.
func (l *Queue[T]) Put(now time.Time, packet T, size int, effect Effect) bool {
	if effect.Lost {
		return true
	}
	if l.bytes+size > queueBytes {
		return false
	}
	if effect.OvertakenBy > 0 {
		l.bytes += size
		l.held = append(l.held, waiting[T]{packet, size, l.due(now, size, effect).Add(overtakePatience), effect.OvertakenBy})
	} else {
		l.send(now, packet, size, effect)
		l.overtake()
	}
	if effect.Twice {
		l.send(now, packet, size, effect)
	}
	return true
}

func (l *Queue[T]) send(now time.Time, packet T, size int, effect Effect) {
	l.bytes += size
	l.queue = append(l.queue, waiting[T]{packet: packet, size: size, due: l.due(now, size, effect)})
}

// due is when a packet that enters now arrives.
func (l *Queue[T]) due(now time.Time, size int, effect Effect) time.Time {
	if l.impairment.Rate > 0 {
		if l.free.Before(now) {
			l.free = now
		}
		l.free = l.free.Add(time.Duration(float64(size) * 8 / float64(l.impairment.Rate) * float64(time.Second)))
		now = l.free
	}
	due := now.Add(max(0, l.impairment.Latency+effect.Jitter))
	if due.Before(l.last) {
		due = l.last
	}
	l.last = due
	return due
}

// overtake lets the last packet in the queue pass those that are held, and
// sends those that have been overtaken often enough right after it.
func (l *Queue[T]) overtake() {
	due := l.queue[len(l.queue)-1].due
	still := l.held[:0]
	for _, w := range l.held {
		if w.behind--; w.behind > 0 {
			still = append(still, w)
			continue
		}
		w.due = due
		l.queue = append(l.queue, w)
	}
	clear(l.held[len(still):])
	l.held = still
}

// first is the list whose first packet arrives next.
func (l *Queue[T]) first() *[]waiting[T] {
	if len(l.held) > 0 && (len(l.queue) == 0 || l.held[0].due.Before(l.queue[0].due)) {
		return &l.held // nothing came to overtake it
	}
	return &l.queue
}

// Due returns when the next packet arrives if no other is put in before; false
// if there is none.
func (l *Queue[T]) Due() (at time.Time, ok bool) {
	list := *l.first()
	if len(list) == 0 {
		return at, false
	}
	return list[0].due, true
}

// Waiting returns how many bytes wait for the rate.
func (l *Queue[T]) Waiting(now time.Time) int {
	return int(max(0, l.free.Sub(now)).Seconds() * float64(l.impairment.Rate) / 8)
}

// Take returns the next packet that is due, or how long to wait for one; 0 if
// there is none.
func (l *Queue[T]) Take(now time.Time) (packet T, wait time.Duration, ok bool) {
	list := l.first()
	if len(*list) == 0 {
		return packet, 0, false
	}
	w := (*list)[0]
	if wait = w.due.Sub(now); wait > 0 {
		return packet, wait, false
	}
	(*list)[0] = waiting[T]{} // tens of thousands may be behind it: do not move them
	*list = (*list)[1:]
	l.bytes -= w.size
	return w.packet, 0, true
}

// A Line is a Queue of frames.
type Line struct{ Queue[[]byte] }

// NewLine returns a line without any packet.
func NewLine(w Impairment) *Line { return &Line{*NewQueue[[]byte](w)} }

// Put sends a frame, which the line keeps. It reports false if there was no
// room.
func (l *Line) Put(now time.Time, frame []byte, effect Effect) bool {
	return l.Queue.Put(now, frame, len(frame), effect)
}

// Take returns the next frame that is due, or nil and how long to wait for one; 0
// if there is none.
func (l *Line) Take(now time.Time) (frame []byte, wait time.Duration) {
	frame, wait, _ = l.Queue.Take(now)
	return frame, wait
}
