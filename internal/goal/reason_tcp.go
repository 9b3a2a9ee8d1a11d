// Why no TCP connection came about.

package goal

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// refused explains a RST in answer to the SYN.
func (d *diagnosis) refused() {
	r := transcript.Reason{Code: "refused", Layer: transcript.TCP, Sure: transcript.Likely, Frames: frames(d.syn, d.rst[transcript.In]),
		What:   "a RST answered the SYN",
		Means:  "nothing listens on this port, or a firewall says so in the host's name",
		Remedy: "Check the port, HOST:PORT (443 if none is given)."}
	if text := d.rstText[transcript.In]; text != "" {
		r.What += fmt.Sprintf("; it carries the text %q", text)
		r.Means += fmt.Sprintf("; the RST itself says %q (RFC 9293, section 3.5.3)", text)
	}
	d.add(r)
}

// unreachable explains an ICMP error.
func (d *diagnosis) unreachable() {
	r := transcript.Reason{Code: "unreachable", Layer: transcript.Link, Sure: transcript.Likely, Frames: frames(d.icmp), What: d.icmpText}
	if r.What == "" {
		r.What = d.said()
	}
	r.Means = "a router or the host's firewall says that this does not get through"
	r.Remedy = "Check the address, the route to it, and the firewalls on the way."
	d.add(r)
	d.passedBelow()
}

// noAnswer explains a SYN without a SYN-ACK that opens the connection.
func (d *diagnosis) noAnswer() {
	if d.kernel.set && !d.odd.set {
		d.kernelReset()
		return
	}
	r := transcript.Reason{Code: "no_answer", Layer: transcript.TCP, Sure: transcript.Guess, Frames: frames(d.syn),
		What:   fmt.Sprintf("no answer came to %s", plural(d.syns, "SYN")),
		Means:  "the host may be down, or a firewall on the way may drop what it does not like",
		Remedy: "Try another port, or a longer --timeout."}
	if d.syns == 0 {
		r.What = d.said()
	}
	if d.odd.set {
		r.Code, r.Sure, r.Frames = "wrong_answer", transcript.Likely, frames(d.syn, d.odd)
		r.What = "what answered the SYN does not open a connection: " + d.oddText
		r.Means = "the host is up, and it or something in front of it (a firewall, a balancer, a SYN proxy) answers for a connection that is not this one"
		r.Remedy = "Try again from another port (--source-port), and look at the packets at the host itself."
	}
	if d.icmp.set {
		r.Frames = append(r.Frames, frames(d.icmp)...)
		r.What += "; " + d.icmpText
	}
	d.add(r)
	d.passedBelow()
}

// dropped names the segments that arrived and were dropped, if the connection
// ended for want of an answer. It reports whether there were any.
func (d *diagnosis) dropped() (any bool) {
	for _, drop := range d.segments.dropped {
		if drop.reason == tcb.ArrivedBefore {
			continue
		}
		any = true
		r := transcript.Reason{Code: "segments_dropped", Layer: transcript.TCP, Sure: transcript.Likely, Frames: frames(drop.mark),
			What:   fmt.Sprintf("%s of the server's %s not taken: %s", plural(drop.count, "segment"), was(drop.count), drop.reason),
			Remedy: "Look at them in the view (--view fields), and at the same connection captured at the host itself."}
		r.Means = "what the client waited for was in what it had to drop: " + r.What + ". The server, or something on the way, sends segments that RFC 9293 or RFC 7323 has a host drop"
		d.add(r)
	}
	return any
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
