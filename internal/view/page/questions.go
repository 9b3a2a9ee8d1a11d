// The questions that the page can answer.

package page

import (
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A question is one that a reader may ask, with the field that answers it.
type question struct {
	Text  string `json:"q"`
	Step  int    `json:"step"`
	Plain bool   `json:"plain,omitempty"` // the answer is in what was decrypted
	Field string `json:"field"`           // the end of the field's path
}

// ask adds the questions that this connection can answer.
func (b *builder) ask() {
	b.askOf("Which packet proves that the client received the SYN-ACK?", "TCP.acknowledgment_number", b.third)
	b.askOf("Where does the server prove that it owns the key of its certificate?", "ServerKeyExchange.signature", named(tlsmsg.TypeServerKeyExchange))
	if len(b.Questions) < 2 { // RSA key exchange
		b.askOf("How does the server prove that it owns the key of its certificate?", "ClientKeyExchange.encrypted_pre_master_secret", named(tlsmsg.TypeClientKeyExchange))
	}
	b.askOf("From which byte on is everything encrypted?", "ChangeCipherSpec.type", func(s *step) bool {
		m, ok := s.key.(*transcript.Message)
		return ok && m.Content == tlsmsg.ContentChangeCipherSpec
	})
	b.askOf("What would happen if somebody altered the Finished message?", "Finished.verify_data", named(tlsmsg.TypeFinished))
}

func (b *builder) askOf(text, field string, is func(*step) bool) {
	for _, s := range b.Steps {
		if is(s) && (s.Wire != nothing || s.Plain != nothing) {
			b.Questions = append(b.Questions, question{text, s.Number, s.Plain != nothing, field})
			return
		}
	}
}

func named(t tlsmsg.HandshakeType) func(*step) bool {
	return func(s *step) bool {
		m, ok := s.key.(*transcript.Message)
		return ok && m.Content == tlsmsg.ContentHandshake && m.Type == t
	}
}

// third is the segment that ends TCP's handshake.
func (b *builder) third(s *step) bool {
	f, ok := s.key.(*transcript.Frame)
	return ok && !f.Segment.Flags.Has(wire.SYN) && b.anatomy.Frame(f).Situation == dissect.Third
}
