//go:build linux

// `rawshake guard run`: a command of the user's behind a guard.

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/rawtcp/guard"
)

// portsForRun is how many ports are chosen if none are named: a power of two.
// They begin at a multiple of it, as masscan wants for its source ports.
const portsForRun = 128

func newGuardRun() *cobra.Command {
	var f guardFlags
	var named string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "run [--ports FIRST-LAST] -- COMMAND [ARGUMENT…]",
		Short: "Run a raw-socket program under a guard that ends with it",
		Long: `run puts up a guard, runs the command, and takes the guard down with it; also
when it is killed. Without --ports, ` + fmt.Sprint(portsForRun) + ` free ones are chosen, which begin at a
multiple of ` + fmt.Sprint(portsForRun) + `: masscan, which finds a port by masking its number, takes no
range that is not a power of two in size, and aligned. The command finds them in
$RAWSHAKE_PORTS (FIRST-LAST), $RAWSHAKE_FIRST_PORT and $RAWSHAKE_LAST_PORT, and in
its arguments for {ports}, {first} and {last}.

The listener guard, which needs no privilege, holds the ports as well: a
command that binds them itself needs --guard nftables.

Exit status: the command's own (126: it cannot be run, 127: it is not there);
128 and the signal's number if one ended it.`,
		Example: "  rawshake guard run -- masscan --source-port {ports} -p443 198.18.0.0/24\n  rawshake guard run --ports 4000-4010 -- ./my-tcp",
		Args:    needsCommand,
		RunE: func(_ *cobra.Command, args []string) error {
			addrs, first, last, err := f.scope()
			if err != nil {
				return err
			}
			kind, err := oneOf("--guard", named, runGuards...)
			if err != nil {
				return err
			}
			g, err := guard.OpenRange(guard.RangeOptions{Kind: kind, Addrs: addrs, First: first, Last: last, Count: portsForRun, Aligned: true})
			if err != nil {
				return guardError(err, autoKind)
			}
			defer g.Close()
			if !quiet {
				fmt.Fprintf(os.Stderr, "guard: %s\n", g.Describe())
				if g.Kind() != guard.KindListener { // which holds the ports
					first, last := g.Ports()
					warnOfConflicts(addrs, first, last)
				}
			}
			return runUnder(g, args)
		},
	}
	f.register(cmd, fmt.Sprintf("the ports to guard, FIRST-LAST or one (default: %d free ones)", portsForRun))
	cmd.Flags().SetInterspersed(false) // what follows is the command's
	cmd.Flags().StringVar(&named, "guard", "auto", "which guard: auto, listener, nftables")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing, only what the command says")
	return cmd
}

// runUnder runs the command and ends with its status.
func runUnder(g guard.Range, args []string) error {
	first, last := g.Ports()
	ports := fmt.Sprintf("%d-%d", first, last)
	fill := strings.NewReplacer("{ports}", ports, "{first}", fmt.Sprint(first), "{last}", fmt.Sprint(last))
	var words []string
	for _, a := range args {
		words = append(words, fill.Replace(a))
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "RAWSHAKE_PORTS="+ports, fmt.Sprintf("RAWSHAKE_FIRST_PORT=%d", first), fmt.Sprintf("RAWSHAKE_LAST_PORT=%d", last))
	// The command must not go on without the guard. Its death signal is bound
	// to this thread.
	runtime.LockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return notStarted(words[0], err)
	}
	held.opened(false) // the guard ends with this process
	go func() {        // an interrupt reaches the command from the terminal itself
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return failure(err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return &statusError{128 + int(status.Signal()), nil}
	}
	return &statusError{exit.ExitCode(), nil}
}
