// One observed connection, from its packets to a transcript.

package observe

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Secrets returns a secret of a handshake by its label in a key log, or nil. If it
// was not found by the client random, from is a clause that says whose it is.
type Secrets func(w *Wanted, label string) (secret []byte, from string)

// Wanted is what identifies a handshake's secrets.
type Wanted struct {
	ClientRandom []byte
	Resumed      bool   // the handshake resumes an earlier session, and has its secret
	SessionID    []byte // offered by the client
	Ticket       []byte // the ticket that the client offered
}

// Want returns what to look for after a ClientHello, until the server shows
// whether it resumes the session.
func Want(m *tlsmsg.ClientHello) Wanted {
	w := Wanted{ClientRandom: bytes.Clone(m.Random[:]), Resumed: true, SessionID: bytes.Clone(m.SessionID)}
	if i := tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionSessionTicket); i >= 0 {
		w.Ticket = bytes.Clone(m.Extensions[i].Data)
	}
	return w
}

// A Judge judges a server's certificate chain as of a moment, for the name that
// the client asked for, or "". Saying reports whether the verdict also goes
// into the transcript, and not only into the reasons.
type Judge func(chain [][]byte, name string, server netip.Addr, at time.Time) (verdict goal.Chain, saying bool)

// A Connection is one observed connection.
type Connection struct {
	Flow Flow

	recorder *transcript.Recorder
	secrets  Secrets
	start    time.Time
	last     *transcript.Frame
	lastAt   time.Duration

	streams [2]stream // by transcript.Dir
	halves  [2]half
	shared  agreement
	ending  ending
	story   *goal.Story
	judge   Judge

	opening opening
	turned  bool   // the TLS client is the side that accepted the connection
	dialect string // the protocol in which TLS was asked for; "": none, or unknown
	damage  damage
	strict  bool // damaged segments never count

	saidSnapped bool
	said        map[string]int // decisions made here that no comment has repeated yet
}

// NewConnection follows a flow. Times count from start, when its first packet
// came. The transcript holds about limit bytes, as in transcript.NewRecorder.
// The listener and secrets may be nil.
func NewConnection(flow Flow, start time.Time, limit int, secrets Secrets, listener func(*transcript.Entry)) *Connection {
	c := &Connection{Flow: flow, start: start, secrets: secrets, story: goal.NewStory(true), recorder: transcript.NewObserver(limit, nil)}
	c.Listen(listener)
	for dir := range c.halves {
		c.halves[dir].messages.MaxMessage = maxMessage
	}
	return c
}

// StrictChecksums leaves segments with a wrong checksum out, as a receiver
// does. Otherwise they count if the peer acknowledges them.
func (c *Connection) StrictChecksums() {
	c.strict = true
	c.recorder.StrictChecksums()
}

// Transcript returns what was kept so far.
func (c *Connection) Transcript() *transcript.Transcript { return c.recorder.Transcript() }

// Listen changes the listener, from the next entry on.
func (c *Connection) Listen(listener func(*transcript.Entry)) {
	c.recorder.Listen(c.entry)
	if listener != nil {
		c.recorder.AlsoTell(listener)
	}
}

// JudgeBy sets who judges the server's chain. It must be called before the
// first packet.
func (c *Connection) JudgeBy(judge Judge) { c.judge = judge }

// Packet takes one frame of the flow, and the IP packet in it. Both are copied.
func (c *Connection) Packet(p *capture.Packet, ip []byte) {
	since := p.At.Sub(c.start)
	f := c.recorder.Captured(&transcript.Sighting{
		Number: p.Number, At: since, Dir: c.Flow.direction(ip), Link: p.Link,
		Raw: p.Data, Packet: ip, Behind: p.Header.Behind, Lost: p.Length - len(p.Data),
	})
	c.last, c.lastAt = f, since
	if len(p.Joined) > 0 {
		c.remark(f, transcript.Link, "tunnel_joined", fmt.Sprintf("frames %s hold fragments of the tunnel's packet: they are put together here, as one frame", numbers(p.Joined)))
	}
	c.ending.frame(f, c.recorder.Trusts(f.Dir))
	if f.Segment != nil {
		c.segment(f)
	}
	for _, note := range p.Comments {
		if layer, name, text := parseNote(note); !c.alreadySaid(name, text) && !c.willBeSaid(name) {
			c.recorder.Remark(f, layer, name, text)
		}
	}
}

