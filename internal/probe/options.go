package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Goal is how far each target is taken.
type Goal uint8

const (
	GoalTCP         Goal = iota // the port is open
	GoalHello                   // the ServerHello has arrived
	GoalCertificate             // the chain has arrived
	GoalFinished                // both Finished messages are verified
	GoalData                    // a request was sent, and the first of the reply is there
)

// goalNames are how --until spells them; the outcome of the first is "open".
var goalNames = []string{"tcp", "hello", "certificate", "finished", "data"}

func (g Goal) String() string { return goalNames[g] }

// outcome is what reaching the goal is called.
func (g Goal) outcome() string {
	if g == GoalTCP {
		return "open"
	}
	return goalNames[g]
}

// ParseGoal reads a goal as --until spells it.
func ParseGoal(s string) (Goal, error) {
	for i, name := range goalNames {
		if s == name {
			return Goal(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", s, strings.Join(goalNames, ", "))
}

// Options say what is probed, how far, and how fast.
type Options struct {
	Space *targets.Space // the targets, permuted
	Name  string         // the server name of all of them; empty: none

	Goal    Goal
	TLS     handshake.Config // what a ClientHello offers; names and randoms are the scan's
	Worker  *worker.Worker
	Request []byte // with GoalData
	DataMax int    // bytes of the reply that are kept

	Rate        float64 // packets a second; 0: as fast as it goes
	MaxInFlight int     // targets between their SYN and their record
	Retries     int     // SYNs after the first
	Timeout     time.Duration

	Seed          uint64
	Shard, Shards uint64

	Via   link.Via
	Link  string // link.KindAuto, KindPacket or KindRaw
	Loops int
	Ports int // our ports, for each loop

	Fields *record.Fields
	Whole  bool // write certificates whole
}

// Defaults, where the command line says nothing.
const (
	DefaultRate        = 2000
	DefaultMaxInFlight = 20000
	DefaultRetries     = 1
	DefaultTimeout     = 8 * time.Second
	DefaultPorts       = 256
	DefaultDataMax     = 1024
)
