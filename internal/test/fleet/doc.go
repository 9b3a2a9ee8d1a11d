// Package fleet tests `rawshake fleet` as its users have it: programs in a lab, a NATS
// server, and everything of it killed, cut off, paused and filled.
package fleet
