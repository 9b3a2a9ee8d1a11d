// Another handshake inside a connection, if the server asks for one by
// HelloRequest (RFC 5246, section 7.4.1.1), bound to the one before it (RFC
// 5746, section 3.1).

package handshake

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// earlier is what a handshake keeps for another in the same connection.
// Application data may be sent again once that is done.
type earlier struct {
	count          int                       // of the handshakes begun after the first
	ours, theirs   [suite.VerifyDataLen]byte // verify_data
	chain          [][]byte
	extendedMaster bool
	trusted        bool
}

func (c *Client) remember() *earlier {
	if c.earlier == nil {
		c.earlier = new(earlier)
	}
	return c.earlier
}

// again reports whether the handshake is not the connection's first, while it
// goes on.
func (c *Client) again() bool { return c.earlier != nil && c.earlier.count > 0 }

// renegotiationAsked takes a HelloRequest outside a handshake.
func (c *Client) renegotiationAsked(raw []byte) error {
	if err := c.decode(new(tlsmsg.HelloRequest), raw); err != nil {
		return err
	}
	if err := c.tolerate("HelloRequests or warning alerts"); err != nil {
		return err
	}
	if c.out.closed {
		return nil
	}
	if why := c.refusesRenegotiation(); why != "" {
		c.refusedRenegotiation = true
		c.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertNoRenegotiation, "HelloRequest: "+why)
		return nil
	}
	c.decide("renegotiation", "HelloRequest: the handshake is done again inside the connection, as the server asks, and bound to the first (RFC 5746)")
	c.yield(RandomWork{}, (*Client).renegotiate)
	return nil
}

// Renegotiate begins another handshake inside the connection, which the server may
// refuse by a warning, no_renegotiation (RFC 5246, section 7.2.2), or ignore. It
// reports whether it could: the first handshake is done, of TLS 1.2 or before, and
// the Config allows it.
func (c *Client) Renegotiate() bool {
	if c.phase != phaseConnected || c.waits() || c.state.Version >= tlsmsg.VersionTLS13 || c.fault != nil || c.out.closed || c.refusesRenegotiation() != "" {
		return false
	}
	c.decide("renegotiation", "another handshake is begun inside the connection, and bound to the first (RFC 5746)")
	c.yield(RandomWork{}, (*Client).renegotiate)
	return true
}

// refusesRenegotiation says why this client does not renegotiate, or returns
// "".
func (c *Client) refusesRenegotiation() string {
	switch {
	case !c.cfg.Renegotiation:
		return "this client does not renegotiate"
	case !c.state.SecureRenegotiation:
		return "the server does not know RFC 5746, without which nothing binds another handshake to this connection"
	case c.earlier.count >= maxRenegotiations:
		return fmt.Sprintf("there were %d renegotiations in this connection, as many as this client does", c.earlier.count)
	}
	return ""
}

// renegotiate begins another handshake. It offers no session: what the server
// wants anew it would not ask for in an abbreviated one.
func (c *Client) renegotiate(r Result) error {
	result, ok := r.(RandomResult)
	if !ok {
		return wrongResult(result, r)
	}
	if c.out.closed {
		return nil
	}
	s, e := &c.state, c.earlier
	e.count++
	e.chain, e.extendedMaster, e.trusted = slices.Clone(s.Chain), s.ExtendedMasterSecret, c.trusted()
	c.session, c.offered, c.suite = nil, 0, nil
	c.ctx.KeyExchange = 0
	c.chain.Chain = nil // its memory is State.Chain's
	*s = State{
		Version: s.Version, CipherSuite: s.CipherSuite, ClientRandom: result.Random, ALPN: s.ALPN, Chain: s.Chain, Judged: s.Judged, Verdict: s.Verdict,
		Warning: s.Warning, Credential: -1,
	}
	return c.sendClientHello()
}

// sameConnection checks that the server knows the handshake before this one (RFC
// 5746, section 3.5).
func (c *Client) sameConnection(said []byte) error {
	want := append(c.earlier.ours[:], c.earlier.theirs[:]...)
	if subtle.ConstantTimeCompare(said, want) != 1 {
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.renegotiation_info",
			"renegotiated_connection is not that of the handshake before in this connection (RFC 5746, section 3.5)")
	}
	c.state.SecureRenegotiation = true
	return nil
}

// checkAgain checks what another handshake must not change: what
// binds it to the one before (RFC 5746, section 3.5), and the extended master
// secret, without which that can be forged (RFC 7627, section 1).
func (c *Client) checkAgain() error {
	switch {
	case !c.again():
	case !c.state.SecureRenegotiation:
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.extensions", "no renegotiation_info in a renegotiation (RFC 5746, section 3.5)")
	case c.earlier.extendedMaster != c.state.ExtendedMasterSecret:
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.extensions", "extended_master_secret in one handshake of the connection, and not in the other")
	}
	return nil
}

// sameChain checks that the server is who it was: another name in the middle of a
// connection would get what was meant for the first.
func (c *Client) sameChain(chain [][]byte) error {
	if c.again() && !slices.EqualFunc(chain, c.earlier.chain, bytes.Equal) {
		return refuse(tlsmsg.AlertIllegalParameter, "Certificate.certificate_list", "another than in the handshake before in this connection")
	}
	return nil
}
