// Package link carries IP packets between the endpoint and the network.
//
// A [Link] hands over whole IP packets, and only those of one [Flow]: a socket
// filter in the kernel drops the rest before anybody is woken. There are three
// kinds. The packet link (AF_PACKET) meets the network below netfilter and
// speaks to the next hop itself. The raw link (raw IP sockets) goes through
// the kernel's routing and netfilter both ways; loopback needs it, because
// what AF_PACKET puts on lo is a martian to the kernel. The pipe joins two
// ends in memory, for tests, and [Impair] puts bad weather before any link:
// loss, copies, disorder, delay, a narrow hop. Either of the first two also shows the RSTs that
// the local kernel sent for our flow, marked [Packet.Ghost].
//
// IPv4 only so far.
//
// Read link.go first (the contract), then route.go and neighbour.go (where a
// packet goes), filter.go (what gets in), socket.go, packet.go, raw.go with
// witness.go, and pipe.go; impair.go with delayline.go for the weather.
package link
