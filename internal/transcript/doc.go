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
// The package does no I/O and reads no clock.
package transcript
