// What a client offers.

package handshake

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Config is what a client offers. The machine only reads it: its slices must
// not be written to while a Client is in use, and many Clients may share them.
// Clients that differ only in their [Identity] can share one as a [Profile].
type Config struct {
	Random           [32]byte // ClientHello.random, drawn at random by the driver; zero: refused
	ServerName       string   // for server_name (a DNS name; empty or an IP address: not sent) and for verification
	ALPN             []string // protocols offered, preferred first; none: no extension
	CipherSuites     []tlsmsg.CipherSuite
	Groups           []tlsmsg.NamedGroup // curves, and groups of RFC 7919
	SignatureSchemes []tlsmsg.SignatureScheme
	Credentials      []Credential // for CertificateRequest, preferred first
	AnyAuthority     bool         // send a credential even if certificate_authorities names none of its issuers
	AllowUnverified  bool         // --insecure: a chain that does not verify is only a remark
	Session          *Session     // offered for resumption; nil: none
	Renegotiation    bool         // do another handshake where a server of RFC 5746 asks for one, by HelloRequest
	SessionTicket    bool         // offer an empty session_ticket (RFC 5077) where Session has none: the server may send a ticket
	NoSessions       bool         // make no session of the tickets of TLS 1.3: they are told of (Details13), and not kept
	Verbatim         bool         // keep what only says what the server is: State.Verbatim, ReceivedTicket.Ticket
	Events           func(Event)  // may be nil

	// Pool lends the memory of all buffers, and gets it back when they are
	// empty and by Client.Release; may be nil.
	Pool *slab.Pool

	// MinVersion and MaxVersion are the versions accepted and offered. 0 means
	// TLS 1.2 for either: other versions are an explicit choice. With a
	// MaxVersion of TLS 1.3 one ClientHello offers both.
	MinVersion, MaxVersion tlsmsg.Version
	// Legacy is for examining old hosts: the defaults then include the suites
	// without good encryption and the schemes with SHA-1, and the default
	// bounds below are lower.
	Legacy bool
	// MinDHBits bounds the prime of DHE from below. 0: 2048, with Legacy 1024.
	MinDHBits int
	// MinRSABits bounds the modulus of the server's RSA key from below. 0: 2048,
	// with Legacy 512.
	MinRSABits int
	// RecordSizeLimit is offered by record_size_limit (RFC 8449): the most bytes
	// of plaintext in a protected record, 64 to 16384. 0: not offered.
	RecordSizeLimit uint16
	// FallbackSCSV tells the server that a higher version was tried before
	// (RFC 7507).
	FallbackSCSV bool
	// GREASE adds reserved values without meaning (RFC 8701), which a server
	// must ignore.
	GREASE bool
	// PadTo brings the ClientHello up to a length by the padding extension
	// (RFC 7685), in bytes with the message's header. 0: none.
	PadTo int
	// KeyShares are the groups of TLS 1.3 in which a key is made and sent at
	// once, some of Groups; for another the server has to ask. Nil: a default
	// choice; empty: none.
	KeyShares []tlsmsg.NamedGroup
	// PSKs are external keys, which TLS 1.3 offers after the Session. A server
	// that uses one has authenticated itself by it.
	PSKs []PSK
	// PSKAlone offers to use a PSK, also the Session's, without a key exchange
	// (no forward secrecy): whoever learns the key later can read the
	// connection.
	PSKAlone bool
	// EarlyData is sent with the ClientHello, where the Session allows it (RFC
	// 9846, section 2.3); nil: nothing is offered. Whoever records it can
	// replay it to the server, and whoever learns the ticket's key later can
	// read it. State.EarlyData says what became of it: refused data is not sent
	// again.
	EarlyData []byte
	// PostHandshakeAuth lets a server of TLS 1.3 ask for a certificate at any time
	// after the handshake (RFC 9846, section 4.7.2).
	PostHandshakeAuth bool
	// CompressCertificates are how certificates of TLS 1.3 may be compressed (RFC
	// 8879), preferred first: the server's by the offer, ours if it takes one of
	// them. Nil: none are. The driver does it (CompressWork, DecompressWork).
	CompressCertificates []tlsmsg.CertificateCompressionAlgorithm
	// ECHConfigs are what the server has published to encrypt the ClientHello to (RFC
	// 9849): the first that this side can use is. The name asked for is then read by
	// the server alone; the ClientHello around it asks for the configuration's
	// public_name. Nil: it is not encrypted. A server that cannot read it is told who
	// it is not, and the connection ends with an [ECHRejectedError].
	ECHConfigs []tlsmsg.ECHConfig
	// GREASEECH sends an encrypted_client_hello that nobody can open, where ECHConfigs
	// is nil: a server that knows the extension answers it with its configurations,
	// and nobody on the way can tell it from a true one (RFC 9849, section 6.2).
	GREASEECH bool
	// Omit are extensions left out of ClientHello, to see what a server does
	// without them.
	Omit []tlsmsg.ExtensionType
	// Extensions are sent as they are, after ours, or in place of ours of the
	// same type. The server may answer each in any way.
	Extensions []tlsmsg.Extension
}

