// What a caller may choose, and the defaults with their sources.

package tcb

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
)

// Defaults, used where a Config leaves a field at zero.
const (
	DefaultMSS           = 536             // RFC 9293, section 3.7.1 (MUST-15)
	DefaultReceiveBuffer = 256 << 10       // octets
	DefaultSendBuffer    = 256 << 10       // octets
	DefaultSYNTimeout    = 3 * time.Minute // RFC 9293, section 3.8.3 (MUST-23)
	DefaultUserTimeout   = 5 * time.Minute // RFC 9293, section 3.9.1.1; R2 (SHLD-11)
	DefaultMSL           = 2 * time.Minute // RFC 9293, section 3.4.2
	DefaultFinTimeout    = 60 * time.Second
	DefaultMinRTO        = time.Second      // RFC 6298, (2.4)
	DefaultMaxRTO        = 60 * time.Second // RFC 6298, (2.5)
)

// A Config holds a connection's parameters. Only the ports and ISS have no
// default. Connections that differ only in their [Identity] can share one as a
// [Profile].
type Config struct {
	LocalPort, RemotePort uint16

	// ISS is the initial send sequence number. The caller chooses it so that
	// nobody can predict it (RFC 9293, section 3.4.1; RFC 6528).
	ISS wire.Seq
	// TimestampOffset is added to TSval's clock, in milliseconds, so that it
	// reveals nothing about this machine (RFC 7323, section 5.4).
	TimestampOffset uint32

	// MSS is our MSS option: the largest payload that we receive, in octets. It
	// is the interface's MTU less 40 for IPv4, less 60 for IPv6.
	MSS uint16
	// PeerMSS is the MSS of a peer that announces none: 536 octets, the
	// default, for IPv4, and 1220 for IPv6.
	PeerMSS uint16
	// MaxSegment is the largest segment that the path to the peer takes, in
	// octets of options and payload together. It defaults to MSS.
	MaxSegment int
	// MayFragment says that the path takes less than our smallest segments, so
	// that IPv4 packets go out without the don't-fragment bit from the
	// beginning; see [Conn.MayFragment].
	MayFragment bool

	// SYNOptions are the options of our SYN, in their order. MSS, window scale
	// and timestamps without Data get the connection's own values; with Data
	// they, like any other option, go out as given, and a window scale given in
	// this way is the one used. What is not offered is not used. Nil means
	// [LinuxSYNOptions]; an empty slice means none.
	SYNOptions []wire.Option
	// SYNWindow is the window of our SYN; by default what ReceiveBuffer
	// allows.
	SYNWindow uint16
	// SYNSent says that our SYN, or for [Accept] our SYN-ACK, was already sent,
	// by a caller that kept no state for it: a prober whose ISS is a keyed MAC,
	// or a listener with SYN cookies. Open and Accept then only wait for the
	// answer.
	SYNSent bool
	// DataOnACK lets the ACK that ends the handshake carry data. Otherwise that
	// ACK goes out without data, which follows at once.
	DataOnACK bool

	// ECN is what our SYN asks for, and what we agree to when the peer asks: classic,
	// or accurate, which falls back to classic where the peer knows no more. A SYN that
	// was sent already (SYNSent) has asked for the same.
	ECN wire.ECNMode

	// ReceiveBuffer bounds what the peer can make us hold, in octets, and with
	// it the window. It is at least two steps of a window scale that is given
	// with Data. SendBuffer bounds what is written but not acknowledged, in
	// octets.
	ReceiveBuffer, SendBuffer int

	// Pool lends the memory of both buffers, and gets it back whenever they are
	// empty. Nil: they keep their memory.
	Pool *slab.Pool

	// SYNTries is how often the SYN is sent before giving up; 0 means as often
	// as SYNTimeout allows. SYNs go out after 0, 1, 3, 7, … seconds.
	SYNTries int
	// SYNTimeout is how long a SYN may go unanswered.
	SYNTimeout time.Duration
	// SoftErrorsEnd lets any ICMP error about our SYN end the attempt, also one
	// that may be transient: RFC 5461, section 4.1, against RFC 9293, MUST-56.
	SoftErrorsEnd bool
	// UserTimeout is how long data may stay unacknowledged: R2 (RFC 9293,
	// section 3.8.3, MUST-21).
	UserTimeout time.Duration
	// MinRTO and MaxRTO bound the retransmission timeout.
	MinRTO, MaxRTO time.Duration
	// MSL is the maximum segment lifetime: TIME-WAIT lasts twice as long.
	MSL time.Duration

	// AckDelay is how long an acknowledgment may wait for octets to go with it;
	// negative means not at all.
	AckDelay time.Duration
	// Nagle holds back a small segment while another is in flight (RFC 9293,
	// section 3.7.4, SHLD-7). Most of our callers would rather not (MUST-17).
	Nagle bool
	// KeepAlive is how long the connection may be idle before it is probed; 0
	// means for ever (RFC 9293, section 3.8.4, MAY-5, MUST-24, MUST-27).
	// KeepAliveProbes unanswered probes, KeepAliveInterval apart, end it. A
	// driver's default should not be less than two hours (MUST-28).
	KeepAlive, KeepAliveInterval time.Duration
	KeepAliveProbes              int
	// FinTimeout is how long after Close a peer that has acknowledged our FIN
	// may take to send its own.
	FinTimeout time.Duration

	// Events is called with each decision as it is made: soft errors (RFC 9293,
	// section 3.9.1.8, MUST-47), urgent data, and the rest. It may be nil
	// (SHLD-20). It must not call the connection.
	Events func(Event)
}

