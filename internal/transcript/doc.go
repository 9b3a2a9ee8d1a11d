// Package transcript keeps what happened on one connection: the frames, the
// TLS records and messages that they carried, and between them the decisions
// of both machines, in one order.
//
// A [Recorder] is told by the driver what goes by, and makes a [Transcript]: a
// list of [Entry] values. Every view is drawn from those, live through the
// recorder's listener or afterwards from the list. Frames and messages keep
// their bytes, and are decoded for the reader by the decoders that ran the
// connection ([Frame.Tree], [Message.Tree]).
//
// Read entry.go and frame.go (what is kept), result.go, recorder.go (the
// driver's calls), then stream.go (relative sequence numbers and what was seen
// before), tcp.go and tls.go (events turned into entries), and passive.go,
// captured.go and twice.go (the same for a connection that is not ours).
//
// The package does no I/O and reads no clock.
package transcript
