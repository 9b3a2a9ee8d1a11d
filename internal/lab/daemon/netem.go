// The holder's side of a change of links, and its log.

package daemon

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/rawshake/rawshake/internal/netem"
)

// netem changes links: all that are meant, or none where one of the changes is
// none.
func (h *holder) netem(n *Netem) error {
	if n == nil {
		return errors.New("a change of links says which")
	}
	t := h.lab.Topology()
	var links []int
	for _, name := range n.Links {
		i, err := t.FindLink(name)
		if err != nil {
			return err
		}
		links = append(links, i)
	}
	if len(n.Links) == 0 {
		for i := range t.Links {
			links = append(links, i)
		}
	}
	for _, i := range links {
		w := &t.Links[i].Impairment
		if n.Clear {
			*w = netem.Impairment{}
		}
		for name, value := range n.Set {
			if err := w.Set(name, value); err != nil {
				return err
			}
		}
		if err := w.Check(); err != nil {
			return err
		}
	}
	for _, i := range links {
		if err := h.lab.Impair(context.Background(), i, t.Links[i].Impairment); err != nil {
			return err
		}
	}
	return nil
}

// A standingLog is the log of a lab that stands. Nobody is there to be told
// that it cannot be written: whoever asks for the lab's state is.
type standingLog struct {
	name string
	file *os.File

	mu  sync.Mutex
	err error
}

func (l *standingLog) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	return n, err
}

func (l *standingLog) trouble() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return ""
	}
	return l.err.Error()
}
