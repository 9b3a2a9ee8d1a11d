package dissect_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/tlsmsg"
)

func TestMain(m *testing.M) { os.Exit(netns.RunTests(m)) }

// Every byte of every packet belongs to exactly one leaf, and has a name.
func TestEveryByteOfEveryPacketBelongsToOneField(t *testing.T) {
	live.Each(t, func(t *testing.T, tr *transcript.Transcript) {
		a := dissect.Of(tr)
		if len(tr.Frames()) < 3 {
			t.Fatalf("only %d frames", len(tr.Frames()))
		}
		for _, f := range tr.Frames() {
			s := a.Frame(f)
			checkSpecimen(t, s)
			for row := range s.Leaves(nil) {
				if row.Node.Name == "unplaced" {
					t.Errorf("%s: %d bytes of a record are not placed", name(s), row.Node.Length)
				}
			}
			if !a.Complete(f) {
				t.Errorf("frame %d is not complete", f.Number)
			}
		}
		for _, e := range tr.Entries {
			if e.Message != nil {
				checkSpecimen(t, a.Message(e.Frame, e.Message))
			}
		}
	})
}

// unnamed are leaves that say nothing. "data" may stand for application data.
var unnamed = map[string]bool{"payload": true, "undecoded": true, "malformed": true, "bytes": true, "body": true}

func checkSpecimen(t *testing.T, s *dissect.Specimen) {
	t.Helper()
	explained(t, s)
	covered(t, s)
	for row := range s.Leaves(nil) {
		n, frame := row.Node, s.Message == nil
		switch {
		case n.Name == "bytes": // of a vector, which has a name
		case n.Name == "body" && strings.Contains(n.Meaning, "not at hand"): // of a message whose kind nothing before it tells
		case unnamed[n.Name] && !s.Frame.BadChecksum && !s.Frame.KernelSent:
			t.Errorf("%s: %d bytes are only %q (%s)", name(s), n.Length, row.Key, n.Meaning)
		case n.Name == "data" && frame && row.Key != "ApplicationData.data":
			t.Errorf("%s: %d bytes are only %q", name(s), n.Length, row.Key)
		case n.Name == "data" && !frame && s.Message.Content != tlsmsg.ContentApplicationData:
			t.Errorf("%s: %d bytes are only %q", name(s), n.Length, row.Key)
		}
	}
}

func name(s *dissect.Specimen) string {
	if s.Message != nil {
		return s.Message.Name()
	}
	return fmt.Sprintf("frame %d", s.Frame.Number)
}

// covered checks that each byte is in one leaf.
func covered(t *testing.T, s *dissect.Specimen) {
	t.Helper()
	next := 0
	for row := range s.Leaves(nil) {
		if n := row.Node; n.Offset != next {
			t.Fatalf("%s: %s begins at byte %d, want %d", name(s), row.Path, n.Offset, next)
		}
		next += row.Node.Length
	}
	if next != len(s.Data) {
		t.Fatalf("%s: the fields end at byte %d of %d", name(s), next, len(s.Data))
	}
}

// explained checks that the dictionary has something to say of every field.
func explained(t *testing.T, s *dissect.Specimen) {
	t.Helper()
	for row := range s.Rows(nil) {
		if _, ok := dictionary.English().Find(row.Key, s.Situation); !ok {
			t.Errorf("the dictionary has nothing on %s: add it to internal/view/dictionary/en", row.Key)
		}
	}
}
