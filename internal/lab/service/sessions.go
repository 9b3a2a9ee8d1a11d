// What a server keeps of the connections that have ended.

package service

import (
	"context"
	"os"
	"sync"
)

// A sessionLog keeps the last sessions and hands them out once, in order.
type sessionLog[T any] struct {
	mu     sync.Mutex
	limit  int
	kept   []T
	unread int // of kept, from the end
	news   chan struct{}
	closed bool
}

func newSessionLog[T any](limit int) *sessionLog[T] {
	return &sessionLog[T]{limit: limit, news: make(chan struct{})}
}

func (l *sessionLog[T]) add(s T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) == l.limit {
		l.kept = l.kept[1:]
	}
	l.kept = append(l.kept, s)
	l.unread = min(l.unread+1, len(l.kept))
	l.wake()
}

func (l *sessionLog[T]) wake() {
	close(l.news)
	l.news = make(chan struct{})
}

func (l *sessionLog[T]) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

func (l *sessionLog[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.kept...)
}

func (l *sessionLog[T]) next(ctx context.Context) (s T, err error) {
	for {
		l.mu.Lock()
		if l.unread > 0 {
			s = l.kept[len(l.kept)-l.unread]
			l.unread--
			l.mu.Unlock()
			return s, nil
		}
		closed, news := l.closed, l.news
		l.mu.Unlock()
		if closed {
			return s, os.ErrClosed
		}
		select {
		case <-news:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}
