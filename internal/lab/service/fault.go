// What our own server does wrong, as text and in the terms of the machine.

package service

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A ServerFault is what our own server does wrong, once in each connection, at
// the first of its messages of a kind. The zero value is none. Its text, as
// ParseServerFault reads it, is an act and the message by RFC 5246's name, or RFC 9846's
// (the server then speaks TLS 1.3; of a message that both have, it does where
// Options.MaxVersion says so):
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
type ServerFault struct {
	Act     Act
	Message Message
	// Offset is the byte that Corrupt changes, in the message's body; -1 is
	// the last.
	Offset int
	// Alert is what SendAlert and Warn send.
	Alert tlsmsg.AlertDescription
}

// An Act is the kind of a fault.
type Act string

// The acts. The zero Act is to do nothing wrong.
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

// Acts are all of them.
var Acts = []Act{Stop, CloseAt, ResetAt, Skip, Repeat, Reorder, Corrupt, Break, SendAlert, Warn}

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

// String is the message as RFC 5246 names it.
func (m Message) String() string {
	if m.Content == tlsmsg.ContentHandshake {
		return m.Type.String()
	}
	return m.Content.String()
}

// ParseServerFault reads a ServerFault from its text.
func ParseServerFault(text string) (m ServerFault, err error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return m, nil
	}
	fail := func(format string, args ...any) (ServerFault, error) {
		return ServerFault{}, fmt.Errorf("misbehave %q: "+format, append([]any{text}, args...)...)
	}
	m.Act = Act(words[0])
	if !slices.Contains(Acts, m.Act) {
		return fail("%w", notOneOf("the act", m.Act, Acts))
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

// only13 reports whether the message is one that a server sends in TLS 1.3 alone.
func (m ServerFault) only13() bool {
	return m.Act != "" && m.Message.Content == tlsmsg.ContentHandshake &&
		slices.Contains([]tlsmsg.HandshakeType{tlsmsg.TypeEncryptedExtensions, tlsmsg.TypeCertificateVerify, tlsmsg.TypeKeyUpdate, tlsmsg.TypeCompressedCertificate}, m.Message.Type)
}

// faulty is a ServerFault on one connection.
type faulty struct {
	ServerFault
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

// faultKinds are what the acts are in the machine's terms.
var faultKinds = map[Act]handshake.FaultKind{
	Stop: handshake.Stop, CloseAt: handshake.Stop, ResetAt: handshake.Stop, Skip: handshake.Omit, Repeat: handshake.Repeat,
	Reorder: handshake.Swap, Corrupt: handshake.Corrupt, Break: handshake.CorruptRecord, SendAlert: handshake.SendAlert, Warn: handshake.SendAlert,
}

// endings are how those end that end the server's half.
var endings = map[Act]ending{Stop: silent, CloseAt: withFIN, ResetAt: withRST, SendAlert: withFIN}

// tamper is the machine's hook, nil for a server that does nothing wrong.
func (f *faulty) tamper() (*handshake.Tamper, error) {
	if f.Act == "" {
		return nil, nil
	}
	kind, ok := faultKinds[f.Act]
	if !ok {
		return nil, notOneOf("the act", f.Act, Acts)
	}
	level := tlsmsg.LevelFatal
	if f.Act == Warn {
		level = tlsmsg.LevelWarning
	}
	at := f.Offset
	if f.Message.Content == tlsmsg.ContentHandshake && at >= 0 {
		at += tlsmsg.HeaderLen
	}
	return handshake.Fault{
		At:     handshake.Place{Dir: handshake.Out, Content: f.Message.Content, Type: f.Message.Type},
		Kind:   kind,
		Byte:   at,
		Alert:  tlsmsg.Alert{Level: level, Description: f.Alert},
		Silent: func() { f.over = endings[f.Act] },
	}.Tamper()
}
