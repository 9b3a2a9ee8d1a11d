package dissect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
)

// The same for everybody's packets: those of the captures in testdata, decrypted
// where their secrets are at hand.
func TestEveryByteOfTheCapturesBelongsToOneField(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/captures/*.pcap*")
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
		total, packets, shown := 1, 0, 0
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
			packets, shown = report.Packets, shown+len(report.Transcript.Frames())
			t.Run(filepath.Base(name), func(t *testing.T) {
				a := dissect.Of(report.Transcript)
				for _, f := range report.Transcript.Frames() {
					frames++
					checkSpecimen(t, a.Frame(f))
				}
				for _, e := range report.Transcript.Entries {
					if e.Message != nil {
						checkSpecimen(t, a.Message(e.Frame, e.Message))
					}
				}
				steps, err := keyschedule.Steps(report.Transcript)
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
		if shown != packets {
			t.Errorf("%s: %d of %d packets belong to a connection", name, shown, packets)
		}
	}
	if frames < 200 {
		t.Errorf("only %d frames", frames)
	}
}
