// Package probe takes many targets from SYN to certificate, or further, in one
// pass and without a kernel socket.
//
// A loop is one goroutine with a link of its own. A SYN costs it sixteen bytes:
// its sequence number is a keyed MAC of the two addresses and ports, so that a
// SYN-ACK which acknowledges it proves itself, and a connection is born from
// that: the same session machine that `connect` drives. What is the same for all
// is held once, buffers are lent from one pool, and a TLS client is there for a
// target only while the two speak.
//
// Read options.go, scan.go (what is set up), source.go (targets by number),
// feed.go and list.go (those of lists), window.go (what is known of them),
// mac.go and syn.go (a SYN without state), loop.go (one turn), begin.go (new
// targets, and what holds them up), receive.go (what arrives), conn.go, settle.go
// and speak.go (a connection), outcome.go (its record), way.go, path.go and
// neighbour.go (how targets are reached), late.go (those whose neighbour has to be
// found first), lost.go (ways that are no more), egress.go and answers.go (what may
// leave, and when), stop.go (the end before the end), wheel.go, pace.go and load.go
// (time), sink.go and checkpoint.go (where records go, and what is known of them).
package probe
