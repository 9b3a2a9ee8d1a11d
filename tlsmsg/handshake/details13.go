// What a client can say of TLS 1.3 beyond what State holds for all versions.

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
)

// Details13 is what a client offered for TLS 1.3, and what the server made of it. Its
// slices belong to the machine: do not write to them.
type Details13 struct {
	// Shares are the keys of the first ClientHello's key_share, in its order.
	Shares []OfferedShare
	// Retried says that a HelloRetryRequest came: for a key in RetryGroup, with a
	// cookie, or both (RFC 9846, section 4.2.4).
	Retried     bool
	RetryGroup  tlsmsg.NamedGroup // 0: it asked for none
	RetryCookie bool
	// Encrypted are the extensions of EncryptedExtensions, as on the wire.
	Encrypted []tlsmsg.Extension
	// Tickets are the NewSessionTickets that came, at most 32 of them.
	Tickets []ReceivedTicket
}

// An OfferedShare is a key of key_share.
type OfferedShare struct {
	Group tlsmsg.NamedGroup
	Len   int // of the key, in bytes
}

// A ReceivedTicket is what a NewSessionTicket says (RFC 9846, section 4.7.1).
type ReceivedTicket struct {
	Lifetime uint32 // in seconds; 0: it is to be discarded
	Len      int    // of the ticket, in bytes
	MaxEarly uint32 // bytes of early data that the server takes with it
	Ticket   []byte // with Config.Verbatim, unless it is longer than any that is kept
}

// received is what a ticket says.
func (c *Client) received(m *tlsmsg.NewSessionTicket, maxEarly uint32) ReceivedTicket {
	t := ReceivedTicket{Lifetime: m.LifetimeHint, Len: len(m.Ticket), MaxEarly: maxEarly}
	if c.cfg.Verbatim && len(m.Ticket) <= maxTicket {
		t.Ticket = bytes.Clone(m.Ticket)
	}
	return t
}

// Details13 returns what is known so far. It reports false where TLS 1.3 was not
// offered.
func (c *Client) Details13() (d Details13, ok bool) {
	t := c.spare13
	if t == nil || c.cfg.MaxVersion < tlsmsg.VersionTLS13 {
		return d, false
	}
	return Details13{
		Shares: t.sent, Retried: t.retry != 0, RetryGroup: t.asked, RetryCookie: t.retry != 0 && t.cookie != nil,
		Encrypted: t.encrypted.Extensions, Tickets: t.given,
	}, true
}
