// The guard that is an nftables table of its own, owned by our netlink socket.

package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nft is a table with a rule for each address. The netlink socket that made the
// table owns it: nobody else can change it, and the kernel deletes it when the
// socket is closed.
type nft struct {
	scope scope
	table *nftables.Table
	chain *nftables.Chain

	asking sync.Mutex
	conn   *nftables.Conn // nil once closed
}

// ownedPrefix begins the names of the tables that end with their process. The
// process's id and the ports follow, and a number that no two guards share,
// even of one process, or of processes in containers that have the same id.
const ownedPrefix = "rawshake-"

func openNFTables(s scope) (Shield, error) {
	g := &nft{scope: s, table: &nftables.Table{
		Family: nftables.TableFamilyINet,
		Name:   fmt.Sprintf("%s%d-%s-%x", ownedPrefix, os.Getpid(), s.name(), rand.Uint32()),
	}}
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return createOwned(c, g.table)
	}))
	if err != nil {
		return nil, nftError(err)
	}
	g.conn = conn
	g.chain = conn.AddChain(outputChain(g.table))
	for _, r := range rules(s) {
		r.Table, r.Chain = g.table, g.chain
		conn.AddRule(r)
	}
	if err := conn.Flush(); err != nil {
		conn.CloseLasting()
		return nil, nftError(err)
	}
	return g, nil
}

// tableOwner is NFT_TABLE_F_OWNER (linux/netfilter/nf_tables.h, Linux 5.12).
const tableOwner = 0x2

// createOwned makes the table, on the connection that will own it. The library
// cannot, since it sends no table flags.
func createOwned(c *netlink.Conn, t *nftables.Table) error {
	attrs := netlink.NewAttributeEncoder()
	attrs.ByteOrder = binary.BigEndian
	attrs.String(unix.NFTA_TABLE_NAME, t.Name)
	attrs.Uint32(unix.NFTA_TABLE_FLAGS, tableOwner)
	data, err := attrs.Encode()
	if err != nil {
		return err
	}
	message := func(typ netlink.HeaderType, flags netlink.HeaderFlags, family uint8, res uint16, data []byte) netlink.Message {
		// struct nfgenmsg: family, version 0, resource number in network order.
		head := binary.BigEndian.AppendUint16([]byte{family, unix.NFNETLINK_V0}, res)
		return netlink.Message{Header: netlink.Header{Type: typ, Flags: flags | netlink.Request}, Data: append(head, data...)}
	}
	const newTable = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWTABLE
	_, err = c.SendMessages([]netlink.Message{
		message(unix.NFNL_MSG_BATCH_BEGIN, 0, 0, unix.NFNL_SUBSYS_NFTABLES, nil),
		message(newTable, netlink.Create|netlink.Excl|netlink.Acknowledge, uint8(t.Family), 0, data),
		message(unix.NFNL_MSG_BATCH_END, 0, 0, unix.NFNL_SUBSYS_NFTABLES, nil),
	})
	if err == nil {
		_, err = c.Receive() // the acknowledgment
	}
	return err
}

func nftError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &PermissionError{"it needs the capability CAP_NET_ADMIN in the network namespace", err}
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("this kernel has no nftables with owned tables (Linux 5.12): %w", err)
	}
	return fmt.Errorf("netlink: %w", err)
}

func (g *nft) Kind() Kind { return KindNFTables }

func (g *nft) Describe() string {
	return fmt.Sprintf("a rule of ours in the nftables table %s, which drops the kernel's RSTs from %v and goes when this process ends", g.table.Name, g.scope)
}

// Dropped reads the rules' counters.
func (g *nft) Dropped() (n uint64, known bool) {
	g.asking.Lock()
	defer g.asking.Unlock()
	if g.conn == nil {
		return 0, false
	}
	rules, err := g.conn.GetRules(g.table, g.chain)
	if err != nil {
		return 0, false
	}
	for _, r := range rules {
		n += counted(r)
	}
	return n, true
}

func (g *nft) Close() error {
	g.asking.Lock()
	defer g.asking.Unlock()
	if g.conn == nil {
		return os.ErrClosed
	}
	err := g.conn.CloseLasting()
	g.conn = nil
	return err
}
