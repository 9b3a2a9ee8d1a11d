// Package lab makes private networks with real peers in them: nodes, which are
// network namespaces, joined by links of their own, and what answers on them.
//
// What it is made of stands in rooms below: netns (namespaces, links, commands,
// and the way in for a program, root or not), pki (certificates), service (what
// answers, behind the kernel's TCP, with every way in which a handshake can go
// wrong) and relay (faults in another server's bytes). Here are topologies, and
// the network that is made of one. Two ways lead in.
//
// A command re-executes itself in new namespaces, as root or not:
//
//	if !netns.Inside() {
//		status, err := netns.Reexec(ctx, os.Args)
//		…
//	}
//	l, err := lab.New(ctx) // the process itself stands in the near namespace
//
// A test that runs as root may call [New] at once. Then both namespaces are
// new and the process stays where it is: it works in them through [Node.Do],
// [Node.Listen] and [Node.Command]. RunTests of internal/test/netns gives a whole
// test binary the first way.
//
// Nothing here needs a privilege that the kernel does not give every user, and
// nothing outlives the process: there are no names under /run/netns, no
// daemons and no files. A lab that outlives a command needs a holder: package
// daemon.
//
// topology.go says what a lab consists of, builtin.go and file.go where it comes
// from; lab.go makes it of node.go, port.go and route.go; services.go starts what
// the topology asks for, peers.go what a caller does; impair.go and splice.go
// change a link that stands, guest.go names the nodes to commands.
package lab
