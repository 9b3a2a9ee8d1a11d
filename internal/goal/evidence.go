// What somebody else's client found wrong. Nobody tells us that; but a client
// of ours leaves a comment in its capture, and what contradicts the ClientHello
// shows by itself.

package goal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// minDHBits is the smallest prime that most clients accept.
const minDHBits = 2048

// evident finds what a client that sent an alert found wrong, and how sure that
// is; nil: nothing shows it.
func (s *Story) evident(a *alert) (*handshake.ProtocolError, transcript.Sureness) {
	if broke := s.noted(a); broke != nil {
		return broke, transcript.Certain
	}
	if a.when == connected || a.when == beforeHello {
		return nil, 0
	}
	var found *handshake.ProtocolError
	switch a.Description {
	case tlsmsg.AlertDecodeError:
		found = s.undecodable()
	case tlsmsg.AlertUnsupportedExtension:
		found = s.unasked()
	case tlsmsg.AlertIllegalParameter, tlsmsg.AlertHandshakeFailure, tlsmsg.AlertInsufficientSecurity:
		for _, look := range []func() *handshake.ProtocolError{s.unofferedHello, s.unofferedExchange, s.unasked, s.downgraded} {
			if found = look(); found != nil {
				break
			}
		}
	}
	if found != nil && found.Alert == 0 {
		found.Alert = a.Description
	}
	return found, transcript.Likely
}

// noted reads the comment that our own client leaves with its alert.
func (s *Story) noted(a *alert) *handshake.ProtocolError {
	n, ok := s.notes["alert_sent"]
	because, ours := strings.CutPrefix(n.text, fmt.Sprintf("alert %v (%v) sent: ", a.Description, a.Level))
	if !ok || !ours {
		return nil
	}
	broke := &handshake.ProtocolError{Alert: a.Description, Reason: because}
	if where, reason, two := strings.Cut(because, ": "); two && !strings.ContainsAny(where, " ,") {
		broke.Where, broke.Reason = where, reason
	}
	return broke
}

// undecodable is what could not be decoded here either.
func (s *Story) undecodable() *handshake.ProtocolError {
	n := s.notes["undecodable"]
	if _, reason, ok := strings.Cut(n.text, "cannot be read to its end: "); ok && strings.HasPrefix(n.text, "the server's ") {
		return &handshake.ProtocolError{Reason: reason}
	}
	return nil
}

// unasked finds an extension in the ServerHello that was not offered (RFC 5246,
// section 7.4.1.4).
func (s *Story) unasked() *handshake.ProtocolError {
	if s.hello == nil || s.serverHello == nil {
		return nil
	}
	for _, x := range s.serverHello.Extensions {
		signalled := x.Type == tlsmsg.ExtensionRenegotiationInfo && slices.Contains(s.hello.CipherSuites, tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
		if !signalled && tlsmsg.FindExtension(s.hello.Extensions, x.Type) < 0 {
			return &handshake.ProtocolError{Alert: tlsmsg.AlertUnsupportedExtension, Where: "ServerHello.extensions", Reason: x.Type.String() + " was not offered"}
		}
	}
	return nil
}

// unofferedHello finds what a ServerHello chose although it was not offered.
func (s *Story) unofferedHello() *handshake.ProtocolError {
	c, h := s.hello, s.serverHello
	switch {
	case c == nil || h == nil:
		return nil
	case !slices.Contains(c.CipherSuites, h.CipherSuite):
		return &handshake.ProtocolError{Where: "ServerHello.cipher_suite", Reason: h.CipherSuite.String() + " was not offered"}
	case !slices.Contains(c.CompressionMethods, h.CompressionMethod):
		return &handshake.ProtocolError{Where: "ServerHello.compression_method", Reason: h.CompressionMethod.String() + " was not offered"}
	}
	return nil
}

// downgraded finds a server's mark that it speaks a higher version than it took
// (RFC 9846, section 4.2.3).
func (s *Story) downgraded() *handshake.ProtocolError {
	h := s.serverHello
	if h == nil || !bytes.HasSuffix(h.Random[:], []byte(tlsmsg.DowngradeTLS12)) && !bytes.HasSuffix(h.Random[:], []byte(tlsmsg.DowngradeTLS11)) {
		return nil
	}
	return &handshake.ProtocolError{Where: "ServerHello.random", Reason: "it ends with the mark of a server that speaks a higher version than it chose"}
}

// unofferedExchange finds what a ServerKeyExchange uses although it was not
// offered, or is weaker than most clients accept.
func (s *Story) unofferedExchange() *handshake.ProtocolError {
	c, x := s.hello, s.exchange
	if c == nil || x == nil {
		return nil
	}
	var groups tlsmsg.SupportedGroups
	var schemes tlsmsg.SignatureAlgorithms
	bits := len(bytes.TrimLeft(x.DHPrime, "\x00")) * 8
	switch {
	case x.Group != 0 && find(c.Extensions, &groups) && !slices.Contains(groups.Groups, x.Group):
		return &handshake.ProtocolError{Where: "ServerKeyExchange.params.named_curve", Reason: x.Group.String() + " was not offered"}
	case x.Scheme != 0 && find(c.Extensions, &schemes) && !slices.Contains(schemes.Schemes, x.Scheme):
		return &handshake.ProtocolError{Where: "ServerKeyExchange.algorithm", Reason: x.Scheme.String() + " was not offered"}
	case bits > 0 && bits < minDHBits:
		return &handshake.ProtocolError{Alert: tlsmsg.AlertInsufficientSecurity, Where: "ServerKeyExchange.params.dh_p",
			Reason: fmt.Sprintf("a prime of about %d bits, and most clients take %d and more", bits, minDHBits)}
	}
	return nil
}
