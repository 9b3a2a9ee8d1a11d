// Package transcript keeps what happened on one connection, in order: the
// frames, the TLS records and messages that they carried, and the decisions of
// both machines.
//
// The driver tells a [Recorder] what happens, and the recorder makes a
// [Transcript]: a list of [Entry] values. Every view is drawn from those, live
// through the recorder's listener or afterwards from the list. Frames and
// messages keep their bytes, and are decoded for the reader by the decoders
// that ran the connection ([Frame.Tree], [Message.Tree]).
//
// The package does no I/O and reads no clock.
package transcript
