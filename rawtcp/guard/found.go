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

// A Found is one guard that stands in this network namespace, ours or another
// process's.
type Found struct {
	Kind        Kind         // KindListener, KindNFTables, KindTCX, or KindScript
	Addrs       []netip.Addr // none: every address
	First, Last uint16       // both included
	Interface   string       // of KindTCX: at whose ingress it stands
	// Lasting says that it stays until somebody takes it away.
	Lasting bool
	// PID is the process that it will go with; 0 if it is lasting, or if that
	// cannot be seen from here.
	PID int
	// Owner is whose it is: a comment of Raise, or the process's command line.
	Owner   string
	Dropped uint64 // as [Shield.Dropped] counts
	Known   bool   // whether Dropped is
}

// KindScript is only found: a rule that scripts/rst-guard.sh made.
const KindScript Kind = "script"

// String names the guarded ports and addresses.
func (f *Found) String() string {
	text := scope{f.Addrs, f.First, f.Last}.String()
	if f.Interface != "" {
		text += " on " + f.Interface
	}
	return text
}

// Find lists the guards that stand in this network namespace. What it may not
// look at it says in the error, beside the rest: rules need CAP_NET_ADMIN, and
// other users' processes root.
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
				continue // it went away in the meantime
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

// nameTableOwners turns the processes that tables' names tell of into those that
// they are here.
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

// foundRule tells whether a rule is a guard's, and whose.
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

// commentOf is a rule's comment, in nft's way or in iptables's.
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

// commandOf is a process's command line, with spaces between its words.
func commandOf(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(b) == 0 {
		return unseen
	}
	return strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ")
}
