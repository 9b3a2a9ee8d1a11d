// Command bench measures rawshake beside Go's net and crypto/tls, in one run,
// in a private network: `make bench`. docs/benchmarks.md has the method and
// the figures.
//
// One process conducts. It makes the network, starts the server in a process
// of its own on one CPU, and for each measurement a fresh client process on
// another; the clients take turns.
package main
