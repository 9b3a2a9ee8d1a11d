package dissect

import (
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A peer whose handshake never ends cannot fill memory.
func TestMessagesWithoutEndAreLetGo(t *testing.T) {
	var a Anatomy
	raw := []byte{byte(tlsmsg.TypeHelloRequest), 0, 0, 0}
	for range DefaultKeep / messageCost * 2 {
		a.Learn(&transcript.Entry{Type: transcript.TypeMessage, Dir: transcript.In, Message: &transcript.Message{
			Content: tlsmsg.ContentHandshake, Type: tlsmsg.TypeHelloRequest, Raw: raw}})
	}
	s := &a.streams[transcript.In]
	if n := len(s.messages); n*messageCost > DefaultKeep {
		t.Errorf("%d messages are held", n)
	}
	if last := s.messages[len(s.messages)-1]; last.start+len(raw) != s.told {
		t.Errorf("the last one ends at %d of %d", last.start+len(raw), s.told)
	}
}
