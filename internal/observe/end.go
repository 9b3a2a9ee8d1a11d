// The result of an observed connection.

package observe

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// ending collects what the result is made from.
type ending struct {
	syn, synACK, reset, fin bool
	unreachable             string
	established             bool // a packet came after the SYN-ACK
	resetBy                 transcript.Dir
	gaps                    int

	hello     time.Duration
	haveHello bool
	over      bool // the handshake is complete
	took      time.Duration
	everOver  bool
	verified  int // how many of the two Finished messages
	data      bool
	alert     string
	notTLS    string
	preamble  *starttls.Error // why what precedes TLS failed
}

// frame takes note of what TCP and ICMP say. A RST or FIN with a wrong checksum
// ends nothing, unless checksums mean nothing here.
func (e *ending) frame(f *transcript.Frame, trusts bool) {
	if m := f.ICMP; m != nil && m.IsError() && e.unreachable == "" {
		e.unreachable = fmt.Sprintf("ICMP %v from %v", m, m.From)
	}
	if f.Segment == nil || f.Discarded() {
		return
	}
	flags := f.Segment.Flags
	if f.BadChecksum && !trusts && flags.Any(wire.RST|wire.FIN) {
		return
	}
	switch {
	case flags.Has(wire.RST):
		if !e.reset {
			e.reset, e.resetBy = true, f.Dir
		}
	case flags.Has(wire.SYN | wire.ACK):
		e.synACK = true
	case flags.Has(wire.SYN):
		e.syn = true
	default:
		e.established = true
	}
	e.fin = e.fin || flags.Has(wire.FIN)
}

func (e *ending) helloAt(f *transcript.Frame) {
	if !e.haveHello {
		e.hello, e.haveHello = f.At, true
	}
}

func (e *ending) handshakeAt(f *transcript.Frame) {
	if !e.everOver && e.haveHello {
		e.took = f.At - e.hello
	}
	e.over, e.everOver = true, true
}

// result says how the connection ended, in the words of `connect` as far as
// they fit somebody else's connection. why says why there are no more packets.
func (c *Connection) result(why string) transcript.Result {
	e, a := &c.ending, &c.shared
	res := transcript.Result{Version: a.version, CipherSuite: a.cipherSuite, Group: a.group, ALPN: a.alpn, Handshake: e.took}
	fail := func(outcome, text string) { res.Outcome, res.Error = outcome, text }
	switch {
	case e.alert != "":
		fail("alert", e.alert)
	case e.everOver:
		res.OK, res.Outcome = true, "finished"
		if e.data {
			res.Outcome = "data"
		}
	case a.version >= 0x0304 && a.haveServerHello:
		res.OK, res.Outcome = true, "hello"
	case e.preamble != nil:
		fail("preamble", e.preamble.Error())
	case e.notTLS != "":
		fail("not_tls", e.notTLS)
	case !e.established && !e.synACK && e.reset:
		fail("closed", "a RST answered the SYN")
	case e.unreachable != "" && !e.established:
		fail("unreachable", e.unreachable)
	case !e.syn && !e.synACK && !a.haveClientHello:
		fail("incomplete", "the capture does not hold the beginning of it")
	case e.gaps > 0:
		fail("incomplete", "too much of it is missing from the capture")
	case e.reset:
		fail("reset", fmt.Sprintf("the %s reset the connection%s", sideOf(e.resetBy), c.before()))
	case e.syn && !e.synACK && !e.established:
		fail("timeout", "no answer to the SYN is in the capture")
	case e.fin && a.any:
		fail("protocol", "the connection ended"+c.before())
	case e.fin, e.synACK && !a.any && !e.established:
		res.OK, res.Outcome = true, "open"
	default:
		fail("incomplete", strings.TrimSpace("the capture does not hold the end of it. "+why))
	}
	return res
}

// before says how far TLS had got.
func (c *Connection) before() string {
	switch a := &c.shared; {
	case !a.any:
		return " before any TLS"
	case !a.haveServerHello:
		return " before a ServerHello"
	default:
		return " before the handshake was complete"
	}
}

// noteLayers are the words that a note of ours may begin with.
var noteLayers = map[string]transcript.Layer{
	"link": transcript.Link, "guard": transcript.Guard, "tcp": transcript.TCP, "tls": transcript.TLS,
}

// parseNote splits a packet comment. Our own begin with the layer and the
// decision's name: "tcp retransmission: RTO of 1 s".
func parseNote(note string) (transcript.Layer, string, string) {
	head, text, ok := strings.Cut(note, ": ")
	if word, name, two := strings.Cut(head, " "); ok && two && isName(name) {
		if layer, known := noteLayers[word]; known {
			return layer, name, text
		}
	}
	return transcript.Link, "comment", note
}

// isName reports whether s is a decision's name: snake_case.
func isName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == ""
}
