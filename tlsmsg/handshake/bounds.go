// What a peer can make a machine hold or do, on either side, and how it ends.

package handshake

// What a peer can make a machine hold or do, on either side, and how it ends.
//
//	bytes received and not used up yet    256 KiB  more: record_overflow (a driver heeds Room)
//	a record                              2^14+2048, its plaintext 2^14 or the limit of RFC 8449: record_overflow
//	a handshake message                   128 KiB  announced: illegal_parameter, before it arrives
//	a Certificate inside a CompressedCertificate
//	                                      128 KiB  claimed, or there: bad_certificate
//	a message out of turn                 its header: unexpected_message, before it arrives
//	warnings, HelloRequests, and after the handshake ClientHellos, in a row
//	                                      4        one more: unexpected_message
//	handshakes after the first in a connection
//	                                      8        one more: no_renegotiation
//	KeyUpdates, NewSessionTickets without application data between them
//	                                      32       one more: unexpected_message
//	ChangeCipherSpecs of TLS 1.3          32       one more: unexpected_message
//	PSK identities that are looked up     4        the rest is not looked at
//	early data that is skipped            16 KiB   more: unexpected_message
//	early data that is taken              what the ticket allows; more: unexpected_message
//	empty records of application data in a row
//	                                      32       one more: unexpected_message
//	an empty record of a handshake        none: unexpected_message
//	records not sent yet                  64 KiB   and one: Write takes no more
//	a ticket that is kept                 32 KiB   longer ones are let go
//	a key of RSA, a prime of DHE          16384 and 8192 bits: no verdict, illegal_parameter
//	bytes that are no TLS                 the first 128 are kept: ErrNotTLS
//	all of it together                    maxHeld bytes of memory, in the middle of a handshake
//
// A message of many small parts takes more memory than it has bytes: a
// certificate of one byte has four on the wire, and a slice of 24. That, once
// for each long message of a flight, and what is kept of them for a signature,
// is what maxHeld consists of. The driver decompresses: for brotli that takes up
// to 16 MiB for a moment, whatever comes out. A machine has no clock: the driver
// drops a peer that is slow or silent (connect's --timeout: "timed out after …,
// waiting for …").
const (
	// maxUnread bounds the bytes received and not used up yet: several of the
	// largest records, for a driver that hands over what a window brought.
	maxUnread = 256 << 10
	// maxMessage bounds a handshake message's length. Chains of certificates
	// are the longest messages.
	maxMessage = 128 << 10
	// maxKeyUpdates bounds a peer's KeyUpdates without application data between them.
	maxKeyUpdates = 32
	// maxTickets bounds a server's NewSessionTickets without application data
	// between them.
	maxTickets = 32
	// maxSpecs bounds the ChangeCipherSpecs that mean nothing in a handshake of TLS 1.3.
	maxSpecs = 32
	// maxSkipped bounds the early data, as records, that a server skips.
	maxSkipped = 16 << 10
	// maxEmptyRecords bounds application-data records without content in a row.
	// A few are legitimate cover traffic (RFC 5246, section 6.2.1).
	maxEmptyRecords = 32
	// maxWarnings bounds warning alerts, and HelloRequests, in a row.
	maxWarnings = 4
	// maxRenegotiations bounds the handshakes after the first in a connection.
	maxRenegotiations = 8
	// maxBacklog bounds the application data, as records, that waits to be sent.
	maxBacklog = 64 << 10
	// maxTicket bounds a ticket that is kept, in bytes: it goes into an extension
	// of the next ClientHello, where all of them together have 65535.
	maxTicket = 32 << 10
	// maxHeld is the sum of all this, as measured (bounds_test.go).
	maxHeld = 3 << 20
)
