// The guards that are up in this network namespace, ours and others'.

package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/google/nftables/xt"
)

// A Found is one guard in this network namespace, ours or another process's.
type Found struct {
	Kind        Kind         // KindListener, KindNFTables, KindTCX, or KindScript
	Addrs       []netip.Addr // none: every address
	First, Last uint16       // both included
	Interface   string       // of KindTCX: the interface at whose ingress it is attached
	// Lasting says that it stays until somebody removes it.
	Lasting bool
	// PID is the process with which it ends; 0 if it is lasting, or if the
	// process cannot be seen from here.
	PID int
	// Owner says whose it is: the comment of Raise, or the process's command
	// line.
	Owner   string
	Dropped uint64 // as [Shield.Dropped] counts
	Known   bool   // whether Dropped is known
}

// KindScript is a rule that scripts/rst-guard.sh made. It is only found, never
// opened.
const KindScript Kind = "script"

// String names the guarded ports and addresses.
func (f *Found) String() string {
	text := scope{f.Addrs, f.First, f.Last}.String()
	if f.Interface != "" {
		text += " on " + f.Interface
	}
	return text
}

// Find lists the guards in this network namespace. If it may not look at
// everything it returns what it found, and an error that says what is missing:
// rules need CAP_NET_ADMIN, other users' processes root.
func Find() ([]Found, error) {
	rules, err := findRules()
	sockets, socketErr := findListeners()
	programs, programErr := findPrograms()
	return slices.Concat(rules, sockets, programs), errors.Join(err, socketErr, programErr)
}

// scriptMarker is the comment of scripts/rst-guard.sh's rules.
const scriptMarker = "rawshake-rst-guard"

func findRules() (list []Found, err error) {
	return list, withTables(func(conn *nftables.Conn) error {
		chains, err := conn.ListChains()
		if err != nil {
			return err
		}
		for _, c := range chains {
			if c.Hooknum == nil || *c.Hooknum != *nftables.ChainHookOutput {
				continue
			}
			rules, err := conn.GetRules(c.Table, c)
			if err != nil {
				continue // it was removed in the meantime
			}
			for _, r := range rules {
				if f, ok := foundRule(c.Table.Name, r); ok {
					list = append(list, f)
				}
			}
		}
		nameTableOwners(list)
		return nil
	})
}

// nameTableOwners replaces the process numbers in tables' names by those that
// hold here.
func nameTableOwners(list []Found) {
	if !slices.ContainsFunc(list, func(f Found) bool { return f.PID != 0 }) {
		return
	}
	owners := tableOwners()
	for i := range list {
		if f := &list[i]; f.PID != 0 {
			f.PID = ownerHere(f.PID, owners)
			f.Owner = commandOf(f.PID)
		}
	}
}

// foundRule reports whether a rule is a guard's, and whose.
func foundRule(table string, r *nftables.Rule) (f Found, ok bool) {
	s := scopeIn(r)
	f = Found{Kind: KindNFTables, Addrs: s.addrs, First: s.first, Last: s.last, Lasting: true, Dropped: counted(r), Known: true}
	comment := commentOf(r)
	pid, owned := strings.CutPrefix(table, ownedPrefix)
	switch {
	case s.first == 0:
		return f, false
	case table == LastingTable:
		f.Owner = comment
	case strings.HasPrefix(comment, scriptMarker):
		f.Kind, f.Owner = KindScript, "scripts/rst-guard.sh"
	case owned:
		pid, _, _ = strings.Cut(pid, "-")
		f.PID, _ = strconv.Atoi(pid)
		f.Lasting, f.Owner = false, unseen
	default:
		return f, false
	}
	return f, true
}

// commentOf returns a rule's comment, as nft or iptables stores it.
func commentOf(r *nftables.Rule) string {
	if s, ok := userdata.GetString(r.UserData, userdata.TypeComment); ok {
		return s
	}
	for _, e := range r.Exprs {
		if m, ok := e.(*expr.Match); ok {
			if c, ok := m.Info.(*xt.Comment); ok {
				return string(*c)
			}
		}
	}
	return ""
}

const unseen = "a process that cannot be seen from here"

// commandOf returns a process's command line, with spaces between its
// arguments.
func commandOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(b) == 0 {
		return unseen
	}
	return strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ")
}
