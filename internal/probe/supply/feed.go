// Targets from lists and names, as they are read and looked up.

package supply

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Feed says where targets come from that are not numbered beforehand: lists
// of any length, and names, which are looked up as they come.
type Feed struct {
	Lists  targets.Lists
	Hosts  []targets.Line // named on the command line: special-purpose addresses are meant
	Ports  []uint16       // if a line names none
	Rules  *targets.Rules
	Name   string // the server name of all; empty: the host's own name
	Strict bool   // a line that cannot be read ends the scan
	Lookup func(context.Context, string) ([]netip.Addr, error)
	Family func(netip.Addr) bool        // whether an address's IP version is wanted
	Zone   func(string) (string, error) // the interface of a zone; nil: each is its own
	Warn   func(error)                  // told of each line that cannot be read

	mu      sync.Mutex
	refused []targets.Refusal
	bad     int
}

// Refused lists what was left out so far, and how many lines could not be read.
func (f *Feed) Refused() (list []targets.Refusal, unreadable int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(list, f.refused...), f.bad
}

func (f *Feed) refuse(r targets.Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.refused {
		if f.refused[i].What == r.What && f.refused[i].Why == r.Why {
			f.refused[i].Count += r.Count
			return
		}
	}
	f.refused = append(f.refused, r)
}

// fed is one target on its way to a loop, or why there is none. The zero
// value is the place of one that is left out.
type fed struct {
	Target
	failure string // the name could not be looked up
}

func (f *fed) leftOut() bool { return f.Port == 0 }

// feedAhead is how many targets wait for each loop.
const feedAhead = 256

// A Distributor deals the targets of a feed out to the loops, in order.
type Distributor struct {
	feed  *Feed
	outs  []chan fed
	share share  // of the shard, before it is dealt out
	next  uint64 // ordinal of the next target
	mine  uint64 // how many were dealt out
	err   error
	mu    sync.Mutex
}

// NewDistributor deals out a shard of a feed's targets.
func NewDistributor(f *Feed, shard, shards uint64) *Distributor {
	return &Distributor{feed: f, share: share{shard, max(shards, 1)}}
}

// add is the channel of another loop.
func (d *Distributor) add() <-chan fed {
	out := make(chan fed, feedAhead)
	d.outs = append(d.outs, out)
	return out
}

// Run reads everything. The channels are closed at its end.
func (d *Distributor) Run(ctx context.Context) {
	defer func() {
		for _, out := range d.outs {
			close(out)
		}
	}()
	if err := d.all(ctx); err != nil && ctx.Err() == nil {
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
	}
}

// Failure is why not everything could be read, or nil.
func (d *Distributor) Failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *Distributor) all(ctx context.Context) error {
	pending := make(chan chan []fed, lookupsAhead)
	dealt := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		var err error
		for p := range pending {
			if err == nil {
				if err = d.deal(ctx, <-p); err != nil {
					cancel()
				}
			}
		}
		dealt <- err
	}()
	err := d.lines(ctx, pending)
	close(pending)
	if derr := <-dealt; err == nil {
		err = derr
	}
	return err
}

// lookupsAhead is how many names are looked up at a time.
const lookupsAhead = 64

