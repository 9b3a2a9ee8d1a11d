//go:build linux

// `rawshake guard` with up, down and status.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/guard"
)

// guardFlags are what the subcommands of `guard` have in common.
type guardFlags struct {
	ports     string
	addresses []string
}

func newGuard() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "guard",
		Short: "Keep the kernel's RSTs away from the ports of any raw-socket program",
		Long: `guard keeps this machine's kernel from resetting connections that a program
makes with its own segments. It concerns the ports named, and nothing else.
connect and probe have a guard of their own and need none of this.`,
		Args: cobra.ArbitraryArgs,
		RunE: onlySubcommands,
	}
	cmd.AddCommand(newGuardRun(), newGuardUp(), newGuardDown(), newGuardStatus())
	return cmd
}

func (f *guardFlags) register(cmd *cobra.Command, ports string) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.ports, "ports", "", ports)
	fl.StringSliceVar(&f.addresses, "address", nil, "our address, of either IP version; may be given again (default: every address)")
}

// scope reads the flags. First is 0 where no ports were named.
func (f *guardFlags) scope() (addrs []netip.Addr, first, last uint16, err error) {
	for _, text := range f.addresses {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, 0, 0, usageError("--address %q is not an IP address", text)
		}
		addrs = append(addrs, a.Unmap())
	}
	if f.ports == "" {
		return addrs, 0, 0, nil
	}
	low, high, isRange := strings.Cut(f.ports, "-")
	if !isRange {
		high = low
	}
	if first, err = targets.ParsePort(low); err == nil {
		last, err = targets.ParsePort(high)
	}
	if err != nil {
		return nil, 0, 0, usageError("--ports %s: %v; give PORT or FIRST-LAST", f.ports, err)
	}
	if last < first {
		return nil, 0, 0, usageError("--ports %s: the first port is above the last", f.ports)
	}
	return addrs, first, last, nil
}

func newGuardUp() *cobra.Command {
	var f guardFlags
	cmd := &cobra.Command{
		Use:   "up --ports FIRST-LAST",
		Short: "Put up a guard that stays until it is taken down",
		Long: `up adds a rule to the nftables table inet ` + guard.LastingTable + `, which drops
the RSTs that the kernel itself would send from the ports. It stays until
'rawshake guard down'. Doing it twice is harmless. It needs CAP_NET_ADMIN;
'rawshake guard run' needs no privilege.`,
		Example: "  sudo rawshake guard up --ports 61000-61999\n  sudo rawshake guard up --ports 4000 --address 198.18.0.1",
		Args:    takes(),
		RunE: func(*cobra.Command, []string) error {
			addrs, first, last, err := f.scope()
			if err != nil {
				return err
			}
			if first == 0 {
				return usageError("guard up needs --ports FIRST-LAST")
			}
			n, err := guard.Raise(addrs, first, last, raisedBy())
			if err != nil {
				return guardError(err, runInstead)
			}
			what := &guard.Found{Addrs: addrs, First: first, Last: last}
			stands := "stands"
			if n == 0 {
				stands = "stands already"
			}
			fmt.Fprintf(os.Stderr, "a guard over %v %s, until: rawshake guard down\n", what, stands)
			warnOfConflicts(addrs, first, last)
			return nil
		},
	}
	f.register(cmd, "the ports to guard, FIRST-LAST or one")
	return cmd
}

// raisedBy is the comment that says whose a guard is.
func raisedBy() string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if by := os.Getenv("SUDO_USER"); by != "" {
		name = by + " by sudo"
	}
	return fmt.Sprintf("rawshake guard up, %s, %s", name, time.Now().UTC().Format("2006-01-02 15:04 MST"))
}

// warnOfConflicts says where a guard that holds no port can touch others.
func warnOfConflicts(addrs []netip.Addr, first, last uint16) {
	if low, high, err := guard.EphemeralPorts(); err == nil && first <= high && last >= low {
		fmt.Fprintf(os.Stderr, "note: the kernel gives ports %d-%d to its own connections, whose RSTs are dropped where the two overlap: choose ports outside\n", low, high)
	}
	if err := guard.CheckFree(addrs, first, last); errors.Is(err, guard.ErrPortInUse) {
		fmt.Fprintf(os.Stderr, "note: a program's own RSTs are dropped too: %v\n", err)
	}
}

