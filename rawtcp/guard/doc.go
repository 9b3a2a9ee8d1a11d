// Package guard keeps the local kernel's RSTs away from ports that a userspace
// TCP uses.
//
// The kernel does not know our connections, so it answers the first SYN-ACK
// with a RST, which ends the connection. A [Guard] is therefore set up before
// the SYN leaves. It affects one address and port, lets everybody else's RSTs
// and our own pass, and ends with the process, also with kill -9, because it is
// nothing but an open descriptor. Every guard also holds the port: a bound
// socket keeps the kernel, and other processes, from using it.
//
// The listener guard needs no privilege. It is a listening socket on our port
// with a socket filter that drops every segment. The kernel finds the socket,
// asks its filter, and discards the segment silently, with neither RST nor
// SYN-ACK, whatever the segment's TTL. If a filter is refused (Linux 6.18
// requires CAP_NET_ADMIN for one on a TCP socket) it uses IP_MINTTL 255, or
// IPV6_MINHOPCOUNT for IPv6, which silently discards what arrives with a lower
// TTL: all but what a neighbour sent with 255.
//
// The nftables guard drops the kernel's outgoing RSTs instead, at raw priority.
// In the filter chains conntrack would have seen the RST already and forgotten
// the connection, so that a stateful firewall would drop what the raw link is
// to receive. It needs CAP_NET_ADMIN.
//
// The tcx guard is a BPF program at the ingress of the interface, which drops
// what arrives for our ports before the kernel's IP sees it. It can be used
// where everything is received by AF_PACKET, whose taps come first, and on
// kernels without netfilter. It needs CAP_BPF and CAP_NET_ADMIN.
//
// [OpenRange] is for many ports at once, of both IP versions. [Raise] sets up a
// guard that outlives the process, [Lower] removes it again, and [Find] lists
// the guards of this process and of others.
//
// An address that the kernel does not have needs no guard: see
// [Options.Foreign].
package guard
