// Command bench measures rawshake beside Go's net and crypto/tls, in one run,
// in a private network: `make bench`. docs/benchmarks.md tells the method and
// the figures.
//
// One process conducts. It makes the network, starts the server in a process
// of its own on one CPU, and for each measurement a fresh client process on
// another; the clients take turns. Read main.go (flags), run.go (the turns),
// stage.go, steer.go and slowwire.go (the networks), child.go (the processes
// and what they tell each other), server.go, client.go with theirs.go and
// ours.go (the handshakes), floor.go, memory.go, and table.go (the rows).
package main