// lines reads each list to its end, and starts a lookup for each name.
func (d *Distributor) lines(ctx context.Context, pending chan<- chan []fed) error {
	put := func(line targets.Line, list string) error {
		typed := list == ""
		p := make(chan []fed, 1)
		if line.Spec.Host == "" {
			err := d.feed.inZone(&line.Spec.Range)
			if err == nil {
				return d.expand(ctx, line, typed, pending)
			}
			if err = (&targets.LineError{Source: list, Line: line.At, Err: err}); d.feed.Strict {
				return err
			}
			d.feed.unreadable(err)
			return nil
		}
		go func() { p <- d.feed.lookUp(ctx, line, typed) }()
		select {
		case pending <- p:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, line := range d.feed.Hosts {
		if err := put(line, ""); err != nil {
			return err
		}
	}
	for _, list := range d.feed.Lists {
		for line, err := range targets.Lines(list, list.Name) {
			if err != nil {
				var bad *targets.LineError
				if !errors.As(err, &bad) || d.feed.Strict {
					return err
				}
				d.feed.unreadable(err)
				continue
			}
			if err := put(line, list.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// inZone gives the zone of a range as an interface's name.
func (f *Feed) inZone(r *targets.Range) error {
	if r.Zone() == "" || f.Zone == nil {
		return nil
	}
	name, err := f.Zone(r.Zone())
	if err != nil {
		return fmt.Errorf("%q: %w", r.First, err)
	}
	*r = r.In(name)
	return nil
}

func (f *Feed) unreadable(err error) {
	f.mu.Lock()
	f.bad++
	f.mu.Unlock()
	if f.Warn != nil {
		f.Warn(err)
	}
}

// maxExpanded bounds a block in a list, in addresses.
const maxExpanded = 1 << 24

// CheckBlock refuses a range of more addresses than a line may have.
func CheckBlock(r targets.Range) error {
	_, err := blockLen(r)
	return err
}

func blockLen(r targets.Range) (uint64, error) {
	var set targets.Set
	set.Add(r)
	n, ok := set.Count()
	if !ok || n > maxExpanded {
		return 0, fmt.Errorf("%v-%v: a block in a list, or with a zone, holds at most %d addresses; type larger ones out as arguments", r.First, r.Last, maxExpanded)
	}
	return n, nil
}

// expand deals out the addresses of a line, in chunks.
func (d *Distributor) expand(ctx context.Context, line targets.Line, typed bool, pending chan<- chan []fed) error {
	n, err := blockLen(line.Spec.Range)
	if err != nil {
		d.feed.unreadable(err)
		return nil
	}
	const chunk = 256
	var list []fed
	flush := func() error {
		p := make(chan []fed, 1)
		p <- list
		list = nil
		select {
		case pending <- p:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	order := targets.NewPermutation(n, 0) // neighbours far apart, here too
	for i := range n {
		list = d.feed.appendTargets(list, line.Spec.Range.At(order.At(i)), line, d.feed.Name, typed)
		if len(list) >= chunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return flush()
}

// appendTargets adds an address's targets, one for each port. Those of one that
// is left out keep their places in the order: what a name's address is, and
// what is excluded, may be another when a scan goes on.
func (f *Feed) appendTargets(list []fed, a netip.Addr, line targets.Line, name string, typed bool) []fed {
	ports := f.portsOf(line)
	rules := *f.Rules
	rules.AllowSpecial = rules.AllowSpecial || typed
	r, ok := rules.Allows(a)
	if ok && f.Family != nil && !f.Family(a) {
		r, ok = targets.Refusal{What: "IP version", Why: "not asked for (-4, -6)"}, false
	}
	if !ok {
		r.Count = uint64(len(ports))
		f.refuse(r)
		return append(list, make([]fed, len(ports))...)
	}
	if line.Name != "" {
		name = line.Name
	}
	for _, p := range ports {
		list = append(list, fed{Target: Target{Addr: a, Port: p, Name: name, Tag: line.Tag}})
	}
	return list
}

func (f *Feed) portsOf(line targets.Line) []uint16 {
	if len(line.Spec.Ports) > 0 {
		return line.Spec.Ports
	}
	return f.Ports
}

// lookUp makes a target of a name, for each port: at the first of its addresses
// whose version is wanted, in the resolver's order (RFC 6724).
func (f *Feed) lookUp(ctx context.Context, line targets.Line, typed bool) []fed {
	host := line.Spec.Host
	name := f.Name
	if name == "" {
		name = host
	}
	lookup := f.Lookup
	if lookup == nil {
		lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := lookup(ctx, host)
	for _, a := range addrs {
		if a = a.Unmap(); f.Family != nil && !f.Family(a) {
			continue
		}
		r := targets.Range{First: a, Last: a}
		if err = f.inZone(&r); err == nil {
			return f.appendTargets(nil, r.First, line, name, typed)
		}
		break
	}
	if len(addrs) == 0 || err == nil {
		err = &goal.NameError{Name: host, Versions: f.versions(), Err: err}
	}
	var list []fed
	for _, p := range f.portsOf(line) {
		list = append(list, fed{Target: Target{Port: p, Name: name, Tag: line.Tag}, failure: err.Error()})
	}
	return list
}

// versions are those of IP that are asked for, in a sentence.
func (f *Feed) versions() string {
	four, six := true, true
	if f.Family != nil {
		four, six = f.Family(netip.IPv4Unspecified()), f.Family(netip.IPv6Unspecified())
	}
	switch {
	case four && !six:
		return "IPv4"
	case six && !four:
		return "IPv6"
	}
	return "IP"
}

// deal gives targets to the loops whose turn it is.
func (d *Distributor) deal(ctx context.Context, list []fed) error {
	for _, t := range list {
		_, mine := d.share.number(d.next)
		d.next++
		if !mine {
			continue
		}
		out := d.outs[d.mine%uint64(len(d.outs))]
		d.mine++
		select {
		case out <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
