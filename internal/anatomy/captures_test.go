package anatomy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/anatomy"
	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/keys"
)

// The same for everybody's packets: those of the captures in testdata, decrypted
// where their secrets are at hand.
func TestEveryByteOfTheCapturesBelongsToOneField(t *testing.T) {
	files, err := filepath.Glob("../../testdata/captures/*.pcap*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	frames := 0
	for _, name := range files {
		if strings.HasSuffix(name, ".keys") {
			continue
		}
		o := explain.Options{}
		if _, err := os.Stat(name + ".keys"); err == nil {
			o.KeyLog = name + ".keys"
		}
		total := 1
		for o.Filter.Conn = 1; o.Filter.Conn <= total; o.Filter.Conn++ {
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			report, err := explain.Reader(t.Context(), file, o)
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			total = report.Total
			if report.Transcript == nil {
				continue
			}
			t.Run(filepath.Base(name), func(t *testing.T) {
				a := anatomy.Of(report.Transcript)
				for _, f := range report.Transcript.Frames() {
					frames++
					s := a.Frame(f)
					covered(t, s)
					explained(t, s)
				}
				for _, e := range report.Transcript.Entries {
					if e.Message != nil {
						s := a.Message(e.Frame, e.Message)
						covered(t, s)
						explained(t, s)
					}
				}
				steps, err := keys.Steps(report.Transcript)
				for _, s := range steps {
					for _, v := range s.Values {
						if strings.Contains(v.Note, "NOT") {
							t.Errorf("%s: %s: %s", s.Title, v.Name, v.Note)
						}
					}
				}
				if len(report.Transcript.Secrets) > 0 && err != nil {
					t.Log(err)
				}
			})
		}
	}
	if frames < 200 {
		t.Errorf("only %d frames", frames)
	}
}
