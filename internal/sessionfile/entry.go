// One session in the file, and how damage to it is noticed.

package sessionfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// entry is a session and the peer that it is with. Its sum shows damage, which
// a secret of the right length would not show.
type entry struct {
	Peer       string    `json:"peer"` // host:port
	ServerName string    `json:"server_name"`
	Saved      time.Time `json:"saved"`
	Version    uint16    `json:"version"`
	Suite      uint16    `json:"cipher_suite"`
	Master     []byte    `json:"master_secret"` // null in TLS 1.3
	EMS        bool      `json:"extended_master_secret"`
	ID         []byte    `json:"session_id,omitempty"`
	Ticket     []byte    `json:"ticket,omitempty"`
	Lifetime   uint32    `json:"lifetime_hint,omitempty"` // seconds
	Chain      [][]byte  `json:"chain"`

	// Of TLS 1.3:
	PSK         []byte `json:"psk,omitempty"`
	AgeAdd      uint32 `json:"ticket_age_add,omitempty"`
	MaxEarly    uint32 `json:"max_early_data_size,omitempty"` // bytes
	ALPN        string `json:"alpn,omitempty"`
	PSKIdentity []byte `json:"psk_identity,omitempty"` // of the PSK from outside TLS that stood for a certificate

	Sum string `json:"sum"` // of all the others
}

// Bounds on an entry's fields, as TLS has them.
const (
	maxID     = 32
	maxTicket = 1<<16 - 1
	maxCert   = 1<<24 - 1
)

// damage names a field with an impossible value, or nothing.
func (e *entry) damage() string {
	known := suite.Of(tlsmsg.Version(e.Version), tlsmsg.CipherSuite(e.Suite))
	is13 := e.is13()
	switch {
	case e.Peer == "":
		return "peer is empty"
	case e.Saved.IsZero():
		return "saved is no time"
	case known == nil:
		return fmt.Sprintf("cipher_suite %d of version %d is none that is spoken here", e.Suite, e.Version)
	case is13 && len(e.PSK) != known.Hash.Size():
		return fmt.Sprintf("psk has %d bytes, and not %d", len(e.PSK), known.Hash.Size())
	case is13 && len(e.Ticket) == 0:
		return "it has no ticket"
	case !is13 && len(e.Master) != suite.MasterSecretLen:
		return fmt.Sprintf("master_secret has %d bytes, and not %d", len(e.Master), suite.MasterSecretLen)
	case len(e.ID) > maxID:
		return fmt.Sprintf("session_id has %d bytes, more than %d", len(e.ID), maxID)
	case len(e.Ticket) > maxTicket:
		return fmt.Sprintf("ticket has %d bytes, more than %d", len(e.Ticket), maxTicket)
	case len(e.ID)+len(e.Ticket) == 0:
		return "it has neither session_id nor ticket"
	case len(e.Chain) == 0 && e.PSKIdentity == nil || slices.ContainsFunc(e.Chain, func(c []byte) bool { return len(c) == 0 || len(c) > maxCert }):
		return "chain has no certificate, or one without a byte"
	case e.Sum != e.sum():
		return "sum is not that of its fields"
	}
	return ""
}

// sum is a hash of the fields as they are written.
func (e *entry) sum() string {
	rest := *e
	rest.Sum = ""
	b, err := json.Marshal(&rest)
	if err != nil { // a year with five digits
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

func (e *entry) is13() bool { return tlsmsg.Version(e.Version) >= tlsmsg.VersionTLS13 }

// newEntry is a session as the file holds it. What it says of its age counts.
func newEntry(peer string, s *handshake.Session, now time.Time) entry {
	e := entry{
		Peer: peer, ServerName: s.ServerName, Saved: now.Add(-time.Duration(s.Age) * time.Millisecond).UTC(),
		Version: uint16(s.Version), Suite: uint16(s.CipherSuite),
		Master: s.Master[:], EMS: s.ExtendedMasterSecret,
		ID: s.ID, Ticket: s.Ticket, Lifetime: s.LifetimeHint, Chain: s.Chain,
		PSK: s.PSK, AgeAdd: s.AgeAdd, MaxEarly: s.MaxEarly, ALPN: s.ALPN, PSKIdentity: s.PSKIdentity,
	}
	if e.is13() {
		e.Master = nil
	}
	e.Sum = e.sum()
	return e
}

// session is the entry as a machine uses it.
func (e *entry) session(now time.Time) *handshake.Session {
	s := &handshake.Session{
		Version: tlsmsg.Version(e.Version), CipherSuite: tlsmsg.CipherSuite(e.Suite), ExtendedMasterSecret: e.EMS,
		ID: e.ID, Ticket: e.Ticket, LifetimeHint: e.Lifetime, ServerName: e.ServerName, Chain: e.Chain,
		PSK: e.PSK, AgeAdd: e.AgeAdd, MaxEarly: e.MaxEarly, ALPN: e.ALPN, PSKIdentity: e.PSKIdentity,
	}
	if e.is13() {
		s.Age = uint32(now.Sub(e.Saved).Milliseconds()) // at most a week: see fresh
		return s
	}
	s.Master = [suite.MasterSecretLen]byte(e.Master)
	return s
}

// fresh reports whether the server may still accept the session.
func (e *entry) fresh(now time.Time) bool {
	limit := lifetime
	if e.Lifetime > 0 || e.is13() { // where 0 means that it is not to be used (RFC 9846, section 4.7.1)
		limit = min(time.Duration(e.Lifetime)*time.Second, maxLifetime)
	}
	age := now.Sub(e.Saved)
	return age >= 0 && age < limit
}