func newGuardDown() *cobra.Command {
	var f guardFlags
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take down what 'guard up' left standing",
		Long: `down takes away what 'guard up' made: of the ports and addresses named, or all
of it. Doing it twice is harmless. The guards of running programs end with
those, and are left alone.`,
		Args: takes(),
		RunE: func(*cobra.Command, []string) error {
			addrs, first, last, err := f.scope()
			if err != nil {
				return err
			}
			if first == 0 && len(addrs) > 0 {
				return usageError("guard down takes --address only together with --ports")
			}
			n, err := guard.Lower(addrs, first, last)
			if err != nil {
				return guardError(err, "")
			}
			fmt.Fprintf(os.Stderr, "%s taken down\n", count(n, "rule"))
			return nil
		},
	}
	f.register(cmd, "the ports, as they were given to up (default: all)")
	return cmd
}

func newGuardStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What guards stand here, whose they are, and what they have dropped",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := guard.Find()
			var werr error
			if asJSON {
				werr = writeGuardsJSON(cmd.OutOrStdout(), found)
			} else {
				werr = writeGuards(cmd.OutOrStdout(), found, err == nil)
			}
			if werr != nil {
				return failure(werr)
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "rawshake: not all can be seen: %v\n", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// writeGuards shows the guards that were found: all of them, or those that this
// user may see.
func writeGuards(w io.Writer, found []guard.Found, all bool) error {
	var b strings.Builder
	for _, f := range found {
		ends := "ends with process " + fmt.Sprint(f.PID)
		switch {
		case !f.Lasting && f.PID == 0:
			ends = "ends with its process"
		case f.Kind == guard.KindScript:
			ends = "stays until: scripts/rst-guard.sh down"
		case f.Lasting:
			ends = "stays until: rawshake guard down"
		}
		dropped := count(int(f.Dropped), "RST")
		if f.Kind == guard.KindListener || f.Kind == guard.KindTCX {
			dropped = count(int(f.Dropped), "segment")
		}
		fmt.Fprintf(&b, "%s: %v\n  %s\n  %s\n  %s dropped\n", f.Kind, &f, plain.Escape(f.Owner), ends, dropped)
	}
	switch {
	case len(found) == 0 && all:
		b.WriteString("no guard stands here\n")
	case len(found) == 0:
		b.WriteString("no guard can be seen from here\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeGuardsJSON(w io.Writer, found []guard.Found) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, f := range found {
		if err := enc.Encode(struct {
			Kind      guard.Kind   `json:"kind"`
			Addresses []netip.Addr `json:"addresses"` // null: every address
			First     uint16       `json:"first_port"`
			Last      uint16       `json:"last_port"`
			Interface string       `json:"interface,omitempty"` // of a tcx guard
			Lasting   bool         `json:"lasting"`
			PID       int          `json:"pid,omitempty"`
			Owner     string       `json:"owner"`
			Dropped   uint64       `json:"dropped"`
		}{f.Kind, f.Addrs, f.First, f.Last, f.Interface, f.Lasting, f.PID, f.Owner, f.Dropped}); err != nil {
			return err
		}
	}
	return nil
}

// Remedies for a refused guard, besides the privilege.
const (
	runInstead = "Or guard one command, without any privilege: rawshake guard run -- COMMAND"
	autoKind   = "Or leave out --guard: the listener guard needs no privilege"
)

// guardError says what to do about a refused guard; instead is a remedy other
// than the privilege, if there is one.
func guardError(err error, instead string) error {
	switch {
	case errors.Is(err, guard.ErrPermission):
		text := grant("cap_net_raw,cap_net_admin")
		if instead != "" {
			text += "\n  " + instead
		}
		return &statusError{exitNotAllowed, fmt.Errorf("%w\n  %s", err, text)}
	case errors.Is(err, guard.ErrPortInUse):
		return &statusError{exitError, fmt.Errorf("%w\n  Name other ports with --ports, or leave them out to have free ones chosen", err)}
	}
	return failure(err)
}