// An Identity is what connections of one [Profile] do not share: the fields of
// [Config] with the same names.
type Identity struct {
	LocalPort, RemotePort uint16
	ISS                   wire.Seq
	TimestampOffset       uint32
}

func (c *Config) identity() Identity {
	return Identity{c.LocalPort, c.RemotePort, c.ISS, c.TimestampOffset}
}

// A Profile is a [Config] with its defaults filled in, for any number of
// connections. They read it in place: it does not change while one of them is
// in use, and what the Config points to must not either. Several goroutines may
// share one if its Events may be called by them, and it has no Pool.
type Profile struct{ cfg Config }

// NewProfile makes a Profile of a Config, whose Identity fields are ignored.
func NewProfile(cfg Config) *Profile {
	p := new(Profile)
	p.set(cfg)
	return p
}

func (p *Profile) set(cfg Config) { p.cfg = cfg.withDefaults() }

// LinuxSYNOptions returns the options of a SYN in Linux's order: MSS,
// SACK-permitted, timestamps, NOP, window scale. MSS is always sent (RFC 9293,
// section 3.7.1, SHLD-5, MAY-3).
func LinuxSYNOptions() []wire.Option { return linuxSYNOptions[:] }

var linuxSYNOptions = [...]wire.Option{
	{Kind: wire.OptMSS}, {Kind: wire.OptSACKPermitted}, {Kind: wire.OptTimestamps},
	{Kind: wire.OptNOP}, {Kind: wire.OptWindowScale},
}

// withDefaults returns the config with its zero fields filled in.
func (c Config) withDefaults() Config {
	c.MSS = or(c.MSS, DefaultMSS)
	c.PeerMSS = or(c.PeerMSS, DefaultMSS)
	c.MaxSegment = or(c.MaxSegment, int(c.MSS))
	c.ReceiveBuffer = min(or(c.ReceiveBuffer, DefaultReceiveBuffer), maxWindow)
	c.SendBuffer = min(or(c.SendBuffer, DefaultSendBuffer), maxWindow)
	c.SYNTimeout = or(c.SYNTimeout, DefaultSYNTimeout)
	c.UserTimeout = or(c.UserTimeout, DefaultUserTimeout)
	c.MinRTO = or(c.MinRTO, DefaultMinRTO)
	c.MaxRTO = max(or(c.MaxRTO, DefaultMaxRTO), c.MinRTO)
	c.MSL = or(c.MSL, DefaultMSL)
	if c.AckDelay == 0 {
		c.AckDelay = DefaultAckDelay
	}
	c.AckDelay = min(c.AckDelay, maxAckDelay)
	c.KeepAliveInterval = or(c.KeepAliveInterval, DefaultKeepAliveInterval)
	c.KeepAliveProbes = or(c.KeepAliveProbes, DefaultKeepAliveProbes)
	c.FinTimeout = or(c.FinTimeout, DefaultFinTimeout)
	if c.SYNOptions == nil {
		c.SYNOptions = linuxSYNOptions[:]
	}
	for _, o := range c.SYNOptions {
		if o.Kind == wire.OptWindowScale && len(o.Data) == 1 { // else no window could be expressed
			c.ReceiveBuffer = max(c.ReceiveBuffer, 2<<min(o.Data[0], wire.MaxWindowScale))
		}
	}
	c.SYNWindow = c.FirstWindow()
	return c
}

// FirstWindow returns the window that a SYN with this config offers, as on the
// wire: unscaled.
func (c *Config) FirstWindow() uint16 {
	return or(c.SYNWindow, uint16(min(or(c.ReceiveBuffer, DefaultReceiveBuffer), 0xffff)))
}

// maxWindow is the largest possible window (RFC 7323, section 2.3).
const maxWindow = 1 << 30

func or[T int | uint16 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
