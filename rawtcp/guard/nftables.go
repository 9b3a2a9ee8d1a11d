package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// nft is the guard that is a rule in a table of its own. The netlink socket
// that made the table owns it: nobody else can change it, and it goes when the
// socket is closed.
type nft struct {
	*port
	table *nftables.Table
	chain *nftables.Chain

	asking sync.Mutex
	conn   *nftables.Conn // nil once closed
}

func openNFTables(p *port) (Guard, error) {
	family := nftables.TableFamilyIPv4
	if p.local.Addr().Is6() {
		family = nftables.TableFamilyIPv6
	}
	g := &nft{port: p, table: &nftables.Table{
		Family: family,
		Name:   fmt.Sprintf("rawshake-%d-%d", os.Getpid(), p.local.Port()),
	}}
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return createOwned(c, g.table)
	}))
	if err != nil {
		return nil, nftError(err)
	}
	g.conn = conn
	accept := nftables.ChainPolicyAccept
	g.chain = conn.AddChain(&nftables.Chain{
		Name: "output", Table: g.table, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRaw,
	})
	conn.AddRule(&nftables.Rule{Table: g.table, Chain: g.chain, Exprs: dropResets(p)})
	if err := conn.Flush(); err != nil {
		conn.CloseLasting()
		return nil, nftError(err)
	}
	return g, nil
}

// tableOwner is NFT_TABLE_F_OWNER (linux/netfilter/nf_tables.h, Linux 5.12).
const tableOwner = 0x2

// createOwned makes the table, on the connection that is to own it. The
// library cannot: it sends no table flags.
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

// Offsets in the IPv4 header (RFC 791), the IPv6 header (RFC 8200) and the TCP
// header (RFC 9293).
const (
	ipSource  = 12
	ip6Source = 8
	tcpSource = 0
	tcpFlags  = 13
)

// dropResets is the rule: unmarked TCP RSTs from the port are counted and
// dropped. Our own carry the mark, or go out by AF_PACKET, past netfilter.
func dropResets(p *port) []expr.Any {
	offset := uint32(ipSource)
	if p.local.Addr().Is6() {
		offset = ip6Source
	}
	address := p.local.Addr().WithZone("").AsSlice()
	source := binary.BigEndian.AppendUint16(nil, p.local.Port())
	const reg = 1
	is := func(op expr.CmpOp, v []byte) expr.Any { return &expr.Cmp{Op: op, Register: reg, Data: v} }
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: reg},
		is(expr.CmpOpNeq, binary.NativeEndian.AppendUint32(nil, link.Mark)),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		is(expr.CmpOpEq, []byte{wire.ProtocolTCP}),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(address))},
		is(expr.CmpOpEq, address),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: tcpSource, Len: 2},
		is(expr.CmpOpEq, source),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: tcpFlags, Len: 1},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 1, Mask: []byte{byte(wire.RST)}, Xor: []byte{0}},
		is(expr.CmpOpNeq, []byte{0}),
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
}

func nftError(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: it needs the capability CAP_NET_ADMIN in the network namespace (%w)", ErrPermission, err)
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("this kernel has no nftables with owned tables (Linux 5.12): %w", err)
	}
	return fmt.Errorf("netlink: %w", err)
}

func (g *nft) Kind() string { return KindNFTables }

func (g *nft) Describe() string {
	return fmt.Sprintf("a rule of ours in the nftables table %s, which drops the kernel's RSTs from %v and goes when this process ends", g.table.Name, g.local)
}

// Dropped reads the rule's counter.
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
		for _, e := range r.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				return c.Packets, true
			}
		}
	}
	return 0, false
}

func (g *nft) Close() error {
	g.asking.Lock()
	defer g.asking.Unlock()
	if g.conn == nil {
		return os.ErrClosed
	}
	err := g.conn.CloseLasting()
	g.conn = nil
	return errors.Join(err, g.port.close())
}
