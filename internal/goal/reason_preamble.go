// Why what precedes TLS failed: STARTTLS, a proxy; and what else may be spoken
// where TLS was expected.

package goal

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
)

// preamble says why TLS could not begin.
func (d *diagnosis) preamble(e *starttls.Error) {
	r := transcript.Reason{Code: "starttls_" + string(e.Kind), Layer: transcript.TLS, Sure: transcript.Likely, Frames: frames(d.payload[transcript.In]), What: d.said()}
	switch {
	case e.Proxy:
		proxyFailed(e, &r)
	case e.Kind == starttls.NotOffered:
		r.Means = "TLS is not set up on this port of the server; or it offers it to other clients only; or somebody on the way takes the offer out"
		r.Remedy = "Whoever runs the server has to set TLS up, with a certificate." + directPort(e.Protocol)
	case e.Kind == starttls.Refused && e.Asked == "":
		r.Means, r.Remedy = "the server takes no connection from here, or none now", "Try again later, and from another address; look into the server's log."
	case e.Kind == starttls.Refused && e.Asked == starttls.StreamOpening:
		r.Means, r.Remedy = "the server does not serve this domain, or takes no connection from here", "Give the domain of its XMPP addresses, --servername DOMAIN; look into the server's log."
	case e.Kind == starttls.Refused:
		r.Means, r.Remedy = "the server has TLS and cannot begin it now: often its certificate or key cannot be read", "Look into the server's log; try again later."
	case e.Kind == starttls.Unexpected:
		otherProtocol(e, &r)
	case e.Kind == starttls.Closed:
		r.Sure = transcript.Guess
		r.Means = "the server may take no connection from this address, or TLS is spoken on this port from the first byte"
		r.Remedy = "Look into the server's log; try without --starttls, and from another address."
	case e.Kind == starttls.TooMuch:
		r.Means, r.Remedy = "the server is made to hold on to its visitors, or is broken, or speaks another protocol", "See which protocol is spoken on this port."
	case e.Kind == starttls.Injected:
		r.Code = string(starttls.Injected)
		r.Means = "somebody on the way put it there, or the server is broken: a client that took it for the first of what comes under TLS would believe it (command injection, as in CVE-2011-0411 and CVE-2021-23222)"
		r.Remedy = "Trust nothing of it. Connect from another network: if it is there too, show it to whoever runs the server."
	}
	d.add(r)
}

// directPort names the port on which TLS is spoken from the first byte.
func directPort(protocol string) string {
	if p, ok := starttls.Find(protocol); ok && p.Direct != 0 {
		return fmt.Sprintf(" It may speak TLS from the first byte on port %d: HOST:%d without --starttls.", p.Direct, p.Direct)
	}
	return ""
}

// proxyFailed says why a proxy did not give the way.
func proxyFailed(e *starttls.Error, r *transcript.Reason) {
	r.Code, r.Layer = "proxy_"+string(e.Kind), transcript.TCP
	switch {
	case e.Denied:
		r.Code = "proxy_denied"
		r.Means, r.Remedy = "the proxy wants to know who asks, or does not take who says so", "Give user and password: --proxy http://USER:PASSWORD@HOST:PORT, or socks5://…"
	case e.Kind == starttls.Refused:
		r.Means, r.Remedy = "the proxy did not reach the server, or does not allow this server or port", "Check host and port, and what the proxy allows; look into its log."
	case e.SpeaksTLS():
		r.Means, r.Remedy = "the proxy is itself reached by TLS, in which it is not spoken to", "Give a port of the proxy on which it speaks without TLS."
	case e.Kind == starttls.Unexpected && e.Who == "the SOCKS proxy":
		r.Means, r.Remedy = "no SOCKS 5 is spoken on this port", "Give a proxy of HTTP as http://HOST:PORT."
	case e.Kind == starttls.Unexpected:
		r.Means, r.Remedy = "no HTTP is spoken on this port", "Give a proxy of SOCKS 5 as socks5://HOST:PORT."
	default:
		r.Sure = transcript.Guess
		r.Means, r.Remedy = "it may be no proxy, or of another kind, or take no connection from here", "Check the address of the proxy and its kind, http:// or socks5://."
	}
}

// otherProtocol says what is spoken in place of what --starttls names.
func otherProtocol(e *starttls.Error, r *transcript.Reason) {
	r.Means, r.Remedy = "another protocol is spoken on this port, or the server is broken", "See which protocol is spoken on this port."
	if e.SpeaksTLS() {
		r.Means, r.Remedy = "TLS is spoken on this port from the first byte", "Leave --starttls out."
		return
	}
	if b, ok := starttls.Recognize(e.Said); ok {
		r.Means, r.Remedy = b.Protocol+" is spoken on this port", behind(b)
	}
}

// behind says how TLS is reached behind a protocol.
func behind(b starttls.Banner) string {
	if len(b.Names) == 0 {
		return "Give the port where TLS is spoken, HOST:PORT (443 if none is given)."
	}
	return fmt.Sprintf("Ask for TLS in this protocol: --starttls %s. Or give the port where TLS is spoken from the first byte, HOST:PORT.", strings.Join(b.Names, " or --starttls "))
}

// agreedFirst reports whether both sides had agreed on TLS in another protocol, rather
// than come through a proxy.
func (d *diagnosis) agreedFirst() bool {
	n, ok := d.notes["tls_begins"]
	_, title, named := strings.Cut(n.text, " in another protocol: ")
	return ok && named && !strings.HasPrefix(title, "HTTP CONNECT") && !strings.HasPrefix(title, "SOCKS") && !strings.HasPrefix(title, "PROXY")
}

// agreedInVain explains what a server says in plaintext after it agreed to TLS.
func (d *diagnosis) agreedInVain(r *transcript.Reason) {
	r.Code = "starttls_then_plaintext"
	r.Means = "the server agreed to begin TLS and then went on in plaintext: it cannot begin it, often because its certificate or key cannot be read; or somebody on the way put this there"
	r.Remedy = "Look into the server's log; connect from another network and compare."
}

// precedingSilence explains a silence before TLS.
func precedingSilence(waiting string, r *transcript.Reason) {
	r.Code = "starttls_silent"
	switch {
	case strings.Contains(waiting, " proxy"):
		r.Code = "proxy_silent"
		r.Means, r.Remedy = "the proxy waits for the server, which does not answer it, or is no proxy, or one of another kind", "Check the proxy's address and kind (http:// or socks5://), and the server's host and port; try a longer --timeout."
	case strings.HasPrefix(waiting, "the greeting"):
		r.Means = "TLS may be spoken on this port from the first byte, so that the server waits as well; some servers delay their greeting for clients that they do not know"
		r.Remedy = "Leave --starttls out if TLS is spoken there from the first byte; try a longer --timeout."
	case strings.Contains(waiting, " IRC server"):
		r.Means = "the server may have no STARTTLS: before a client has registered, many IRC servers say nothing to what they do not know; or another protocol is spoken on this port"
		r.Remedy = "Try a longer --timeout." + directPort("irc")
	default:
		r.Means, r.Remedy = "another protocol may be spoken on this port, or the server is slow", "See which protocol is spoken on this port; try a longer --timeout."
	}
}

// silentProtocol adds what is usually spoken on a port whose server says nothing
// until it is asked.
func (s *Story) silentProtocol(r *transcript.Reason) {
	if p, ok := starttls.OfPort(s.port); ok && !s.notes["tls_begins"].set() {
		r.Remedy += fmt.Sprintf(" On port %d TLS is usually asked for first: --starttls %s.", s.port, p.Name)
	}
}
