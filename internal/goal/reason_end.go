// Why a connection was reset, closed early, or fell silent.

package goal

import (
	"errors"
	"fmt"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// reset explains a RST that ended an established connection.
func (d *diagnosis) reset() {
	if d.kernel.set && (!d.rst[transcript.In].set || d.kernel.at <= d.rst[transcript.In].at) {
		d.kernelReset()
		return
	}
	dir := transcript.In
	if d.rst[transcript.Out].set && (!d.rst[transcript.In].set || d.rst[transcript.Out].at < d.rst[transcript.In].at) && d.captured {
		dir = transcript.Out
	}
	r := transcript.Reason{Code: "reset", Layer: transcript.TCP, Sure: transcript.Guess, Frames: frames(d.rst[dir]),
		What: fmt.Sprintf("the %s reset the connection after %s", side(dir), d.after())}
	if text := d.rstText[dir]; text != "" {
		r.What += fmt.Sprintf("; its RST carries the text %q", text)
	}
	if dir == transcript.Out {
		d.clientEnded(&r)
	} else {
		d.serverEnded(&r)
	}
	if text := d.rstText[dir]; text != "" {
		r.Means += fmt.Sprintf("; the RST itself says %q (RFC 9293, section 3.5.3)", text)
	}
	d.add(r)
}

// kernelReset explains a RST from this machine's own kernel.
func (d *diagnosis) kernelReset() {
	d.add(transcript.Reason{Code: "kernel_reset", Layer: transcript.Guard, Frames: frames(d.kernel),
		What:   "this machine's kernel sent a RST of its own, for it knows nothing of the connection",
		Means:  "this machine's kernel sent a RST of its own: no guard keeps it from that (--guard none), or a firewall rule of this machine answers what comes in before the guard has its turn",
		Remedy: KernelResetRemedy})
}

// KernelResetRemedy is the remedy if this machine's kernel sends RSTs in spite
// of the guard.
const KernelResetRemedy = "Use --guard nftables (as root, or with cap_net_admin), which holds whatever answers; --guard auto takes one that holds by itself where it can read the rule, which iptables-legacy's cannot be. " + SpareRemedy

// SpareRemedy is the other remedy.
const SpareRemedy = "Or have the rule spare this (nft list ruleset; iptables-save; look for reject). rawshake doctor says which guards work here."

// protocol explains a server that broke the protocol or closed too early.
func (d *diagnosis) protocol() {
	var broke *handshake.ProtocolError
	var closed *handshake.ClosedError
	switch {
	case errors.As(d.err, &broke):
		r := transcript.Reason{Code: "server_fault", Layer: transcript.TLS, Frames: frames(d.lastAt)}
		d.fault(&r)
		d.add(r)
	case errors.Is(d.err, handshake.ErrECHRejected):
		d.echRejected()
	case errors.Is(d.err, ErrNoReply):
		d.add(d.noReply())
	case errors.Is(d.err, ErrEndless):
		d.add(transcript.Reason{Code: "endless_data", Layer: transcript.TLS, What: d.said(), Sure: transcript.Certain, Frames: frames(d.payload[transcript.In]),
			Means: "more came than any handshake has: the server is made to hold on to its visitors, or is broken"})
	case errors.As(d.err, &closed) && closed.Handshaken:
		r := transcript.Reason{Code: "truncated", Layer: transcript.TLS, What: d.said(), Sure: transcript.Certain, Frames: frames(d.fin[transcript.In]),
			Means:  "whether the reply is whole cannot be told: somebody on the way may have cut it off (RFC 5246, section 7.2.1); many servers end like this out of carelessness",
			Remedy: "Compare what came with the length that the reply itself tells."}
		if !d.data[transcript.In].set {
			d.renegotiationRefused(&r)
		}
		d.add(r)
	default:
		d.closedEarly(closed)
	}
}

func (d *diagnosis) noReply() transcript.Reason {
	r := transcript.Reason{Code: "no_reply", Layer: transcript.TLS, Sure: transcript.Guess, Frames: frames(d.data[transcript.Out], d.fin[transcript.In]),
		What:   "the server ended the connection without a reply to the request",
		Means:  "it did not take the request: another protocol may be spoken inside TLS on this port",
		Remedy: "Send what the server expects: a request of its protocol on standard input, or another path with --get."}
	d.renegotiationRefused(&r)
	return r
}

// closedEarly explains an end before the handshake was complete.
func (d *diagnosis) closedEarly(closed *handshake.ClosedError) {
	dir, at := transcript.In, d.firstEnd(transcript.In)
	if own := d.firstEnd(transcript.Out); d.captured && own.set && (!at.set || own.at < at.at) {
		dir, at = transcript.Out, own
	}
	r := transcript.Reason{Code: "closed_early", Layer: transcript.TLS, Sure: transcript.Guess, Frames: frames(at),
		What: fmt.Sprintf("the %s ended the connection after %s, before the handshake was done", side(dir), d.after())}
	if closed != nil && closed.MidRecord {
		r.What += ", in the middle of a record or message"
	}
	if dir == transcript.Out {
		d.clientEnded(&r)
	} else {
		d.serverEnded(&r)
	}
	if a := d.warned(transcript.In); a != nil && dir == transcript.In {
		d.warning(a, &r)
	}
	d.add(r)
}

// warning takes a warning alert for the reason of the end that followed it.
func (d *diagnosis) warning(a *alert, r *transcript.Reason) {
	r.What += fmt.Sprintf("; it had sent the warning alert %v (%d)", a.Description, uint8(a.Description))
	said := transcript.Reason{Code: r.Code, What: r.What, Layer: r.Layer, Sure: transcript.Likely, Frames: r.Frames}
	if a.Description == tlsmsg.AlertUserCanceled {
		r.Code, r.Means, r.Remedy = "server_gave_up", "the server gave up for a reason that has nothing to do with TLS (RFC 5246, section 7.2.2)", "Try again later; look into the server's log."
		return
	}
	d.serverAlert(a, &said)
	said.Frames = append(frames(a.mark), r.Frames...)
	*r = said
}

// serverEnded says why a server may have closed at this moment without an
// alert.
func (d *diagnosis) serverEnded(r *transcript.Reason) {
	switch {
	case d.endedBehind(r):
	case d.moment == connected && d.renegotiationRefused(r):
	case d.moment == connected:
		r.Means, r.Remedy = "the handshake was complete: the server's reason lies in what it was asked for", "Look into the server's log."
	case d.moment == afterClientFlight && d.unfulfilled():
		d.certificateWanted(r, false)
	case d.moment == afterClientFlight && d.credential > 0:
		d.credentialRefused(tlsmsg.AlertHandshakeFailure, r)
	case d.moment == afterClientFlight:
		r.Means = "the server did not take the client's keys, or failed with them"
		r.Remedy = "Look into the server's log; try other suites or groups (--ciphers, --groups)."
	case d.moment >= inServerFlight:
		r.Means = "the server, or something on the way, gave up in the middle of the server's own flight"
		r.Remedy = "Look into the server's log."
	case d.moment == afterHello && d.again:
		anotherRefused(r)
	case d.moment == beforeHello && d.preceded:
		r.Means = "the server ended the connection in the middle of what precedes TLS: another protocol may be spoken on this port, or it takes nothing from this address"
		r.Remedy = "See which protocol is spoken on this port; look into the server's log."
	case d.moment == afterHello && d.agreedFirst():
		r.Means = "the server agreed to begin TLS and did not: often its certificate or key cannot be read; or it does not like the ClientHello"
		r.Remedy = "Look into the server's log; try another name (--servername), and the same from another network."
	case d.moment == afterHello:
		r.Means = "the server does not like the ClientHello or speaks no TLS here, or something on the way ends connections by what the ClientHello says (its name, its fingerprint)"
		r.Remedy = "See that TLS is spoken on this port from the first byte; try another name (--servername), and the same from another network."
		d.silentProtocol(r)
	default:
		r.Means = "the server took the connection and ended it before TLS began: it may be overloaded, or refuse this address"
		r.Remedy = "Try again later, and from another address; see that TLS is spoken on this port from the first byte."
	}
}

// clientEnded says why somebody else's client may have closed its connection.
func (d *diagnosis) clientEnded(r *transcript.Reason) {
	r.Code = "client_" + r.Code
	switch {
	case d.moment == connected:
		r.Means = "the client left once the handshake was complete"
	case d.chainAt.set && d.moment <= afterServerFlight:
		r.Means, r.Remedy = "the client left when it had the server's certificate, which it may not have taken", "See with rawshake connect whether the certificate verifies."
	case d.moment == beforeHello:
		r.Means = "the client left before it said anything in TLS: it looked whether the port is open, as a health check does"
	default:
		r.Means, r.Remedy = "the client gave up", "Look into the client's log."
	}
}

// quiet is how long a server must have been silent before the client's close
// counts as giving up.
const quiet = 500 * time.Millisecond

// silent is how long the server had been silent when the client closed or the
// transcript ended, and whether that explains the end.
func (s *Story) silent() (time.Duration, bool) {
	until := s.end
	if e := s.firstEnd(transcript.Out); e.set {
		until = e.at
	} else if !s.captured {
		return 0, true
	}
	if s.firstEnd(transcript.In).set || s.moment == connected || s.moment == afterServerFlight || s.fatal() != nil {
		return 0, false
	}
	said := s.payload[transcript.Out].at
	if s.lastAt.set { // the client may have sent close_notify since
		said = min(said, s.lastAt.at)
	}
	since := s.payload[transcript.In].at
	if !s.payload[transcript.In].set {
		since = said
	} else if s.moment == afterClientFlight || s.moment == afterHello {
		since = max(since, said)
	}
	return until - since, s.payload[transcript.Out].set && until-since >= quiet
}

// firstEnd is where a side began to close the connection.
func (s *Story) firstEnd(dir transcript.Dir) mark {
	first := s.fin[dir]
	for _, m := range []mark{s.rst[dir], s.sealed[dir]} {
		if m.set && (!first.set || m.at < first.at) {
			first = m
		}
	}
	for _, a := range s.alerts {
		if a.dir == dir && a.Description == tlsmsg.AlertCloseNotify && (!first.set || a.at < first.at) {
			first = a.mark
		}
	}
	return first
}

// silence explains a goal that was not reached in time, by what the other side
// did not send.
func (d *diagnosis) silence() {
	var timeout *TimeoutError
	known := errors.As(d.err, &timeout) && timeout.Connected // if no segments are seen
	if !d.opened.set && !d.synACK.set && !known {
		d.noAnswer()
		return
	}
	if d.dropped() {
		return // then it was not silent
	}
	if d.kernel.set {
		d.kernelReset()
		return
	}
	r := transcript.Reason{Code: "stalled", Layer: transcript.TLS, Sure: transcript.Guess, Frames: frames(d.lastAt),
		What: "the server fell silent after " + d.after()}
	if n := d.octets[transcript.In]; n > 0 {
		r.Frames = frames(d.payload[transcript.In])
	}
	if quiet, ok := d.silent(); ok && quiet > 0 {
		r.What = fmt.Sprintf("the server said nothing for %v after %s, and the client gave up", quiet.Round(100*time.Millisecond), d.after())
	} else if d.err != nil {
		r.What += ": " + d.said()
	}
	if d.nothingBehind() {
		d.nothingAnswers(&r)
	} else if timeout != nil && timeout.Preceding && !d.zero {
		precedingSilence(timeout.Waiting, &r)
	} else {
		d.waitedFor(&r)
	}
	d.add(r)
}

// waitedFor says what silence at this moment usually means.
func (d *diagnosis) waitedFor(r *transcript.Reason) {
	stuck := d.octets[transcript.Out] > d.acked && d.octets[transcript.Out] > 0
	switch {
	case d.zero:
		r.Code, r.Layer, r.Sure = "window_closed", transcript.TCP, transcript.Likely
		r.Means = "the server has closed its receive window and does not open it: it holds the connection and reads nothing (a tarpit does so, and an overloaded host)"
		r.Remedy = "Try again later; a longer --timeout helps only where the host is busy."
	case d.moment == connected && d.data[transcript.In].set:
		r.Means, r.Remedy = "the reply began and did not end: the server is slow, or waits for more of the request", "Try a longer --timeout."
	case d.moment == connected && d.renegotiationRefused(r):
	case d.moment == connected:
		r.Means, r.Remedy = "the handshake is complete, and the server does not answer what it was asked", "Try a longer --timeout; send what the server expects, with an empty line at the end of an HTTP request."
	case stuck && d.repeated > 0:
		r.Code, r.Layer = "not_acknowledged", transcript.TCP
		r.Frames = frames(d.payload[transcript.Out], d.repeatAt)
		r.Means = "the client's last segments are not acknowledged, though they were sent again: they do not get through (a firewall that drops what it sees in them, a path that takes only smaller packets), or the host is gone"
		if !d.behind {
			r.Means += "; or it never was there, and what answered the SYN answers for every port"
		}
		r.Remedy = "Try a smaller ClientHello (fewer --ciphers, --omit-extension), another name (--servername), and the same from another network."
	case d.moment == afterClientFlight && d.unfulfilled():
		d.certificateWanted(r, false)
		r.Sure = transcript.Guess
	case d.moment == afterClientFlight:
		r.Means, r.Remedy = "the server has all that it needs to finish and does not: what it does then (a look at the client's certificate, a key in a hardware module) hangs", "Look into the server's log; try a longer --timeout."
	case d.moment >= inServerFlight:
		r.Means = "the server began its flight and did not end it: it hangs (a key or a certificate that it fetches from elsewhere), or its larger packets do not get through to the client"
		r.Remedy = "Look into the server's log. If small certificates work and large ones do not, look for a path with a smaller MTU on the way."
	case d.moment == afterHello && d.again:
		r.Means, r.Remedy = "the first handshake was complete, and the server does not answer the ClientHello of another inside the connection", "Look into the server's log; try a longer --timeout."
	case d.moment == afterHello:
		d.helloUnanswered(r)
	default:
		r.Means, r.Remedy = "nothing was said in TLS", "See that TLS is spoken on this port from the first byte."
	}
}

// The lengths of a ClientHello at which some servers and load balancers hang
// (RFC 7685, section 1).
const minBadHello, maxBadHello = 256, 511

func (d *diagnosis) helloUnanswered(r *transcript.Reason) {
	r.Frames = frames(d.helloAt)
	if n := d.octets[transcript.In]; n > 0 {
		r.Means, r.Remedy = "the server began an answer and did not end it", "Look into the server's log; try a longer --timeout."
		return
	}
	r.Means = "the server took the ClientHello and does not answer it: it is slow, or it waits for something else, since TLS is not spoken on this port from the first byte"
	r.Remedy = "See that TLS is spoken on this port from the first byte; try a longer --timeout."
	d.silentProtocol(r)
	if minBadHello <= d.helloLen && d.helloLen <= maxBadHello {
		r.Means += fmt.Sprintf("; or it is one of those that hang on a ClientHello of 256 to 511 bytes, as this one with %d is (RFC 7685)", d.helloLen)
		r.Remedy = "Try --pad-to 512. " + r.Remedy
	}
}

// incomplete says what the capture does not hold.
func (d *diagnosis) incomplete() {
	r := transcript.Reason{Code: "incomplete", Layer: transcript.TCP, What: d.said(), Sure: transcript.Certain}
	if d.moment == beforeHello {
		r.Remedy = "Capture from before the connection begins."
	} else {
		r.Remedy = "Capture until the connection has ended, with whole frames (tcpdump -s 0)."
	}
	d.add(r)
}
