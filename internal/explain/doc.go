// Package explain shows somebody else's connection: it reads a capture file, or
// listens on an interface, finds the connection that is meant, and hands its
// transcript to a view while it goes.
//
// Read explain.go first (a file in two passes, a stream in one), then filter.go
// (which connection), watch.go (one pass over packets), secrets.go,
// sessions.go (whose secret a resumed session has), live_linux.go and
// ear_linux.go (an interface in place of a file).
package explain
