// Package tlsmsg encodes and decodes TLS records and handshake messages, as RFC
// 9846 defines them for TLS 1.3, and RFC 5246 and the RFCs that extend it for
// TLS 1.2 and its predecessors. It does no cryptography, keeps no connection
// state, and judges structure only: whether a well-formed value is acceptable
// is decided by the machines in tlsmsg/handshake.
//
// On the way in, [NextRecord] splits a byte stream into records, an
// [Assembler] puts handshake messages together from their fragments, and
// [ParseMessage] decodes one. On the way out, [Append] encodes a message and
// [AppendRecord] puts it into a record. [Explain] decodes a message with the
// same decoders and returns its bytes by field name.
//
// Byte slices in decoded values alias the input. Text in them comes from the
// network and must be escaped before it is shown.
package tlsmsg
