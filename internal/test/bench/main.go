// The flags of the command, and which part this process plays.

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/rawshake/rawshake/internal/lab/netns"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// Exit statuses, as the command's contract has them.
const (
	exitOK         = 0
	exitError      = 1
	exitUsage      = 2
	exitNotAllowed = 3
)

func main() { os.Exit(play(os.Args)) }

// play runs the part that this process has: a child, the conductor, or the
// caller that makes the conductor's namespaces.
func play(args []string) int {
	if os.Getenv(childVar) != "" {
		return childMain()
	}
	inside := netns.Inside()
	p, err := parse(args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if !inside {
		status, err := netns.Reexec(ctx, args)
		if err != nil {
			return fail(err)
		}
		return status
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, fmt.Errorf("not done after %v; -limit allows more, -n and -short need less", p.limit))
	defer cancel()
	if err := conduct(ctx, p, os.Stdout); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // not the errors that follow from it
		}
		return fail(err)
	}
	return exitOK
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "bench:", err)
	if errors.Is(err, netns.ErrForbidden) {
		return exitNotAllowed
	}
	return exitError
}

// A plan says how much is measured.
type plan struct {
	turns      int // of each contender
	handshakes int // measured in each turn
	warmup     int // before them, not measured
	slow       int // handshakes over the slow wire
	limit      time.Duration
	profiles   string // directory for CPU profiles; "": none
	scanner    bool   // the scanner's rows alone,
	tls13      bool   // of TLS 1.3
	link       string // by which probe sends
}

func parse(args []string, out io.Writer) (plan, error) {
	var p plan
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	short := f.Bool("short", false, "a quick run: every row, figures of little worth")
	f.IntVar(&p.turns, "turns", 7, "turns of each contender; the figures are medians over them")
	f.IntVar(&p.handshakes, "n", 300, "handshakes measured in a turn (a quarter of them where each connection opens its own sockets)")
	f.DurationVar(&p.limit, "limit", 80*time.Second, "take no turn that would end after three quarters of this time; end with an error after all of it")
	f.StringVar(&p.profiles, "profiles", "", "write a CPU profile of each contender into this `directory`")
	f.BoolVar(&p.scanner, "scanner", false, "the rows of probe alone")
	f.BoolVar(&p.tls13, "tls13", false, "with -scanner: TLS 1.3 in place of 1.2, on both sides")
	f.StringVar(&p.link, "link", string(link.KindPacket), "the link of probe: packet or xdp")
	if err := f.Parse(args); err != nil {
		return p, err
	}
	if p.tls13 && !p.scanner {
		err := errors.New("-tls13 goes with -scanner")
		fmt.Fprintln(out, err)
		return p, err
	}
	if f.NArg() > 0 || p.turns < 1 || p.handshakes < 1 {
		err := errors.New("bench takes flags alone, and at least one turn of one handshake")
		fmt.Fprintln(out, err)
		return p, err
	}
	if *short {
		p.turns, p.handshakes = 1, 30
	}
	p.warmup = max(p.handshakes/5, 5)
	p.slow = max(min(p.handshakes/10, 15), 1)
	return p, nil
}
