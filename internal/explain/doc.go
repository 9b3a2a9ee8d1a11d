// Package explain shows somebody else's connection: it reads a capture file, or
// listens on an interface, finds the connection that is meant, and hands its
// transcript to a view while it goes.
package explain
