// Package guard keeps the local kernel's RSTs away from a port that a
// userspace TCP uses.
//
// The kernel knows nothing of our connections, so it answers the first SYN-ACK
// with a RST, and the peer hangs up. A [Guard] stands before the SYN leaves. It
// concerns one address and port, spares everybody else's RSTs and our own, and
// dies with the process, also by kill -9, because each is nothing but an open
// descriptor. All of them hold the port as well: a bound socket keeps the
// kernel, and other processes, from using it.
//
// The listener guard needs no privilege. It is a listening socket on our port
// with a socket filter that drops every segment, so the kernel finds a socket,
// asks its filter, and discards in silence: neither RST nor SYN-ACK, to
// nobody, whatever the segment's TTL. Where a filter is refused (Linux 6.18 wants
// CAP_NET_ADMIN for one on a TCP socket) there is IP_MINTTL 255, or for IPv6
// IPV6_MINHOPCOUNT, which discards as silently what arrives with a lower TTL
// (that is, all but what a neighbour sent with 255).
//
// The nftables guard drops the kernel's RSTs on their way out instead, at raw
// priority: in the filter chains conntrack has seen the RST already and
// forgets the connection, which starves the raw link behind a stateful
// firewall. It needs CAP_NET_ADMIN.
//
// The tcx guard is a BPF program at the ingress of the interface, which drops
// what arrives for our ports before the kernel's IP sees it. It serves where
// everything is received by AF_PACKET, whose taps come first, and on kernels
// without netfilter. It needs CAP_BPF and CAP_NET_ADMIN.
//
// [OpenRange] is for many ports at once, of both IP versions. [Raise] leaves a
// guard standing for other programs, [Lower] takes it away again, and [Find]
// lists what stands, of this process as of others.
//
// An address that the kernel does not have needs no guard: see
// [Options.Foreign].
//
// Read guard.go first, then port.go (which port, and holding it), listener.go,
// nftables.go with rules.go, tcx.go with tcxprogram.go, range.go, for what
// outlives a process lasting.go, and for what stands found.go, foundowner.go,
// foundlistener.go and foundtcx.go.
package guard