// An Identity is what clients of one [Profile] do not share: the fields of
// [Config] with the same names, and a seed.
//
// ShareSeed is what the keys of key_share are made from, so that a client made
// again has them again: 32 secret bytes for each connection anew, which nobody else
// can foresee. Zero: the driver draws each key at random.
type Identity struct {
	Random     [32]byte
	ServerName string
	Session    *Session
	ShareSeed  [32]byte
}

func (c *Config) identity() Identity {
	return Identity{Random: c.Random, ServerName: c.ServerName, Session: c.Session}
}

// A Profile is a [Config] with its defaults filled in, for any number of
// clients. They read it in place: it does not change while one of them is in
// use, and what the Config points to must not either. Several goroutines may
// share one if its Events may be called by them, and it has no Pool.
type Profile struct {
	cfg   Config
	wrong error // what check says
}

// NewProfile makes a Profile of a Config, whose Identity fields are ignored.
func NewProfile(cfg Config) *Profile {
	p := new(Profile)
	p.set(&cfg)
	return p
}

func (p *Profile) set(cfg *Config) {
	p.cfg = *cfg
	p.cfg.setDefaults()
	p.wrong = p.cfg.check()
}

// A Credential is the public half of a client certificate; SignWork asks the
// driver for the private half.
type Credential struct {
	Chain   [][]byte                 // DER, the leaf first
	Schemes []tlsmsg.SignatureScheme // that its key can sign with, preferred first
	Curve   tlsmsg.NamedGroup        // of an ECDSA key; 0: not said
	Issuers [][]byte                 // DER names of the chain's issuers, to match certificate_authorities
}

var (
	defaultSuites  = suite.IDs()
	suites13       = suite.IDs13()
	defaultSchemes = suite.Schemes()

	offeredGroups = append(suite.Groups(), suite.FFDHEGroups()...)
	groups13      = append(suite.HybridGroups(), offeredGroups...)
	legacySuites  = append(suite.IDs(), suite.LegacyIDs()...)
	legacySchemes = append(suite.Schemes(), suite.LegacySchemes()...)
)

// Bounds on keys, in bits. NIST SP 800-57 takes 2048 bits for the 112 bits of
// security that are the least to be had today; RFC 7919 begins there.
const (
	minKeyBits       = 2048
	minLegacyDHBits  = 1024
	minLegacyRSABits = 512
)

// Defaults returns what a Config offers where it leaves CipherSuites, Groups or
// SignatureSchemes empty: all that this side supports except legacy ones,
// preferred first. The slices are shared: do not write to them.
func Defaults() ([]tlsmsg.CipherSuite, []tlsmsg.NamedGroup, []tlsmsg.SignatureScheme) {
	return defaultSuites, offeredGroups, defaultSchemes
}

func (c *Config) setDefaults() {
	suites, groups, schemes := Defaults()
	dh, rsa := minKeyBits, minKeyBits
	if c.Legacy {
		suites, schemes = legacySuites, legacySchemes
		dh, rsa = minLegacyDHBits, minLegacyRSABits
	}
	c.MaxVersion = cmp.Or(c.MaxVersion, tlsmsg.VersionTLS12)
	c.MinVersion = cmp.Or(c.MinVersion, min(c.MaxVersion, tlsmsg.VersionTLS12))
	switch {
	case c.MinVersion >= tlsmsg.VersionTLS13:
		suites = suites13
	case c.MaxVersion >= tlsmsg.VersionTLS13:
		suites = slices.Concat(suites13, suites)
	}
	if c.MaxVersion >= tlsmsg.VersionTLS13 {
		groups = groups13
	}
	c.CipherSuites = orDefault(c.CipherSuites, suites)
	c.Groups = orDefault(c.Groups, groups)
	c.SignatureSchemes = orDefault(c.SignatureSchemes, schemes)
	if c.KeyShares == nil && c.MaxVersion >= tlsmsg.VersionTLS13 {
		c.KeyShares = usualShares(c.Groups)
	}
	c.MinDHBits, c.MinRSABits = cmp.Or(c.MinDHBits, dh), cmp.Or(c.MinRSABits, rsa)
}

func orDefault[T any](list, otherwise []T) []T {
	if len(list) == 0 {
		return otherwise
	}
	return list
}

// check says what is wrong with a Config, or nil.
func (c *Config) check() error {
	switch {
	case c.MinVersion < tlsmsg.VersionTLS10 || c.MaxVersion > tlsmsg.VersionTLS13 || c.MinVersion > c.MaxVersion:
		return fmt.Errorf("versions from %v to %v: this side speaks TLS 1.0 to TLS 1.3", c.MinVersion, c.MaxVersion)
	case slices.ContainsFunc(c.KeyShares, func(g tlsmsg.NamedGroup) bool { return !slices.Contains(c.Groups, g) || !suite.Shares(g) }):
		return fmt.Errorf("key shares in %v: each must be one of the groups %v, and one that keys are made in here", c.KeyShares, c.Groups)
	case c.RecordSizeLimit != 0 && (c.RecordSizeLimit < minRecordSizeLimit || c.RecordSizeLimit > tlsmsg.MaxPlaintext):
		return fmt.Errorf("a record_size_limit of %d bytes, expected %d to %d", c.RecordSizeLimit, minRecordSizeLimit, tlsmsg.MaxPlaintext)
	}
	if err := c.checkECH(); err != nil {
		return err
	}
	return checkCompressions(c.CompressCertificates)
}
