package probe

import (
	"context"
	crand "crypto/rand"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// Run probes all targets and writes a record for each. When ctx is done no
// more targets are begun, and what is in flight is brought to its end.
func Run(ctx context.Context, o Options, w io.Writer) (Stats, error) {
	l := newLoop(&o)
	defer l.close()
	if err := l.open(ctx); err != nil {
		return l.stats, err
	}
	l.sink = newSink(w)
	err := l.run(ctx, context.Background())
	if werr := l.sink.close(); err == nil {
		err = werr
	}
	l.stats.Link = l.paths[0].link.Stats()
	return l.stats, err
}

// open finds the way to the targets, puts up the guard and opens the link.
func (l *loop) open(ctx context.Context) error {
	var key [16]byte
	var seed [32]byte
	crand.Read(key[:])
	crand.Read(seed[:])
	l.mac, l.random, l.epoch = newMAC(key), rand.NewChaCha8(seed), time.Now()
	o := l.o
	first, _ := o.Space.At(0)
	p, err := openPath(ctx, o, first)
	if err != nil {
		return err
	}
	l.paths[0] = p
	l.source = &spaceSource{share: share{o.Shard, max(o.Shards, 1)}, space: o.Space,
		order: targets.NewPermutation(o.Space.Len(), o.Seed), name: o.Name, mac: l.mac, ports: uint16(o.Ports)}
	l.window = newWindow(0)
	l.buf = make([]byte, 0, 64<<10)
	return nil
}

func (l *loop) close() {
	for _, p := range l.paths {
		if p != nil {
			p.close()
		}
	}
}

// openPath finds the way to addresses like first.
func openPath(ctx context.Context, o *Options, first netip.Addr) (*path, error) {
	r, err := link.FindRoute(first, o.Via)
	if err != nil {
		return nil, err
	}
	p := &path{local: r.Source}
	p.guard, err = guard.OpenRange(guard.RangeOptions{Addrs: []netip.Addr{r.Source}, Count: o.Ports, Hold: true})
	if err != nil {
		return nil, err
	}
	p.first, _ = p.guard.Ports()
	if p.hop, err = link.ResolveHop(ctx, r); err != nil {
		p.close()
		return nil, err
	}
	p.link, err = link.OpenRing(link.RingOptions{Kind: o.Link, Route: r, Local: r.Source, Port: p.first, Ports: uint16(o.Ports)})
	if err != nil {
		p.close()
		return nil, err
	}
	headers := 40 // IPv4's and TCP's (RFC 9293, section 3.7.1)
	if r.Source.Is6() {
		headers = 60
	}
	p.mss = uint16(r.MTU - headers)
	p.makeSYN()
	return p, nil
}

func (p *path) close() {
	if p.link != nil {
		p.link.Close()
	}
	if p.guard != nil {
		p.guard.Close()
	}
}
