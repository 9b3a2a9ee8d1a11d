// The story: one packet, message or computation a screen, in the order of time.

package page

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A screen is what the story shows at once.
type screen struct {
	Title  string
	Way    string // who says it to whom, or that nobody does
	Frame  int    // 0: none
	Step   int    // of the ladder; -1: none; of what is computed the message that made it possible
	Sent   bool   // it is a packet or a message, not a computation
	Plain  bool   // what is shown was decrypted
	Text   string
	Source string
	Values []told
	Keys   []keyschedule.Step // what is computed here
	Ask    string
	Answer string
}

// told is a field with what it is for.
type told struct{ Name, Value, Text, Source string }

// maxScreens bounds the story, and maxTold the fields of one screen.
const (
	maxScreens = 60
	maxTold    = 8
)

// narrator tells the story.
type narrator struct {
	*builder
	steps  map[any]int // the ladder's, by frame or message
	keys   []keyschedule.Step
	done   map[keyschedule.Moment]bool
	said   map[string]bool // moments of which one is enough
	is13   bool
	opened bool // TCP's handshake is over
	latest int  // step of the ladder
}

// tell makes the screens.
func (b *builder) tell(t *transcript.Transcript) {
	n := &narrator{builder: b, steps: map[any]int{}, keys: b.Keys, done: map[keyschedule.Moment]bool{}, said: map[string]bool{}}
	for _, s := range b.Steps {
		n.steps[s.key] = s.Number
	}
	for _, e := range t.Entries {
		if len(b.Story) >= maxScreens || b.room <= 0 {
			return
		}
		switch e.Type {
		case transcript.TypeSegment:
			n.segment(e.Frame)
		case transcript.TypeMessage:
			n.message(e)
		}
	}
}

// segment tells of one that opens or closes the connection.
func (n *narrator) segment(f *transcript.Frame) {
	flags := f.Segment.Flags
	name := ""
	switch {
	case flags.Has(wire.RST):
		name = "RST"
	case flags.Has(wire.SYN | wire.ACK):
		name = "SYN-ACK"
	case flags.Has(wire.SYN):
		name = "SYN"
	case flags.Has(wire.FIN):
		name = "FIN"
	case !n.opened && f.Dir == transcript.Out && len(f.Segment.Payload) == 0:
		name, n.opened = "ACK", true
	default:
		return
	}
	if name != "RST" && n.once(name+f.Dir.String()) {
		return
	}
	n.add(moments[name], n.anatomy.Frame(f), "TCP", f.Dir, f.Number, f, false)
}

// once reports whether something was told before.
func (n *narrator) once(what string) bool {
	before := n.said[what]
	n.said[what] = true
	return before
}

// message tells of a message, and of what is computed once it is there.
func (n *narrator) message(e *transcript.Entry) {
	m := e.Message
	key := m
	if inside := dissect.Inside(m); inside != nil {
		m = inside
	}
	name := n.named(m)
	if m.Sealed || n.repeats(name, e.Dir) {
		return
	}
	of, ok := momentOf(name, e.Dir, n.is13 || n.offers13(m))
	if !ok {
		return
	}
	s := n.add(of, n.anatomy.Message(e.Frame, m), name, e.Dir, number(e.Frame), key, m.Encrypted)
	if s == nil {
		return
	}
	if name == "Alert" {
		n.names(s, m)
	}
	n.proves(s, name, e.Dir)
	n.opens(s, e)
	n.computed(name)
}

// named is the name of a message, which of a HelloRetryRequest is not that on the wire.
func (n *narrator) named(m *transcript.Message) string {
	name := m.Name()
	if m.Type != tlsmsg.TypeServerHello || m.Content != tlsmsg.ContentHandshake {
		return name
	}
	msg, err := m.Handshake()
	hello, ok := msg.(*tlsmsg.ServerHello)
	if err != nil || !ok {
		return name
	}
	var selected tlsmsg.SupportedVersions
	found, err := hello.DecodeExtension(&selected)
	if n.is13 = err == nil && found; n.is13 && hello.IsHelloRetryRequest() {
		return "HelloRetryRequest"
	}
	return name
}

