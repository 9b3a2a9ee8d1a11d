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
)

// A Secrets returns the master secret of a handshake, or nil; and where it is not
// found by the client random, a clause that says whose it is.
type Secrets func(*Wanted) (master []byte, from string)

// Wanted is what a handshake's master secret can be found by.
type Wanted struct {
	ClientRandom []byte
	Resumed      bool   // the handshake resumes an earlier one's session, whose secret it has
	SessionID    []byte // that the client offered
	Ticket       []byte // and its ticket
}

// Want is what is wanted once a client has said hello, and as long as the server
// does not show that it resumes nothing.
func Want(m *tlsmsg.ClientHello) Wanted {
	w := Wanted{ClientRandom: bytes.Clone(m.Random[:]), Resumed: true, SessionID: bytes.Clone(m.SessionID)}
	if i := tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionSessionTicket); i >= 0 {
		w.Ticket = bytes.Clone(m.Extensions[i].Data)
	}
	return w
}

// A Judge judges the chain of certificates that a server sent at a moment, for the
// name that the client asked for, or "". Saying is whether the transcript has the
// verdict too, and not the reasons alone.
type Judge func(chain [][]byte, name string, server netip.Addr, at time.Time) (verdict goal.Chain, saying bool)

// A Connection is one connection that goes by.
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
	turned  bool   // the client of TLS is who accepted the connection
	dialect string // in which TLS was asked for; "": none, or one that is not known
	damage  damage
	strict  bool // about checksums

	saidSnapped bool
	said        map[string]int // what was found here, and not met in a comment yet
}

// NewConnection follows a flow. Times count from start, that of its first
// packet. The transcript holds about limit bytes, as transcript.NewRecorder
// says; the listener may be nil, and so may secrets.
func NewConnection(flow Flow, start time.Time, limit int, secrets Secrets, listener func(*transcript.Entry)) *Connection {
	c := &Connection{Flow: flow, start: start, secrets: secrets, story: goal.NewStory(true), recorder: transcript.NewObserver(limit, nil)}
	c.Listen(listener)
	for dir := range c.halves {
		c.halves[dir].messages.MaxMessage = maxMessage
	}
	return c
}

// StrictChecksums leaves segments with a wrong checksum out, as a receiver does.
// Otherwise they count where the peer acknowledges them.
func (c *Connection) StrictChecksums() {
	c.strict = true
	c.recorder.StrictChecksums()
}

// Transcript is what was kept so far.
func (c *Connection) Transcript() *transcript.Transcript { return c.recorder.Transcript() }

// Listen changes the listener, from the next entry on.
func (c *Connection) Listen(listener func(*transcript.Entry)) {
	c.recorder.Listen(c.entry)
	if listener != nil {
		c.recorder.AlsoTell(listener)
	}
}

// JudgeBy has the server's chain judged. It is called before the first packet.
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
		if layer, name, text := parseNote(note); !c.alreadySaid(name, text) {
			c.recorder.Remark(f, layer, name, text)
		}
	}
}

// maxSaidHere bounds the decisions that are remembered to know them in comments.
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

// alreadySaid reports whether a comment of ours says what was found here, too.
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

// segment moves a segment's payload, and what it sets free, to TLS.
func (c *Connection) segment(f *transcript.Frame) {
	if !f.Discarded() {
		c.streams[f.Dir].arrive(f)
		c.acknowledged(f)
	}
	c.damaged(f)
	c.deliver(f)
}

// deliver moves what is in order, of both directions, to TLS. What comes of one
// may set the other free.
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

// foreign passes over what comes after the end of TLS.
func (c *Connection) foreign(dir transcript.Dir, p chunk, f *transcript.Frame) {
	if f.Dir != dir {
		f = p.frame
	}
	if h := &c.halves[dir]; h.told < p.end() {
		c.recorder.Octets(f, &transcript.Octets{Why: "foreign", Offset: h.told, End: p.end()})
		h.told = p.end()
	}
}

// Close ends the transcript: nothing more of the connection will come. The
// sentence says why, where that is not the connection's own end.
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
	if !c.turned { // a diagnosis takes who opens a connection for the client
		res = c.story.Judge(res)
	}
	c.recorder.Result(c.lastAt, res)
	return *c.recorder.Transcript().Result()
}

// leftOver takes the last records of a direction whose frames the capture cuts.
// Those of other directions ended where their sender did.
func (c *Connection) leftOver() {
	for dir := range c.halves {
		if h := &c.halves[dir]; c.streams[dir].snapped && h.tls && !h.given && !h.resync && recordLength(h.buf) > 0 {
			c.cut(transcript.Dir(dir), h)
		}
	}
}

// directionOf is a direction in the handshake machines' terms.
func directionOf(dir transcript.Dir) handshake.Direction {
	if dir == transcript.Out {
		return handshake.Out
	}
	return handshake.In
}

// sideOf names the end that sent something.
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
