// One run: two hosts, their connections, and what is left at the end.

package simnet

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// Bounds of one run. A run that exceeds them counts as endless.
const (
	maxSteps = 2_000_000
	maxTime  = 30 * time.Hour
)

const listenPort = 80

// A world is one run: a network of two hosts, with users on both.
type world struct {
	plan   plan
	net    *Network
	seen   *bystander
	hosts  [2]*Host
	users  []*user
	cover  Coverage
	ladder *ladder
	wait   map[netip.AddrPort]*connPlan // connections that the second host is to accept, by the first's port
	listen *endpoint.Listening
	boots  int
	// cookies says whether the newest connection from a port began with one.
	cookies map[uint16]bool
	served  map[uint16]bool // whether a connection from there has had a user
}

// Run plays one seed and checks the package's invariants. With a trace it also
// writes a ladder of what happened.
func Run(seed uint64, trace io.Writer) Result {
	w := newWorld(seed, trace)
	w.begin()
	for w.net.Step() {
		if w.net.steps%64 == 0 {
			w.weigh()
		}
		if w.net.steps >= maxSteps || w.net.now.Sub(Epoch) > maxTime {
			w.net.Failf("does not come to an end: %d steps", w.net.steps)
		}
	}
	w.judge()
	if w.ladder != nil {
		w.ladder.write(trace, w.plan.String())
	}
	return Result{Seed: seed, Err: w.net.err, Digest: w.seen.digest, Packets: w.seen.sent, Steps: w.net.steps, Coverage: w.cover}
}

// A Result is the result of a run.
type Result struct {
	Seed     uint64
	Err      error  // which invariant did not hold
	Digest   uint32 // of all packets, and of when each was sent
	Packets  int
	Steps    int
	Coverage Coverage
}

func newWorld(seed uint64, trace io.Writer) *world {
	w := &world{plan: newPlan(seed), net: New(), cover: Coverage{}, wait: map[netip.AddrPort]*connPlan{}, cookies: map[uint16]bool{}, served: map[uint16]bool{}}
	w.seen = newBystander(w.net, w.count)
	if trace != nil {
		w.ladder = &ladder{}
		w.seen.ladder = w.ladder
	}
	w.net.Watch = w.seen
	for i, name := range [...]string{"A", "B"} {
		w.hosts[i] = w.net.Host(name, w.plan.address(i), w.hostConfig(i))
	}
	w.net.Join(w.hosts[0], w.hosts[1], w.plan.impairments[0], w.plan.impairments[1], seed)
	return w
}

func (w *world) hostConfig(i int) endpoint.Config {
	w.boots++
	var secret [32]byte
	binary.BigEndian.PutUint64(secret[:], w.plan.seed)
	secret[31] = byte(w.boots)
	return endpoint.Config{Secret: secret, Dropped: func(why string) { w.dropped(i, why) }}
}

func (w *world) count(kind, name string) { w.cover[Seen{kind, name}]++ }

func (w *world) begin() {
	w.startListening()
	for i := range w.plan.conns {
		c := &w.plan.conns[i]
		local := addr(w.hosts[0].Addr, 40000+i)
		w.net.After(c.at, func() { w.connect(c, local, 0) })
	}
	w.planTroubles()
	w.planAttacks()
}

func (w *world) startListening() {
	w.listen = &endpoint.Listening{
		Local: addr(w.hosts[1].Addr, listenPort), Backlog: w.plan.backlog,
		Configure: w.configureAccepted, Changed: func() { w.net.After(0, w.accept) },
	}
	if err := w.hosts[1].Endpoint.Listen(w.listen); err != nil {
		w.net.Failf("%w", err)
	}
}

// connect begins a connection.
func (w *world) connect(c *connPlan, local netip.AddrPort, again int) {
	h := w.hosts[0]
	remote := addr(w.hosts[1].Addr, listenPort)
	if h.asleep || w.hosts[1].asleep {
		return // its host is gone
	}
	switch c.opening {
	case openRefused:
		remote = addr(w.hosts[1].Addr, 81)
	case openBoth:
		remote = addr(w.hosts[1].Addr, int(local.Port())+1000)
		w.count("network", "simultaneous open")
		if u := w.open(w.hosts[1], remote, local, &c.ends[1]); u != nil {
			u.calm = w.plan.calm
		}
	default:
		w.wait[local] = c
	}
	u := w.open(h, local, remote, &c.ends[0])
	if u == nil {
		return
	}
	u.calm = w.plan.calm && again == 0
	if c.opening == openTwice && again < 2 {
		u.afterTheEnd = func() { w.connect(c, local, again+1) }
	}
}

