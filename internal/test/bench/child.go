// The processes that are measured: how they start, and what they are told and
// tell.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// childVar tells a process that it is a child, and on which CPU to stay.
const childVar = "RAWSHAKE_BENCH_CPU"

// pinnedVar tells it that it is on that CPU already.
const pinnedVar = "RAWSHAKE_BENCH_PINNED"

// An entrant is what is measured: a contender, and how many handshakes it has
// in flight at a time.
type entrant struct {
	Role    string
	AtATime int
}

// A task is what a child reads from standard input, as JSON.
type task struct {
	entrant
	Handshakes int
	Warmup     int
	Profile    string // a file for a CPU profile, or ""

	Server     netip.AddrPort // for clients: where the server listens
	Source     netip.Addr     // for our clients: the source address
	CA         []byte         // DER
	Cert, Key  []byte         // DER, the server's own: key in PKCS #8
	ServerName string
	TLS13      bool   // in place of 1.2
	Link       string // by which probe sends
}

// A report is what a child writes to standard output, as JSON. Times are in
// nanoseconds for one handshake, or one operation.
type report struct {
	CPU   float64            // user and system, of the whole process
	Wall  float64            // median latency
	Parts map[string]float64 // of the floor, and of the in-memory rows
	// Negotiated is for checking that all did the same.
	Negotiated string

	Sent, Received float64 // packets, as the conductor counts them on the link
}

// childMain pins the process, does its task, and answers.
func childMain() int {
	if err := pin(os.Getenv(childVar)); err != nil {
		return childFail("pin to a CPU", err)
	}
	var t task
	decoder := json.NewDecoder(os.Stdin)
	if err := decoder.Decode(&t); err != nil {
		return childFail("read the task", err)
	}
	if t.Role == roleServer {
		if err := serve(&t, io.MultiReader(decoder.Buffered(), os.Stdin)); err != nil {
			return childFail(t.Role, err)
		}
		return exitOK
	}
	r, err := t.perform()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		return childFail(t.Role, err)
	}
	return exitOK
}

func childFail(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return exitError
}

// pin puts the process on one CPU. The threads that Go's runtime has started
// already cannot be reached one by one without a race, so the process executes
// itself once more. Then all threads inherit the affinity of the one that does,
// and the runtime finds one CPU.
func pin(cpu string) error {
	if os.Getenv(pinnedVar) != "" {
		runtime.GOMAXPROCS(1)
		return nil
	}
	n, err := strconv.Atoi(cpu)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(n)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return os.NewSyscallError("sched_setaffinity", err)
	}
	env := append(os.Environ(), pinnedVar+"=1", "GOMAXPROCS=1")
	return os.NewSyscallError("execve", unix.Exec("/proc/self/exe", os.Args, env))
}

// perform does a client's task.
func (t *task) perform() (*report, error) {
	if t.Profile != "" {
		f, err := os.Create(t.Profile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	switch t.Role {
	case roleFloor:
		return floor(t)
	case roleMemory:
		return memory(t)
	case roleServing:
		return memoryServer(t)
	}
	return handshakes(t)
}

// run does a task in a child on a node, pinned to a CPU, and waits for it.
func run(ctx context.Context, node *lab.Node, cpu int, t task) (*report, error) {
	var out, errs bytes.Buffer
	in, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	child := childCommand(ctx, node, cpu)
	child.Stdin, child.Stdout, child.Stderr = bytes.NewReader(in), &out, &errs
	if err := child.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s: %w: %s", t.Role, err, strings.TrimSpace(errs.String()))
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("%s: its report does not parse: %w", t.Role, err)
	}
	return &r, nil
}

func childCommand(ctx context.Context, node *lab.Node, cpu int) *netns.Cmd {
	child := node.CommandContext(ctx, "/proc/self/exe")
	child.Env = append(os.Environ(), childVar+"="+strconv.Itoa(cpu))
	return child
}

// twoCPUs picks a CPU for the clients and one for the server, from those that
// this process may use.
func twoCPUs() (client, server int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, os.NewSyscallError("sched_getaffinity", err)
	}
	if set.Count() < 2 {
		return 0, 0, errors.New("client and server need a CPU each, and this process may use one only (taskset -p shows it)")
	}
	var found []int
	for n := 0; len(found) < 2; n++ {
		if set.IsSet(n) {
			found = append(found, n)
		}
	}
	// The lowest CPU, which tends to handle the machine's interrupts, is the
	// server's.
	return found[1], found[0], nil
}
