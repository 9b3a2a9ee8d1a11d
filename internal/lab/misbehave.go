package lab

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Misbehaviour is what our own server does wrong, once in each connection,
// at the first of its messages of a kind. The zero value is none. Its text,
// as ParseMisbehaviour reads it, is an act and the message by RFC 5246's name:
//
//	stop certificate                        silence from that message on
//	close certificate                       a FIN in its place
//	reset certificate                       a RST in its place
//	skip server_key_exchange                it is left out
//	repeat server_hello                     it is sent twice
//	reorder certificate                     it is sent after the next one
//	corrupt finished -1                     a bit of that byte of its body flips, before protection
//	break finished                          a bit flips on the wire, after protection
//	alert handshake_failure certificate     a fatal alert in its place, and a FIN
//	warn user_canceled certificate          a warning alert before it
type Misbehaviour struct {
	Act     Act
	Message Message
	// Offset is the byte that Corrupt changes, in the message's body; -1 is
	// the last.
	Offset int
	// Alert is what SendAlert and Warn send.
	Alert tlsmsg.AlertDescription
}

// An Act is the kind of a misbehaviour.
type Act string

// The acts. The zero Act is to behave.
const (
	Stop      Act = "stop"
	CloseAt   Act = "close"
	ResetAt   Act = "reset"
	Skip      Act = "skip"
	Repeat    Act = "repeat"
	Reorder   Act = "reorder"
	Corrupt   Act = "corrupt"
	Break     Act = "break"
	SendAlert Act = "alert"
	Warn      Act = "warn"
)

var acts = []Act{Stop, CloseAt, ResetAt, Skip, Repeat, Reorder, Corrupt, Break, SendAlert, Warn}

// A Message is a kind of message: a handshake message, or the content of
// another record.
type Message struct {
	Content tlsmsg.ContentType
	Type    tlsmsg.HandshakeType // of a handshake message
}

// HandshakeMessage is the kind of a handshake message.
func HandshakeMessage(t tlsmsg.HandshakeType) Message {
	return Message{tlsmsg.ContentHandshake, t}
}

func (m Message) String() string {
	if m.Content == tlsmsg.ContentHandshake {
		return m.Type.String()
	}
	return m.Content.String()
}

func (m Message) is(o handshake.Outgoing) bool {
	t, _ := o.HandshakeType()
	return o.Content == m.Content && t == m.Type
}

// ParseMisbehaviour reads a Misbehaviour from its text.
func ParseMisbehaviour(text string) (m Misbehaviour, err error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return m, nil
	}
	fail := func(format string, args ...any) (Misbehaviour, error) {
		return Misbehaviour{}, fmt.Errorf("misbehaviour %q: "+format, append([]any{text}, args...)...)
	}
	m.Act = Act(words[0])
	if !slices.Contains(acts, m.Act) {
		return fail("%w", notOneOf("the deed", m.Act, acts))
	}
	words = words[1:]
	if m.Act == SendAlert || m.Act == Warn {
		if len(words) == 0 {
			return fail("the name of an alert is missing, such as handshake_failure")
		}
		if m.Alert, err = tlsmsg.ParseAlertDescription(words[0]); err != nil {
			return fail("%w", err)
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return fail("the message is missing, such as certificate")
	}
	if m.Message, err = parseMessage(words[0]); err != nil {
		return fail("%w", err)
	}
	words = words[1:]
	if m.Act == Corrupt {
		m.Offset = -1
		if len(words) > 0 {
			if m.Offset, err = strconv.Atoi(words[0]); err != nil {
				return fail("%q is not a byte's number, such as 0, or -1 for the last", words[0])
			}
			words = words[1:]
		}
	}
	if len(words) > 0 {
		return fail("nothing goes after the message, but there is %q", words)
	}
	return m, nil
}

func parseMessage(name string) (Message, error) {
	for _, c := range []tlsmsg.ContentType{tlsmsg.ContentChangeCipherSpec, tlsmsg.ContentAlert, tlsmsg.ContentApplicationData} {
		if name == c.String() {
			return Message{Content: c}, nil
		}
	}
	t, err := tlsmsg.ParseHandshakeType(name)
	return HandshakeMessage(t), err
}

// A culprit misbehaves on one connection, through the server machine's hooks.
type culprit struct {
	Misbehaviour
	done bool
	held []handshake.Outgoing // to go after the next message
	hit  bool                 // the next record is to be broken
	over ending
}

// An ending is how the server's half ends before its time.
type ending uint8

const (
	goesOn ending = iota
	silent        // nothing more, and no end
	withFIN
	withRST
)

// tamper is the machine's hook, nil for a server that behaves.
func (c *culprit) tamper() *handshake.Tamper {
	if c.Act == "" {
		return nil
	}
	return &handshake.Tamper{Messages: c.messages, Record: c.record}
}

func (c *culprit) messages(due handshake.Outgoing) []handshake.Outgoing {
	switch {
	case c.over != goesOn:
		return nil
	case len(c.held) > 0:
		out := append([]handshake.Outgoing{due}, c.held...)
		c.held = nil
		return out
	case c.done || !c.Message.is(due):
		return []handshake.Outgoing{due}
	}
	c.done = true
	return c.commit(due)
}

// commit does it.
func (c *culprit) commit(due handshake.Outgoing) []handshake.Outgoing {
	switch c.Act {
	case Stop:
		c.over = silent
	case CloseAt:
		c.over = withFIN
	case ResetAt:
		c.over = withRST
	case Repeat:
		return []handshake.Outgoing{due, due}
	case Reorder:
		c.held = []handshake.Outgoing{{Content: due.Content, Data: bytes.Clone(due.Data)}}
	case Corrupt:
		return []handshake.Outgoing{{Content: due.Content, Data: c.corrupted(due)}}
	case Break:
		c.hit = true
		return []handshake.Outgoing{due}
	case SendAlert:
		c.over = withFIN
		return []handshake.Outgoing{alertOf(tlsmsg.LevelFatal, c.Alert)}
	case Warn:
		return []handshake.Outgoing{alertOf(tlsmsg.LevelWarning, c.Alert), due}
	}
	return nil // left out
}

func alertOf(l tlsmsg.AlertLevel, d tlsmsg.AlertDescription) handshake.Outgoing {
	alert := tlsmsg.Alert{Level: l, Description: d}
	return handshake.Outgoing{Content: tlsmsg.ContentAlert, Data: alert.Append(nil)}
}

// corrupted is the message with one bit changed, in its body if it has one.
func (c *culprit) corrupted(due handshake.Outgoing) []byte {
	bad := bytes.Clone(due.Data)
	body := bad
	if due.Content == tlsmsg.ContentHandshake && len(bad) > handshakeHeader {
		body = bad[handshakeHeader:]
	}
	at := c.Offset
	if at < 0 {
		at += len(body)
	}
	if at >= 0 && at < len(body) {
		body[at] ^= 1
	}
	return bad
}

// handshakeHeader is the length of a handshake message's header (RFC 5246,
// section 7.4).
const handshakeHeader = 4

func (c *culprit) record(wire []byte) []byte {
	if c.hit {
		c.hit = false
		wire[len(wire)-1] ^= 1
	}
	return wire
}
