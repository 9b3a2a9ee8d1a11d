// The usual faults of a server, for laboratories and tests: stop, omit, repeat,
// swap, corrupt, alert.

package handshake

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Fault is one thing that a server does wrong, at one place of the conversation.
type Fault struct {
	At    Place
	Kind  FaultKind
	Byte  int          // of Corrupt: which byte of the content, header included; negative: from its end
	Alert tlsmsg.Alert // of SendAlert
	// Silent is called once the server sends nothing more, by Stop or a fatal
	// alert; it may be nil.
	Silent func()
}

// A Place is a point in the handshake: where a message of the server is due
// (Out), or one of the client has arrived and is not processed yet (In).
type Place struct {
	Dir     Direction
	Content tlsmsg.ContentType
	Type    tlsmsg.HandshakeType // where Content is handshake
}

// FaultKind is what a server does wrong.
type FaultKind uint8

const (
	// Stop sends nothing more, from that message on.
	Stop FaultKind = iota
	// Omit leaves that message out, and goes on.
	Omit
	// Repeat sends that message twice.
	Repeat
	// Swap sends that message after the one that should follow.
	Swap
	// Corrupt changes a byte of that message, before protection: the record's
	// MAC is right, and Finished covers the change.
	Corrupt
	// CorruptRecord changes the last byte of the record that carries the
	// message, after protection.
	CorruptRecord
	// SendAlert sends an alert first; after a fatal one, nothing more.
	SendAlert
	numFaultKinds
)

var faultKindNames = [numFaultKinds]string{"stop", "omit", "repeat", "swap", "corrupt", "corrupt-record", "alert"}

// String returns the name of the kind, as in the lab's flags and topologies.
func (m FaultKind) String() string {
	if m < numFaultKinds {
		return faultKindNames[m]
	}
	return fmt.Sprintf("fault %d", uint8(m))
}

// FaultKinds returns all kinds of fault.
func FaultKinds() []FaultKind {
	return []FaultKind{Stop, Omit, Repeat, Swap, Corrupt, CorruptRecord, SendAlert}
}

// Places returns every place of a TLS 1.2 conversation, ours first.
func Places() []Place {
	places := make([]Place, 0, len(serverTypes)+len(clientTypes)+2*len(ownRecords))
	for _, t := range serverTypes {
		places = append(places, Sending(t))
	}
	for _, c := range ownRecords {
		places = append(places, Place{Dir: Out, Content: c})
	}
	for _, t := range clientTypes {
		places = append(places, Received(t))
	}
	for _, c := range ownRecords {
		places = append(places, Place{Dir: In, Content: c})
	}
	return places
}

var (
	serverTypes = []tlsmsg.HandshakeType{tlsmsg.TypeServerHello, tlsmsg.TypeCertificate, tlsmsg.TypeCertificateStatus,
		tlsmsg.TypeServerKeyExchange, tlsmsg.TypeCertificateRequest, tlsmsg.TypeServerHelloDone, tlsmsg.TypeNewSessionTicket, tlsmsg.TypeFinished}
	clientTypes = []tlsmsg.HandshakeType{tlsmsg.TypeClientHello, tlsmsg.TypeCertificate, tlsmsg.TypeClientKeyExchange,
		tlsmsg.TypeCertificateVerify, tlsmsg.TypeFinished}
	ownRecords = []tlsmsg.ContentType{tlsmsg.ContentChangeCipherSpec, tlsmsg.ContentApplicationData}
)

// String names the place: "our ServerHello", "the peer's Finished".
func (p Place) String() string {
	name := p.Content.Heading()
	if p.Content == tlsmsg.ContentHandshake {
		name = p.Type.Heading()
	}
	if p.Dir == Out {
		return "our " + name
	}
	return "the peer's " + name
}

// is reports whether a message belongs to the place.
func (p Place) is(o Outgoing) bool {
	t, _ := o.HandshakeType()
	return o.Content == p.Content && t == p.Type
}

// Tamper makes the Tamper for one connection's ServerConfig, which keeps track
// of where the connection is. It fails for a Fault that makes no sense: at a
// place of the client's only Stop and SendAlert do.
func (f Fault) Tamper() (*Tamper, error) {
	switch {
	case f.Kind >= numFaultKinds:
		return nil, fmt.Errorf("no %v", f.Kind)
	case f.At.Dir == In && f.Kind != Stop && f.Kind != SendAlert:
		return nil, fmt.Errorf("at %v a server can stop or send an alert, not %v", f.At, f.Kind)
	case f.Kind == SendAlert && f.Alert == (tlsmsg.Alert{}):
		return nil, errors.New("no alert to send")
	}
	s := &faulty{Fault: f}
	return &Tamper{Messages: s.messages, Arrived: s.arrived, Record: s.record}, nil
}

// faulty is a Fault under way.
type faulty struct {
	Fault
	met     bool       // the place was reached
	silent  bool       // nothing more is said
	held    []Outgoing // by Swap
	corrupt bool       // the next record
}

func (s *faulty) messages(due Outgoing) []Outgoing {
	if s.silent {
		return nil
	}
	out := []Outgoing{due}
	if s.met || s.At.Dir != Out || !s.At.is(due) {
		out = append(out, s.held...)
		s.held = nil
		return out
	}
	s.met = true
	switch s.Kind {
	case Stop:
		s.fallSilent()
		return nil
	case Omit:
		return nil
	case Repeat:
		return append(out, due)
	case Swap:
		s.held = []Outgoing{{due.Content, bytes.Clone(due.Data)}}
		return nil
	case Corrupt:
		out[0].Data = corrupted(due.Data, s.Byte)
	case CorruptRecord:
		s.corrupt = true
	case SendAlert:
		return append(s.alert(), s.unlessSilent(out)...)
	}
	return out
}

// alert is what SendAlert sends.
func (s *faulty) alert() []Outgoing {
	if s.Alert.Level == tlsmsg.LevelFatal {
		s.fallSilent()
	}
	return []Outgoing{{tlsmsg.ContentAlert, s.Alert.Append(nil)}}
}

func (s *faulty) unlessSilent(out []Outgoing) []Outgoing {
	if s.silent {
		return nil
	}
	return out
}

// corrupted is a copy of content with one byte changed: where it is shorter,
// the nearest.
func corrupted(content []byte, at int) []byte {
	content = slices.Clone(content)
	if at < 0 {
		at += len(content)
	}
	content[max(0, min(at, len(content)-1))] ^= 1
	return content
}

func (s *faulty) arrived(got Incoming) []Outgoing {
	if s.met || s.silent || s.At.Dir != In || !s.At.is(Outgoing(got)) {
		return nil
	}
	s.met = true
	if s.Kind == SendAlert {
		return s.alert()
	}
	s.fallSilent()
	return nil
}

func (s *faulty) fallSilent() {
	s.silent = true
	if s.Fault.Silent != nil {
		s.Fault.Silent()
	}
}

func (s *faulty) record(wire []byte) []byte {
	if s.corrupt {
		s.corrupt = false
		wire[len(wire)-1] ^= 1
	}
	return wire
}

// Sending is the place where a handshake message of the server's is due.
func Sending(t tlsmsg.HandshakeType) Place { return Place{Out, tlsmsg.ContentHandshake, t} }

// Received is the place where a handshake message of the client's has arrived.
func Received(t tlsmsg.HandshakeType) Place { return Place{In, tlsmsg.ContentHandshake, t} }