// open opens a connection actively, unless there is one already.
func (w *world) open(h *Host, local, remote netip.AddrPort, p *userPlan) *user {
	cfg := h.Endpoint.Config(w.net.now, local, remote)
	p.configure(&cfg)
	cfg.Events = w.events(h.Name)
	m := tcb.New(cfg)
	f, err := h.Endpoint.Attach(local, remote, m)
	if err != nil {
		return nil
	}
	m.Open(w.net.now)
	u := w.use(fmt.Sprintf("%s:%d", h.Name, local.Port()), h, f, cfg.ISS, *p)
	u.touch()
	return u
}

func (w *world) configureAccepted(cfg *tcb.Config) {
	if c := w.wait[addr(w.hosts[0].Addr, int(cfg.RemotePort))]; c != nil {
		c.ends[1].configure(cfg)
	}
	cfg.Events = w.events("B")
	w.cookies[cfg.RemotePort] = cfg.SYNSent
	if cfg.SYNSent {
		w.seen.reborn(way{addr(w.hosts[0].Addr, int(cfg.RemotePort)), w.listen.Local})
	}
	for _, u := range w.users { // the new one takes its place
		if u.host == w.hosts[1] && u.flow.Remote.Port() == cfg.RemotePort && !u.done && !u.gone && u.conn.State() == tcb.TimeWait {
			w.count("endpoint", "TIME-WAIT reused")
			u.finish()
		}
	}
}

// accept gives connections that the second host has accepted their users.
func (w *world) accept() {
	for f := w.listen.Accept(); f != nil; f = w.listen.Accept() {
		port := f.Remote.Port()
		c := w.wait[f.Remote]
		s := w.seen.spaces[way{f.Local, f.Remote}]
		if c == nil || len(s) == 0 {
			continue
		}
		if w.cookies[port] {
			w.count("endpoint", "SYN cookie taken")
			if w.served[port] { // perhaps begun a second time: see bystander.reborn
				f.Machine.Abort()
				w.hosts[1].Endpoint.Touch(f)
				w.hosts[1].Flush()
				continue
			}
		}
		w.served[port] = true
		u := w.use(fmt.Sprintf("B:%d", port), w.hosts[1], f, s[len(s)-1].iss, c.ends[1])
		u.calm = w.plan.calm
	}
}

// events returns what takes the events of one host's connections.
func (w *world) events(host string) func(tcb.Event) {
	return func(e tcb.Event) {
		w.cover.event(e)
		if w.ladder != nil {
			w.ladder.event(w.net.now, host, e.String())
		}
	}
}

// weigh checks that nothing grows without bound.
func (w *world) weigh() {
	for _, h := range w.hosts {
		load := h.Endpoint.Load()
		most := 3 + w.plan.backlog + len(w.users)
		if load.Flows > most || load.Replies > 64 {
			w.net.Failf("%s holds %d connections and %d replies", h.Name, load.Flows, load.Replies)
		}
	}
	for _, u := range w.users {
		if held, most := u.conn.Held(); held > most {
			w.net.Failf("%s holds %d octets, and should not hold more than %d", u.name, held, most)
		}
	}
}

// judge checks what is left when nothing happens any more.
func (w *world) judge() {
	for _, u := range w.users {
		if !u.done && !u.gone {
			u.failf("rests in %v", u.conn.State())
		}
		peer := u.peer()
		if u.calm && peer != nil && peer.calm && !(u.whole || u.deaf) {
			u.failf("nothing was wrong, and it is not whole")
		}
	}
	for _, h := range w.hosts {
		if n := h.Endpoint.Load().Flows; n > 0 && !h.asleep {
			w.net.Failf("%s still holds %d connections", h.Name, n)
		}
	}
}