// names says in the title which alert it is. Only of the orderly one more is asked.
func (n *narrator) names(s *screen, m *transcript.Message) {
	alert, err := tlsmsg.ParseAlert(m.Raw)
	if err != nil {
		return
	}
	s.Title += ": " + alert.Description.String()
	if alert.Description != tlsmsg.AlertCloseNotify {
		s.Ask = ""
	}
}

// repeats reports whether a message is one of many of which the first is enough.
func (n *narrator) repeats(name string, dir transcript.Dir) bool {
	switch name {
	case "ApplicationData", "NewSessionTicket", "ChangeCipherSpec", "KeyUpdate":
		return n.once(name + dir.String())
	}
	return false
}

// offers13 reports whether a ClientHello may lead to TLS 1.3.
func (n *narrator) offers13(m *transcript.Message) bool {
	msg, err := m.Handshake()
	hello, ok := msg.(*tlsmsg.ClientHello)
	return err == nil && ok && tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionKeyShare) >= 0
}

func number(f *transcript.Frame) int {
	if f == nil {
		return 0
	}
	return f.Number
}

// momentOf finds the moment of a message: of its version and direction, if they have
// one of their own.
func momentOf(name string, dir transcript.Dir, is13 bool) (moment, bool) {
	if name == "Alert" {
		return moments[name], true
	}
	for _, suffix := range []string{"13 " + dir.String(), "13", " " + dir.String(), ""} {
		if m, ok := moments[name+suffix]; ok && (is13 || !strings.HasPrefix(suffix, "13")) {
			return m, true
		}
	}
	return moment{}, false
}

// add adds the screen of a packet or message. Root is the node that is explained.
func (n *narrator) add(m moment, specimen *dissect.Specimen, root string, dir transcript.Dir, frame int, key any, decrypted bool) *screen {
	s := &screen{Title: m.title, Way: "client to server", Frame: frame, Step: nothing, Sent: true, Plain: decrypted, Ask: m.ask}
	if dir == transcript.In {
		s.Way = "server to client"
	}
	if at, ok := n.steps[key]; ok {
		s.Step, n.latest = at, at
	}
	var above []dictionary.Entry // by depth
	for r := range specimen.Rows(nil) {
		path := unnumbered(r.Path)
		e, found := n.words.Find(r.Key, specimen.Situation)
		above = append(above[:min(r.Depth, len(above))], e)
		if s.Text == "" && r.Node.Name == root && found {
			s.Text, s.Source = e.Text, e.Source
		}
		if m.answer != "" && found && s.Answer == "" && ends(path, m.answer) {
			s.Answer = e.Text
		}
		for _, wanted := range m.fields {
			if of := e; len(s.Values) < maxTold && ends(path, wanted) {
				if content(r.Node.Name) && r.Depth > 0 && above[r.Depth-1].Text != "" {
					of = above[r.Depth-1]
				}
				if v := (told{tail(path), shorten(plain.Escape(shown(r.Node, specimen.Data))), of.Text, of.Source}); !has(s.Values, v) {
					s.Values = append(s.Values, v)
				}
			}
		}
	}
	if m.answer == "" {
		s.Answer = s.Text
	}
	if n.once("asked: " + m.ask) {
		s.Ask = ""
	}
	n.put(s)
	return s
}

func (n *narrator) put(s *screen) {
	n.Story = append(n.Story, s)
	n.room -= len(s.Title) + len(s.Text) + len(s.Answer) + 600
	for _, v := range s.Values {
		n.room -= cost(v.Value) + len(v.Text) + 120
	}
	for _, k := range s.Keys {
		for _, v := range k.Values {
			n.room -= len(v.Hex) + cost(v.Command) + len(v.Note) + 120
		}
	}
}

