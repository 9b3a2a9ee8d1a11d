// Package link carries IP packets between the endpoint and the network.
//
// A [Link] hands over whole IP packets, of either version, and only those of
// one [Flow]: a socket filter in the kernel drops the rest before anybody is
// woken. There are four kinds. The packet link (AF_PACKET) meets the network
// below netfilter and speaks to the next hop itself. The raw link (raw IP
// sockets) goes through the kernel's routing and netfilter both ways; loopback
// needs it, because what AF_PACKET puts on lo is a martian to the kernel.
// Either of these also shows the RSTs that the local kernel sent for our flow,
// marked [Packet.KernelSent]. A [TUN] is a network of our own beside the kernel. The
// pipe joins two ends in memory, for tests.
//
// Our address need not be one that the kernel has: see [Route.Foreign].
//
// Read link.go first (the contract), then route.go and neighbour.go with arp.go
// and nd.go (where a packet goes), filter.go with filter4.go and filter6.go
// (what gets in), socket.go, packet.go with responder.go, raw.go with raw6.go
// and witness.go, tun.go, and pipe.go; many.go (many packets in one call), ring.go
// with ring_packet.go and ring_raw.go, asker.go, borders.go and watch.go (for an
// event loop); impair.go with delayline.go for bad networks.
package link
