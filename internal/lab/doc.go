// Package lab makes private networks with real peers in them: network
// namespaces joined by a veth pair, servers behind the kernel's own TCP, and
// faulty peers for every way in which a handshake can go wrong.
//
// Nothing here needs a privilege that the kernel does not give every user, and
// nothing outlives the process: there are no names under /run/netns, no
// daemons and no files. Two ways lead in.
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
// [Node.Listen] and [Node.Command]. [netns.RunTests] gives a whole test binary the
// first way.
//
// Read reexec.go first (the way in, and why nothing survives), then forbid.go
// (hosts that do not allow it), space.go (one namespace and the thread that
// keeps it), node.go and lab.go (the topology), tlsserver.go (a peer
// made of crypto/tls), ourserver.go and fault.go (one made of our own TLS,
// which can do wrong on purpose), raw.go and relay.go (the faulty ones),
// memfile.go.
//
// A lab that outlives a command needs a holder: the same init process as
// Reexec makes, without the ties to its parent ([netns.Spawn]), asked over a Unix
// socket. Package daemon has it. Package netem decides what a bad link does to
// packets; netns.Bridge does it.
package lab
