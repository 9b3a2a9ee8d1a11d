// Waits for the fragments of a tunnel's packet.

package explain

import (
	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// maxWaiting bounds the fragments that wait for the rest. Others stay counted
// as not read.
const maxWaiting = 4096

// ip finds the IP packet in a frame. Fragments of a tunnel's packet are read
// with the last one to arrive, which stands for all of them; nil: it has not
// arrived.
func (w *watch) ip(p *capture.Packet) ([]byte, error) {
	for {
		ip, err := p.IP()
		if err != nil {
			return nil, err
		}
		part, whole := w.fragments.Join(p, ip)
		if !part {
			return ip, nil
		}
		if !whole {
			w.wait(p, ip)
			return nil, nil
		}
		for _, number := range p.Joined {
			if what, counted := w.waiting[number]; counted {
				w.kinds[what]--
				delete(w.waiting, number)
			}
		}
	}
}

// wait counts a fragment as not read until the packet is whole.
func (w *watch) wait(p *capture.Packet, ip []byte) {
	if w.waiting == nil || len(w.waiting) >= maxWaiting {
		w.waiting = map[int]wire.Content{}
	}
	for _, number := range p.Numbers() {
		w.waiting[number] = w.unread(contained(p, ip))
	}
}
