// The nftables rules that drop the kernel's RSTs, and reading such rules back.

package guard

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// outputChain returns the chain that drops RSTs: at raw priority, before
// connection tracking sees them.
func outputChain(t *nftables.Table) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return &nftables.Chain{
		Name: "output", Table: t, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRaw,
	}
}

// rules returns the rules that drop the RSTs of a scope: one for each address,
// or one for all.
func rules(s scope) (list []*nftables.Rule) {
	for _, a := range s.addrs {
		list = append(list, &nftables.Rule{Exprs: dropResets(a, s.first, s.last)})
	}
	if len(s.addrs) == 0 {
		list = append(list, &nftables.Rule{Exprs: dropResets(netip.Addr{}, s.first, s.last)})
	}
	return list
}

// reg is the one register that the rules use.
const reg = 1

func compare(op expr.CmpOp, v []byte) expr.Any { return &expr.Cmp{Op: op, Register: reg, Data: v} }

// dropResets returns a rule that counts and drops unmarked TCP RSTs from the
// ports of an address, or of any address for the zero Addr. Our own RSTs carry
// the mark, or go out by AF_PACKET, which bypasses netfilter.
func dropResets(a netip.Addr, first, last uint16) []expr.Any {
	var list []expr.Any
	if a.IsValid() {
		list = fromAddress(a)
	}
	return append(list,
		&expr.Meta{Key: expr.MetaKeyMARK, Register: reg},
		compare(expr.CmpOpNeq, binary.NativeEndian.AppendUint32(nil, route.Mark)),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		compare(expr.CmpOpEq, []byte{wire.ProtocolTCP}),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: wire.TCPSrcPortOffset, Len: 2},
		compare(expr.CmpOpGte, binary.BigEndian.AppendUint16(nil, first)),
		compare(expr.CmpOpLte, binary.BigEndian.AppendUint16(nil, last)),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: wire.TCPFlagsOffset, Len: 1},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 1, Mask: []byte{byte(wire.RST)}, Xor: []byte{0}},
		compare(expr.CmpOpNeq, []byte{0}),
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictDrop},
	)
}

// fromAddress matches packets with one source address.
func fromAddress(a netip.Addr) []expr.Any {
	a = a.WithZone("")
	family, offset := byte(unix.NFPROTO_IPV4), uint32(wire.IPv4SrcOffset)
	if a.Is6() {
		family, offset = unix.NFPROTO_IPV6, wire.IPv6SrcOffset
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg},
		compare(expr.CmpOpEq, []byte{family}),
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(a.BitLen() / 8)},
		compare(expr.CmpOpEq, a.AsSlice()),
	}
}

// counted returns what a rule's counter says.
func counted(r *nftables.Rule) uint64 {
	for _, e := range r.Exprs {
		if c, ok := e.(*expr.Counter); ok {
			return c.Packets
		}
	}
	return 0
}

// scopeIn reads a rule's addresses and ports back, from our rules and from
// those that scripts/rst-guard.sh makes with nft or iptables. The ports of any
// other rule are 0.
func scopeIn(r *nftables.Rule) (s scope) {
	var loaded *expr.Payload
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case *expr.Payload:
			loaded = e
		case *expr.Meta, *expr.Bitwise:
			loaded = nil
		case *expr.Match:
			if t, ok := e.Info.(*xt.Tcp); ok {
				s.first, s.last = t.SrcPorts[0], t.SrcPorts[1]
			}
		case *expr.Range:
			if loaded != nil && sourcePort(loaded) && len(e.FromData) == 2 && len(e.ToData) == 2 {
				s.first, s.last = binary.BigEndian.Uint16(e.FromData), binary.BigEndian.Uint16(e.ToData)
			}
		case *expr.Cmp:
			if loaded != nil {
				s.note(loaded, e)
			}
		}
	}
	return s
}

// note adds what one comparison of a header's field says to the scope.
func (s *scope) note(field *expr.Payload, c *expr.Cmp) {
	switch {
	case field.Base == expr.PayloadBaseNetworkHeader && c.Op == expr.CmpOpEq:
		if a, ok := netip.AddrFromSlice(c.Data); ok && (field.Offset == wire.IPv4SrcOffset || field.Offset == wire.IPv6SrcOffset) {
			s.addrs = append(s.addrs, a)
		}
	case sourcePort(field) && len(c.Data) == 2:
		port := binary.BigEndian.Uint16(c.Data)
		if c.Op == expr.CmpOpGte || c.Op == expr.CmpOpEq {
			s.first = port
		}
		if c.Op == expr.CmpOpLte || c.Op == expr.CmpOpEq {
			s.last = port
		}
	}
}

func sourcePort(field *expr.Payload) bool {
	return field.Base == expr.PayloadBaseTransportHeader && field.Offset == wire.TCPSrcPortOffset && field.Len == 2
}