// has reports whether the field was told of: of a list its first is.
func has(list []told, v told) bool {
	return slices.ContainsFunc(list, func(other told) bool { return other.Name == v.Name && other.Text == v.Text })
}

// content reports whether a name only says that this is what the field above holds.
func content(name string) bool {
	return name == "bytes" || name == "value" || name == "bits" || name == "versions"
}

// What is shown of a value: so many bytes of it, or so many of a list's items.
const (
	shownBytes = 40
	shownItems = 8
)

// shown is a field's value: bytes in hexadecimal, of a list its first items.
func shown(n *field.Node, data []byte) string {
	if text := view.Value(n, data); text != "" {
		return text
	}
	if len(n.Children) == 0 && n.Kind == field.Bytes || n.Name == "signature" || n.Name == "ticket" {
		whole := data[n.Offset:][:n.Length]
		text := hex.EncodeToString(whole[:min(len(whole), shownBytes)])
		if len(whole) > shownBytes {
			text += fmt.Sprintf("… (%d bytes)", len(whole))
		}
		return text
	}
	var items []string
	for _, child := range n.Children {
		if child.Index >= 0 && len(child.Children) == 0 {
			items = append(items, meaning(view.Value(child, data)))
		}
	}
	if len(items) > shownItems {
		items = append(items[:shownItems], fmt.Sprintf("… (%d in all)", len(items)))
	}
	return strings.Join(items, ", ")
}

// meaning is what a value stands for: of "4865 (TLS_AES_128_GCM_SHA256)" the name.
func meaning(value string) string {
	if _, name, ok := strings.Cut(value, "("); ok {
		return strings.TrimSuffix(name, ")")
	}
	return value
}

// unnumbered is a path without the numbers of lists.
func unnumbered(path string) string {
	for {
		from := strings.IndexByte(path, '[')
		to := strings.IndexByte(path, ']')
		if from < 0 || to < from {
			return path
		}
		path = path[:from] + path[to+1:]
	}
}

// ends reports whether a path ends with these names, whole ones.
func ends(path, names string) bool {
	rest, ok := strings.CutSuffix(path, names)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}

// tail is the end of a path that still says what it is.
func tail(path string) string {
	at := lastName(path)
	if last := path[at:]; !content(last) || at == 0 {
		return last
	}
	return path[lastName(path[:at-1]) : at-1]
}

// proves adds to a Finished how its verify_data is made.
func (n *narrator) proves(s *screen, name string, dir transcript.Dir) {
	if name != "Finished" {
		return
	}
	want := keyschedule.MomentServerFinished
	if dir == transcript.Out {
		want = keyschedule.MomentClientFinished
	}
	for _, k := range n.keys {
		if k.Moment == want {
			s.Keys = append(s.Keys, k)
		}
	}
}

// opens adds to the first encrypted messages how their record is opened.
func (n *narrator) opens(s *screen, e *transcript.Entry) {
	if name := e.Message.Name(); name != "ApplicationData" && name != "EncryptedExtensions" {
		return
	}
	for _, k := range n.keys {
		if k.Moment == keyschedule.MomentRecord && k.Dir == e.Dir && k.Offset == e.Message.Offset {
			s.Keys = append(s.Keys, k)
		}
	}
}

// computed adds the screens of what both sides can compute once they have a message.
func (n *narrator) computed(name string) {
	switch {
	case name == "ClientKeyExchange", name == "ServerHello" && n.is13:
		n.compute(keyschedule.MomentAgreed)
	case name == "ChangeCipherSpec" && !n.is13: // of a session that is resumed
		n.compute(keyschedule.MomentAgreed)
	case name == "Finished" && n.is13:
		n.compute(keyschedule.MomentMain)
	}
}

func (n *narrator) compute(m keyschedule.Moment) {
	if n.done[m] {
		return
	}
	n.done[m] = true
	for _, k := range n.keys {
		if k.Moment == m {
			n.put(&screen{Title: k.Title, Way: "nobody sends this: each side computes it", Step: n.latest, Keys: []keyschedule.Step{k}})
		}
	}
}
