// How the server broke the protocol, or which other protocol it speaks.

package goal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// fault says what our own side found wrong with what the server sent.
func (d *diagnosis) fault(r *transcript.Reason) {
	var broke *handshake.ProtocolError
	if !errors.As(d.err, &broke) {
		r.Code, r.Sure, r.Layer = "server_fault", transcript.Certain, transcript.TLS
		return
	}
	blame(broke, r)
	r.What = fmt.Sprintf("%s (answered by the alert %v)", broke.Because(), broke.Alert)
}

// blame says what is wrong with what a server sent, and what can be done.
func blame(broke *handshake.ProtocolError, r *transcript.Reason) {
	r.Code, r.Sure, r.Layer = "server_fault", transcript.Certain, transcript.TLS
	r.Means = "the server sends what TLS does not allow here, or what the ClientHello did not offer"
	r.Remedy = "Nothing on the client's side mends that: show it to whoever runs the server."
	switch broke.Alert {
	case tlsmsg.AlertProtocolVersion:
		versionFault(broke, r)
	case tlsmsg.AlertInsufficientSecurity:
		r.Code, r.Means = "too_weak", "what the server chose is below what this client takes"
		r.Remedy = "To look at a host with a small key, take it with --legacy."
		if strings.HasPrefix(broke.Where, "ServerKeyExchange") {
			r.Remedy = "To look at a host with a small group, lower the bound with --min-dh-bits."
		}
	case tlsmsg.AlertBadRecordMAC, tlsmsg.AlertDecryptError:
		if strings.Contains(broke.Reason, "without protection it would be the alert") {
			r.Code, r.Sure = "plaintext_alert", transcript.Guess
			r.Means = "the server gave up, and said so in plaintext, as some do that could not change to their keys; its alert is the reason, if it is the server's"
			r.Remedy = "Look into the server's log."
			return
		}
		r.Code, r.Sure = "not_authentic", transcript.Likely
		r.Means = "the two sides have different keys, or something on the way changed the bytes"
		r.Remedy = "Capture at both ends and compare the bytes; try other suites (--ciphers)."
		if broke.Where == "ServerKeyExchange.signature" {
			r.Means = "the server signs with another key than its certificate's, or wrongly, or something on the way changed the bytes"
			r.Remedy = "See on the server that its certificate and its private key belong together; capture at both ends and compare the bytes."
		}
	case tlsmsg.AlertUnsupportedExtension:
		extensionFault(broke, r)
	default:
		choiceFault(broke, r)
	}
}

// choiceFault says what the client can do about the server's choice.
func choiceFault(broke *handshake.ProtocolError, r *transcript.Reason) {
	switch {
	case broke.Where == "ServerHello.random":
		r.Code = "downgraded"
		r.Means = "something on the way changed the ClientHello, so that the server took an older version: it marks its random where it speaks a higher one (RFC 9846, section 4.2.3)"
		r.Remedy = "Reach the server by another way, and capture at both ends to compare the ClientHello: a box that inspects TLS does this, and so does an attack. With --max-version 1.2 there is nothing to take away, and no protection."
	case strings.Contains(broke.Reason, "resumed session"):
		r.Means = "the server resumes the session with other parameters than it has (RFC 5246, section 7.4.1.3; RFC 7627, section 5.3)"
		r.Remedy = "Make a full handshake: leave --session-file out, or name a new file."
	case strings.HasSuffix(broke.Reason, "this side cannot finish it"):
		r.Means = "the suite is one that is offered to see whether the server takes it, and it does"
		r.Remedy = "Stop at the certificate (--until certificate), or offer other suites with --ciphers."
	case broke.Where == "ServerKeyExchange.algorithm" && strings.HasSuffix(broke.Reason, "_sha1 was not offered"):
		r.Remedy = "To look at a host that signs with SHA-1, offer it with --legacy."
	}
}

// versionFault explains a version that the server chose and this client does
// not accept. The version of a record, which is refused with the same alert, is
// not meant.
func versionFault(broke *handshake.ProtocolError, r *transcript.Reason) {
	if broke.Where != "ServerHello.server_version" {
		return
	}
	r.Code, r.Means = "version_refused", "the server chose a version that this client does not take"
	switch chosen := broke.Reason; {
	case strings.HasPrefix(chosen, "TLS 1.0,"), strings.HasPrefix(chosen, "TLS 1.1, expected TLS 1.2"):
		r.Remedy = "To look at a host that speaks no better, take TLS 1.0 and 1.1 with --min-version 1.0."
	case strings.HasPrefix(chosen, "SSL"):
		r.Remedy = "Nothing on the client's side mends that: rawshake does not speak SSL, which RFC 7568 forbids."
	default:
		r.Means += ", and that the ClientHello does not offer (RFC 5246, appendix E.1)"
	}
}

// extensionFault explains an extension that the ServerHello must not have. Only
// one that the client offered can be left out.
func extensionFault(broke *handshake.ProtocolError, r *transcript.Reason) {
	if strings.HasSuffix(broke.Reason, "was not offered") {
		r.Means = "the server sends an extension that the ClientHello does not have, which it must not (RFC 5246, section 7.4.1.4)"
		return
	}
	switch {
	case strings.Contains(broke.Reason, "stands for nothing"):
		r.Means = "the server answers an extension that nobody knows: it repeats what it is sent (RFC 8701)"
		r.Remedy = "Show it to whoever runs the server; to look further, leave --grease out."
		return
	case strings.HasPrefix(broke.Reason, tlsmsg.ExtensionPadding.String()+" "):
		r.Means = "the server answers the padding of the ClientHello, which it must not (RFC 7685)"
		r.Remedy = "Show it to whoever runs the server; to look further, leave --pad-to out."
		return
	}
	r.Means = "the server answers an extension that is the client's alone (RFC 5246, section 7.4.1.4.1)"
	r.Remedy = "Show it to whoever runs the server; to look further, leave the extension out with --omit-extension."
}

// notTLS says what a server speaks instead of TLS.
func (d *diagnosis) notTLS() {
	var not *handshake.NotTLSError
	r := transcript.Reason{Code: "not_tls", Layer: transcript.TLS, Sure: transcript.Likely, Frames: frames(d.payload[transcript.In]), What: d.said()}
	if n, ok := d.notes["not_tls"]; ok && r.What == "" {
		r.What = n.text
	}
	var first []byte
	if errors.As(d.err, &not) {
		first = not.First
	}
	if d.agreedFirst() {
		d.agreedInVain(&r)
		d.add(r)
		return
	}
	r.Means, r.Remedy = "something else is spoken on this port", "Give the port where TLS is spoken, HOST:PORT (443 if none is given)."
	if b, ok := bannerOf(first, r.What); ok {
		r.Means, r.Remedy = b.Protocol+" is spoken on this port", behind(b)
	}
	d.add(r)
}

// bannerOf recognizes a protocol by the first bytes that a server sends, or by the
// sentence about them.
func bannerOf(first []byte, said string) (starttls.Banner, bool) {
	if _, quoted, ok := strings.Cut(said, `"`); ok && len(first) == 0 {
		first = []byte(quoted)
	}
	return starttls.Recognize(first)
}
