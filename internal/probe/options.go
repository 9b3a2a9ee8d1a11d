// The options of a scan.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/astable"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/internal/starttls"
)

// A Goal is how far each target is taken.
type Goal = goal.Goal

const (
	GoalTCP         = goal.TCP         // the port is open
	GoalHello       = goal.Hello       // the ServerHello has arrived
	GoalCertificate = goal.Certificate // the chain has arrived
	GoalFinished    = goal.Finished    // both Finished messages are verified
	GoalData        = goal.Data        // a request was sent, and the first bytes of the reply have arrived
)

// Options say what is probed, how far, and how fast.
type Options struct {
	Space *targets.Space // the targets that are numbered, permuted; may be nil
	Name  string         // the server name of all of them; empty: none
	Feed  *supply.Feed   // the targets that come one by one, after those; may be nil

	Goal   Goal
	TLS    handshake.Config // what a ClientHello offers; names and randoms are the scan's
	Worker *worker.Worker
	// Preamble is what precedes TLS; nil: nothing. With GoalTCP it is not said.
	Preamble *starttls.Profile
	Request  []byte // with GoalData: what is sent
	Path     string // instead: an HTTP GET for this path, with the target's own name as host
	DataMax  int    // bytes of the reply that are kept

	// AuditConnections has each target audited, by so many connections at most; 0: none
	// is. They follow one another.
	AuditConnections int

	Rate        float64 // packets a second; 0: as fast as it goes
	MaxInFlight int     // targets between their SYN and their result
	MaxConns    int     // those of them that have answered; 0: all
	Retries     int     // SYNs after the first
	Timeout     time.Duration
	PerNetwork  float64        // new targets a second in each /24 or /48; 0: without limit
	PerAS       float64        // the same of each autonomous system
	ASes        *astable.Table // that says which; with PerAS
	MaxMemory   uint64         // bytes of heap in use above which no targets are begun; 0: without limit

	Seed          uint64
	Shard, Shards uint64 // one of so many parts, from 0; 0 of 0 is all

	Keep   store.Keeper      // where the checkpoint goes; nil: there is none
	Scan   string            // what is probed, as text that is different for each scan
	Resume *store.Checkpoint // where an earlier run stopped; may be nil

	// Prepared says that the process will not be able to put up another guard later:
	// what else holds where the first does not is put up at once, if it may be.
	Prepared bool

	Via   route.Via
	Link  link.Kind    // link.KindAuto, KindPacket, KindRaw or KindXDP
	ECN   wire.ECNMode // that SYNs ask for
	Loops int
	Ports int    // our ports, for each loop; fewer if no more are free in a row
	Kept  *Ports // where they come from, and go; nil: they are the scan's alone
	Ring  int    // bytes of each receive ring; 0: link.DefaultRing

	Wrap func(link.Ring) link.Ring // stands before each link, for tests; may be nil

	Fields *record.Fields
	Whole  *record.Written // write certificates whole; nil: do not
	Raw    bool            // write randoms, session IDs, tickets and primes
	Only   map[string]bool // the outcomes whose results are written; nil: all. Others are only counted

	MaxResults uint64        // results written, after which the scan ends; 0: without limit
	MaxRuntime time.Duration // after which it ends; 0: without limit
}

// Defaults of the command line.
const (
	DefaultRate        = 2000
	DefaultMaxInFlight = 20000 // and of those that have answered, see Options.EnoughInFlight
	DefaultRetries     = 1
	DefaultTimeout     = 8 * time.Second
	DefaultPorts       = 256
	DefaultDataMax     = 1024

	// MaxTimeout keeps times within what a slot can tell.
	MaxTimeout = 10 * time.Minute
)

// gap is how long after a number of SYNs the next one follows: 1, 2, 4, …
// seconds (RFC 6298, section 5), or silence, after the last.
func (o *Options) gap(tries int) time.Duration {
	if tries > o.Retries {
		return o.Timeout
	}
	return min(time.Second<<(tries-1), o.Timeout)
}

// EnoughInFlight is a MaxInFlight that does not slow the Rate down even where
// nobody answers: a silent target occupies its place until the last SYN's time is over,
// but only the few bytes of its slot.
func (o *Options) EnoughInFlight() int {
	var silence time.Duration
	for tries := 1; tries <= o.Retries+1; tries++ {
		silence += o.gap(tries)
	}
	begun := o.Rate / float64(o.Retries+1) // in a second
	return int(min(max(begun*silence.Seconds()*inFlightMargin, DefaultMaxInFlight), maxSlots))
}

// inFlightMargin is for what comes in bursts.
const inFlightMargin = 1.1
