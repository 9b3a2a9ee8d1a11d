// Guards that outlive the process: nftables rules in a table of a fixed name.

package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// LastingTable is the nftables table, of family inet, that holds what [Raise]
// made. An administrator can delete it by hand.
const LastingTable = "rawshake_guard"

var lastingTable = &nftables.Table{Name: LastingTable, Family: nftables.TableFamilyINet}

// Raise sets up a guard over ports that outlives this process: a rule in
// [LastingTable] for each address, or one for all if there are none. Each has
// the comment, which says whose it is. Existing rules stay and missing ones are
// added; raised is how many were added. It needs CAP_NET_ADMIN.
func Raise(addrs []netip.Addr, first, last uint16, comment string) (raised int, err error) {
	s, err := RangeOptions{Addrs: addrs, First: first, Last: last}.scope()
	if err != nil {
		return 0, err
	}
	return raised, withTables(func(conn *nftables.Conn) error {
		standing, err := lastingRules(conn)
		if err != nil {
			return err
		}
		conn.AddTable(lastingTable) // no error if it exists
		chain := conn.AddChain(outputChain(lastingTable))
		for _, one := range s.single() {
			if slices.ContainsFunc(standing, func(r *nftables.Rule) bool { return sameScope(scopeIn(r), one) }) {
				continue
			}
			r := rules(one)[0]
			r.Table, r.Chain = lastingTable, chain
			r.UserData = userdata.AppendString(nil, userdata.TypeComment, cut(comment, maxComment))
			conn.AddRule(r)
			raised++
		}
		return conn.Flush()
	})
}

// Lower removes rules of [Raise], those of exactly these ports and addresses,
// and with the last rule the table. With first 0 it removes all of them. It is
// no error if there are none; lowered is how many were removed.
func Lower(addrs []netip.Addr, first, last uint16) (lowered int, err error) {
	return lowered, withTables(func(conn *nftables.Conn) error {
		standing, err := lastingRules(conn)
		if err != nil {
			return err
		}
		var gone []*nftables.Rule
		if first == 0 {
			gone = standing
		} else {
			s, err := RangeOptions{Addrs: addrs, First: first, Last: last}.scope()
			if err != nil {
				return err
			}
			for _, one := range s.single() {
				for _, r := range standing {
					if sameScope(scopeIn(r), one) {
						gone = append(gone, r)
					}
				}
			}
		}
		for _, r := range gone {
			if err := conn.DelRule(r); err != nil {
				return err
			}
		}
		lowered = len(gone)
		there, err := tableStands(conn)
		if err != nil {
			return err
		}
		if there && lowered == len(standing) {
			conn.DelTable(lastingTable)
		}
		return conn.Flush()
	})
}

// maxComment is the length of the longest comment that the nft program shows,
// in bytes (NFTNL_UDATA_COMMENT_MAXLEN).
const maxComment = 127

func cut(s string, n int) string { return s[:min(len(s), n)] }

// single splits a scope into one for each rule. Rules have no zones.
func (s scope) single() []scope {
	if len(s.addrs) == 0 {
		return []scope{s}
	}
	var list []scope
	for _, a := range s.addrs {
		list = append(list, scope{addrs: []netip.Addr{a.WithZone("")}, first: s.first, last: s.last})
	}
	return list
}

func sameScope(a, b scope) bool {
	return a.first == b.first && a.last == b.last && slices.Equal(a.addrs, b.addrs)
}

// withTables runs f with a connection to nftables.
func withTables(f func(*nftables.Conn) error) error {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return lastingError(err)
	}
	defer conn.CloseLasting()
	return lastingError(f(conn))
}

func lastingError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &PermissionError{"netfilter's rules need the capability CAP_NET_ADMIN in the network namespace", err}
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.ENOENT):
		return &PermissionError{"this kernel has no nftables", err}
	}
	return fmt.Errorf("netfilter: %w", err)
}

func tableStands(conn *nftables.Conn) (bool, error) {
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	return slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == LastingTable }), err
}

// lastingRules returns the rules of Raise that exist.
func lastingRules(conn *nftables.Conn) ([]*nftables.Rule, error) {
	there, err := tableStands(conn)
	if err != nil || !there {
		return nil, err
	}
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	var list []*nftables.Rule
	for _, c := range chains {
		if c.Table.Name != LastingTable {
			continue
		}
		rules, err := conn.GetRules(c.Table, c)
		if err != nil {
			return nil, err
		}
		list = append(list, rules...)
	}
	return list, nil
}