// maxSaidHere bounds the decisions that are remembered to recognize them in
// comments.
const maxSaidHere = 64

func (c *Connection) entry(e *transcript.Entry) {
	c.story.Entry(e)
	if d := e.Decision; d != nil && e.Layer == transcript.TLS && len(c.said) < maxSaidHere {
		if c.said == nil {
			c.said = map[string]int{}
		}
		c.said[d.Name+": "+d.Text]++
	}
}

// alreadySaid reports whether a decision was already made here, and a comment
// only repeats it.
func (c *Connection) alreadySaid(name, text string) bool {
	key := name + ": " + text
	if c.said[key] == 0 {
		return false
	}
	if c.said[key]--; c.said[key] == 0 {
		delete(c.said, key)
	}
	return true
}

// willBeSaid reports whether a comment says what will be said here, too, with a later
// packet: a client of TLS 1.3 knows that the handshake is complete before it has sent
// its own Finished.
func (c *Connection) willBeSaid(name string) bool {
	return name == "handshake_finished" && c.shared.found[suite.SecretClientHandshake] != nil && !c.ending.over
}

// segment hands a segment's payload, and what it releases, to TLS.
func (c *Connection) segment(f *transcript.Frame) {
	if !f.Discarded() {
		c.streams[f.Dir].arrive(f)
		c.acknowledged(f)
	}
	c.damaged(f)
	c.deliver(f)
}

// deliver hands the octets that are in order, of both directions, to TLS. Those
// of one direction may release those of the other.
func (c *Connection) deliver(f *transcript.Frame) {
	for again := true; again; {
		again = false
		for dir := range c.streams {
			if p, ok := c.streams[dir].take(&c.streams[1-dir]); ok {
				c.take(transcript.Dir(dir), p, f)
				again = true
			}
		}
	}
}

func (c *Connection) take(dir transcript.Dir, p chunk, f *transcript.Frame) {
	h := &c.halves[dir]
	if p.missing > 0 {
		c.gap(dir, h, p, f)
		return
	}
	c.append(h, p, f)
	c.records(dir, h, f)
	if h.given {
		c.foreign(dir, p, f)
	}
}

// foreign skips what comes after the end of TLS.
func (c *Connection) foreign(dir transcript.Dir, p chunk, f *transcript.Frame) {
	if f.Dir != dir {
		f = p.frame
	}
	if h := &c.halves[dir]; h.told < p.end() {
		c.recorder.Octets(f, &transcript.Octets{Why: "foreign", Offset: h.told, End: p.end()})
		h.told = p.end()
	}
}

// Close ends the transcript: no more packets of the connection will come. Why
// says so in a sentence, if the connection itself did not end.
func (c *Connection) Close(why string) transcript.Result {
	if c.last != nil {
		for dir := range c.streams {
			c.streams[dir].giveUp()
		}
		c.deliver(c.last)
		c.leftOver()
		c.neverBegun()
		c.sayDamage()
	}
	res := c.result(why)
	if !c.turned { // a diagnosis takes the side that opened the connection for the client
		res = c.story.Judge(res)
	}
	c.recorder.Result(c.lastAt, res)
	return *c.recorder.Transcript().Result()
}

// leftOver takes the last records of a direction whose frames are cut in the
// capture. Other directions end where their sender ended them.
func (c *Connection) leftOver() {
	for dir := range c.halves {
		if h := &c.halves[dir]; c.streams[dir].snapped && h.tls && !h.given && !h.resync && recordLength(h.buf) > 0 {
			c.cut(transcript.Dir(dir), h)
		}
	}
}

// directionOf translates a direction for the handshake package.
func directionOf(dir transcript.Dir) handshake.Direction {
	if dir == transcript.Out {
		return handshake.Out
	}
	return handshake.In
}

// sideOf names the side that sent something.
func sideOf(dir transcript.Dir) string {
	if dir == transcript.Out {
		return "client"
	}
	return "server"
}

func (c *Connection) remark(f *transcript.Frame, layer transcript.Layer, name, text string) {
	c.recorder.Remark(f, layer, name, text)
}

// numbers lists frames: "3, 4 and 7".
func numbers(list []int) string {
	var b strings.Builder
	for i, n := range list {
		switch {
		case i > 0 && i == len(list)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}
