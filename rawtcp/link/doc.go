// Package link carries IP packets between the endpoint and the network.
//
// A [Link] carries whole IP packets, of either version, and only those of one
// [Flow]: a socket filter in the kernel drops the rest before anybody is woken.
// There are four kinds. The packet link (AF_PACKET) is below netfilter, and
// finds the next hop's link-layer address itself. The raw link (raw IP sockets)
// goes through the kernel's routing and netfilter in both directions; loopback
// needs it, because the kernel drops what AF_PACKET sends on lo as martian.
// Both also show the RSTs that the local kernel sent for our flow, marked
// [Packet.KernelSent]. A [TUN] is a network of our own beside the kernel. The
// pipe joins two ends in memory, for tests.
//
// Our address need not be one that the kernel has: see route.Route.Foreign. For
// event loops there are a [Ring], which carries many packets at a time, and an
// [Asker], which finds link-layer addresses.
//
// A Ring may also be one of AF_XDP ([KindXDP]). A program of ours on the
// interface takes what is ours before taps, netfilter and the kernel's TCP, so
// that nobody else sees it; all else it leaves to the kernel. It is there as long
// as the process, and not where another program is.
package link
