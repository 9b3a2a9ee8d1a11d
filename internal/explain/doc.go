// Package explain shows somebody else's connection: it reads a capture file, or
// listens on an interface, finds the connection that is asked for, and hands
// its transcript to a view as it goes.
package explain
