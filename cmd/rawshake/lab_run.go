//go:build linux

// `rawshake lab run`: a lab for as long as one command runs.

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/internal/outfile"
)

// labFlags say what kind of lab is made.
type labFlags struct {
	topology   string
	seed       uint64
	impairment netem.Impairment
	log        string
}

func (f *labFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.SetInterspersed(false) // what follows is the command's
	fl.StringVar(&f.topology, "topology", "", "a YAML file, or a built-in one: two-hosts (default), router, wide, mixed, bare")
	fl.Uint64Var(&f.seed, "seed", 0, "of all that is lost, doubled and overtaken: the same seed does the same to the same traffic")
	f.registerImpairment(cmd)
	fl.StringVar(&f.log, "log", "", "write what the links lose, double and hold back to this file, a line each")
}

// registerImpairment adds the flags that say what a link does to packets.
func (f *labFlags) registerImpairment(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.Var(&f.impairment.Loss, "loss", "on every link: how many packets are lost, such as 5%")
	fl.Var(&f.impairment.Duplicate, "duplicate", "how many come twice")
	fl.Var(&f.impairment.Reorder, "reorder", "how many are overtaken by later ones")
	fl.DurationVar(&f.impairment.Latency, "latency", 0, "how long a packet is under way, such as 20ms; --delay is the same")
	fl.DurationVar(&f.impairment.Jitter, "jitter", 0, "by how much that varies at most, up and down, such as 5ms")
	fl.Var(&f.impairment.Rate, "rate", "how much a link carries, such as 10mbit")
	fl.IntVar(&f.impairment.BlackHole, "black-hole", 0, "larger IP packets than this are lost without a word, in bytes")
	fl.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "delay" { // as tc-netem has it
			name = "latency"
		}
		return pflag.NormalizedName(name)
	})
}

// impairment returns the impairment flags that were given, and their values.
func impairment(cmd *cobra.Command) map[string]string {
	given := map[string]string{}
	for _, name := range []string{"loss", "duplicate", "reorder", "latency", "jitter", "rate", "black-hole"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			given[name] = flag.Value.String()
		}
	}
	return given
}

// load reads the topology and lays the flags over it.
func (f *labFlags) load(cmd *cobra.Command) (lab.Topology, error) {
	t, err := lab.LoadTopology(f.topology)
	if err != nil {
		return t, usageError("--topology: %v", err)
	}
	if cmd.Flags().Changed("seed") {
		t.Seed = f.seed
	}
	for name, value := range impairment(cmd) {
		for i := range t.Links {
			if err := t.Links[i].Impairment.Set(name, value); err != nil {
				return t, usageError("--%v", err)
			}
		}
	}
	if err := t.Check(); err != nil {
		return t, usageError("%v", err)
	}
	return t, nil
}

func newLabRun() *cobra.Command {
	var f labFlags
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARG…]",
		Short: "Make a lab, run a command in it, and take it away",
		Long: `run makes a private network, runs a command in its first node, and takes the
network away when the command ends; the exit status is the command's (126: it
cannot be run, 127: it is not there). Nodes have names there, the services'
certificates verify, and nothing leads out.

The same seed loses the same packets of the same traffic each time: a packet's
fate hangs on what it is in its conversation (the third segment of data from
the server, sent for the first time), not on when it comes.`,
		Example: `  rawshake lab run -- rawshake connect server.lab.test
  rawshake lab run --loss 10% --seed 42 -- curl https://server.lab.test/
  rawshake lab run --topology net.yaml -- make test`,
		Args: needsCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := f.load(cmd)
			if err != nil {
				return err
			}
			if !netns.Inside() {
				return enterLab(cmd.Context())
			}
			return f.run(cmd.Context(), t, args)
		},
	}
	f.register(cmd)
	return cmd
}

func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("%[1]s needs a command: rawshake %[1]s -- COMMAND", named(cmd))
	}
	return nil
}

func (f *labFlags) run(ctx context.Context, t lab.Topology, args []string) error {
	options := []lab.Option{lab.With(t)}
	if f.log != "" {
		log, err := f.openLog()
		if err != nil {
			return err
		}
		defer log.Close()
		options = append(options, lab.NetemLog(&netemLog{file: log}))
	}
	l, err := lab.New(ctx, options...)
	if err != nil {
		return failure(err)
	}
	defer l.Close()
	if err := l.NameNodes(); err != nil {
		return failure(err)
	}
	environment, err := l.Environment()
	if err != nil {
		return failure(err)
	}
	done := make(chan struct{})
	defer close(done)
	go l.ReapOrphans(done)

	c := l.Near().Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), environment...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		return notStarted(args[0], err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Signal(syscall.SIGTERM) })
	defer stop()
	if err := c.Wait(); c.ProcessState == nil {
		return failure(err)
	}
	if status := c.Status(); status != exitOK {
		return &statusError{status, nil}
	}
	return nil
}

// openLog opens the file that records what the links do. It is opened for
// appending, so that it can be emptied while its lab stands.
func (f *labFlags) openLog() (*os.File, error) {
	file, err := createFile(f.log, outfile.Private)
	if err != nil {
		return nil, fileError("--log", err)
	}
	if flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0); err == nil {
		_, _ = unix.FcntlInt(file.Fd(), unix.F_SETFL, flags|unix.O_APPEND)
	}
	return file, nil
}

// A netemLog is a file that warns, once, when it cannot be written.
type netemLog struct {
	file *os.File
	told sync.Once
}

func (l *netemLog) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	if err != nil {
		l.told.Do(func() { fmt.Fprintf(os.Stderr, "rawshake: warning: --log: %v; going on without\n", err) })
	}
	return n, err
}

// The statuses of a command that did not start, as in a shell.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

func notStarted(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &statusError{exitNotFound, fmt.Errorf("there is no program %s in the folders of $PATH, nor at that path", name)}
	}
	var reason syscall.Errno
	if errors.As(err, &reason) {
		err = reason
	}
	return &statusError{exitNotExecutable, fmt.Errorf("%s cannot be run: %w", name, err)}
}
