// Package connect is the blocking driver of one connection: it opens it, does
// the work that the machines ask for, carries a request and its reply, closes
// in good order, and writes the transcript.
package connect

import (
	"context"
	"crypto/rand"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/conn"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// closeTimeout bounds the wait for the peer's half of an orderly end.
const closeTimeout = 2 * time.Second

// failedCloseTimeout is the same for a peer that has failed already.
const failedCloseTimeout = 200 * time.Millisecond

// Options say what to connect to, how, and how far.
type Options struct {
	Remote  netip.AddrPort
	Others  []netip.AddrPort // tried in this order if Remote cannot be reached
	Dialer  rawtcp.Dialer    // how to connect; Run sets its hooks itself. Link may be LinkKernel
	ECN     wire.ECNMode     // that our SYN asks for; not with LinkKernel
	Goal    goal.Goal
	Timeout time.Duration // for reaching the goal; with goal.Data, also for each silence of the peer

	TLS    handshake.Config // Run sets Random and Events; not used with goal.TCP
	Worker *worker.Worker

	// Preamble is what precedes TLS; nil: nothing. Behind a proxy, Remote is the
	// proxy, and Host and Port are whom it is asked for.
	Preamble *starttls.Profile
	Host     string
	Port     uint16

	Request io.Reader // with goal.Data: what is sent
	// HTTP says that the request is a GET in HTTP/1.1. Then the reply's own
	// length says whether it is whole, and the bounds apply.
	HTTP bool
	// KeyUpdate has both sides of a connection of TLS 1.3 change their keys before
	// the request. TLS.EarlyData, if not nil, is the Request: it is sent again once
	// the handshake is done, unless the server has taken it.
	KeyUpdate bool
	MaxTime   time.Duration // for the whole reply; 0: DefaultMaxTime
	MaxSize   int64         // of the whole reply, in bytes; 0: DefaultMaxSize
	Output    io.Writer     // with goal.Data: where the reply goes

	Recorder *transcript.Recorder
	Capture  *capture.Writer // every packet, decisions as comments, and secrets; may be nil
	KeyLog   *capture.KeyLog // may be nil
	Warn     func(error)     // called once for a capture or key log that cannot be written
	Tell     func(string)    // called when another address is tried, with the reason; may be nil

	// Gate, if not nil, makes the gatekeeper that sees every packet before it
	// passes, and that may note what it did. Our clock stands still meanwhile.
	Gate func(note func(text string)) link.Gatekeeper

	// Opened, if not nil, is called once, when nothing more has to be opened: no
	// other address will be tried, and no packet of the last one has been looked at.
	Opened func()

	Session func(*handshake.Session) // called at the end with a session that can be resumed; may be nil
}

// Run makes one connection. The result is also the transcript's last entry.
// The error is why the goal was not reached, or nil.
func Run(ctx context.Context, o Options) (transcript.Result, error) {
	r := &run{Options: o, start: time.Now(), within: o.Timeout, story: goal.NewStory(false)}
	o.Recorder.AlsoTell(func(e *transcript.Entry) { r.story.Entry(e) })
	if o.Capture != nil {
		o.Recorder.AlsoTell(r.comment)
	}
	err := r.run(ctx)
	result := resultOf(o.Goal, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	result.Link, result.RTT = r.link, r.rtt
	result.Reasons = r.story.Reasons(result.Outcome, err)
	o.Recorder.Result(r.now(), result)
	if r.kept != nil && o.Session != nil {
		o.Session(r.session())
	}
	return *o.Recorder.Transcript().Result(), err
}

// session is the last that came, with its age.
func (r *run) session() *handshake.Session {
	s := *r.kept
	s.Age = uint32(time.Since(r.keptAt).Milliseconds())
	return &s
}

// run is one connection in progress.
type run struct {
	Options
	start   time.Time
	within  time.Duration // the time left for reaching the goal
	asked   asked         // what the request is, if it is not our own
	story   *goal.Story   // of the address that is tried
	conn    transport
	machine machine

	last bool // no other address is left

	// Functions that depend on the transport.
	established func() bool
	preceding   func() bool // what precedes TLS is not over
	waiting     func() string
	finalNote   func() // may be nil
	softError   func() string

	mu     sync.Mutex // guards the recorder and the files
	asking bool       // a ClientHello with TLS 1.3 was made, and nothing has come since
	kept   *handshake.Session
	keptAt time.Time
	local  netip.AddrPort // ours, once the SYN has left
	link   string         // its kind, once it is open
	rtt    time.Duration  // if segments do not tell
}

func (r *run) now() time.Duration { return time.Since(r.start) }

func (r *run) run(ctx context.Context) error {
	if err := r.establish(ctx); err != nil {
		return err
	}
	r.opened()
	err := r.reach(ctx)
	if err == nil && r.Goal == goal.Data {
		err = r.exchange(ctx)
	}
	r.end(ctx, err)
	if err == nil && r.Goal == goal.Finished {
		err = r.refused()
	}
	return err
}

// gate puts the gatekeeper between the link and the stack. A packet of ours is
// shown as soon as it is decided on, before anybody looks at another, rather
// than when the stack has sent all that was due.
func (r *run) gate() {
	held := func() time.Duration { return 0 }
	decide := r.Gate(func(text string) { r.note("link", "dropped_by_hand", text) })
	keeper := func(p link.Packet, out bool, behind int) bool {
		pass := decide(p, out, behind)
		if out {
			r.frame(rawtcp.Frame{Out: true, Packet: p.Data})
		}
		return pass
	}
	r.Dialer.Stack.Tap = func(f rawtcp.Frame) {
		if !f.Out || f.KernelSent || f.Err != nil {
			r.frame(f)
		}
	}
	r.Dialer.Wrap = func(l link.Link) link.Link {
		l, held = link.Gate(l, keeper)
		return l
	}
	r.Dialer.Stack.Held = func() time.Duration { return held() }
}

// beforeLast has Opened called between the link of the last address and its first
// packet.
func (r *run) beforeLast() {
	if !r.last {
		return
	}
	wrap := r.Dialer.Wrap
	r.Dialer.Wrap = func(l link.Link) link.Link {
		r.opened()
		if wrap != nil {
			l = wrap(l)
		}
		return l
	}
}

// opened tells, once, that nothing more is opened.
func (r *run) opened() {
	if r.Opened != nil {
		r.Opened()
		r.Opened = nil
	}
}

// open sets everything up and sends the SYN.
func (r *run) open(ctx context.Context) (err error) {
	r.Dialer.Stack = rawtcp.StackConfig{Tap: r.frame, Dropped: r.dropped}
	if r.Gate != nil {
		r.gate()
	}
	r.beforeLast()
	r.Dialer.Notes = r.note
	r.Dialer.Events = r.tcpEvent
	r.Dialer.Build = r.build
	setup, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	if r.Dialer.Link == LinkKernel {
		return r.openKernel(setup)
	}
	conn, err := r.Dialer.Open(setup, r.Remote)
	r.conn = conn
	return rawtcp.Cause(err)
}

func (r *run) build(cfg tcb.Config) endpoint.Machine {
	cfg.ECN = r.ECN
	tcp := tcb.New(cfg)
	var tls *handshake.Client
	if r.Goal != goal.TCP {
		tls = handshake.NewClient(r.tlsConfig())
	}
	ses := conn.New(tcp, tls)
	if r.Preamble != nil {
		ses.Precede(starttls.NewMachine(r.Preamble, r.precedingIdentity()))
	}
	r.machine = ses
	r.established = func() bool { return ses.State() >= tcb.Established }
	r.preceding = ses.Preceding
	r.waiting = func() string { return waitingFor(ses) }
	r.softError = tcp.SoftError
	return ses
}

// tlsConfig completes the configuration.
func (r *run) tlsConfig() handshake.Config {
	rand.Read(r.TLS.Random[:])
	r.TLS.Events = r.tlsEvent
	return r.TLS
}

// reach drives the connection to its goal.
func (r *run) reach(ctx context.Context) error {
	until := min(r.Goal, goal.Finished)
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	for {
		var work handshake.Work
		var busy, done bool
		var failure error
		waitErr := r.conn.Wait(ctx, func() bool {
			failure = r.machine.Err()
			done = r.at(until)
			work, busy = r.machine.Work()
			return done || busy || failure != nil
		})
		switch {
		case waitErr != nil:
			return r.gaveUp(ctx, waitErr)
		case done:
			return r.verdict()
		case failure != nil:
			return r.explain(failure)
		}
		result := r.Worker.Do(work)
		r.conn.Do(func(tcb.Instant) { r.machine.Resume(result) })
	}
}

// at reports whether the connection has reached a goal.
func (r *run) at(g goal.Goal) bool {
	if g == goal.TCP {
		return r.established() && !r.preceding()
	}
	tls := r.machine.TLS()
	if tls.ECH() == handshake.ECHRejected {
		return false // it ends with what the server offers in its place
	}
	switch g {
	case goal.Hello:
		return tls.Stage() >= handshake.StageHelloReceived
	case goal.Certificate:
		return tls.State().Judged && !tls.AwaitsStatus()
	}
	return tls.Stage() >= handshake.StageFinished
}

// end closes the connection in good order, even if the goal comes before the
// end of the handshake, unless the user wants to leave at once.
func (r *run) end(ctx context.Context, failure error) {
	if r.finalNote != nil {
		r.finalNote()
	}
	patience := closeTimeout
	switch {
	case ctx.Err() != nil:
		r.conn.Abort()
		return
	case r.Gate != nil: // a person looks at the end too
		patience = r.Timeout
	case failure != nil:
		patience = failedCloseTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.conn.Shutdown(ctx)
}
