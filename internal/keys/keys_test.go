package keys_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/keys"
	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/live"
	"github.com/rawshake/rawshake/internal/transcript"
)

func TestMain(m *testing.M) { os.Exit(lab.RunTests(m)) }

// What is computed again from the secrets is what the two sides sent.
func TestEveryStepComesOutAsOnTheWire(t *testing.T) {
	live.Each(t, func(t *testing.T, tr *transcript.Transcript) {
		steps, err := keys.Steps(tr)
		if len(tr.Secrets) == 0 {
			if err == nil {
				t.Error("keys without a secret")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		same := 0
		for _, s := range steps {
			for _, v := range s.Values {
				if strings.Contains(v.Note, "NOT") {
					t.Errorf("%s: %s: %s", s.Title, v.Name, v.Note)
				}
				if strings.Contains(v.Note, "the same") {
					same++
				}
			}
			if s.Source == "" || s.Text == "" {
				t.Errorf("%s is not explained", s.Title)
			}
		}
		if r := tr.Result(); r.Handshake > 0 && same != 3 {
			t.Errorf("%d values are confirmed, want the master secret and two verify_data", same)
		}
	})
}

func TestWithoutSecretsItSaysWhatIsMissing(t *testing.T) {
	tr := live.Run(t, live.Cases[0])
	tr.Secrets = nil
	if _, err := keys.Steps(tr); err == nil || !strings.Contains(err.Error(), "key log") {
		t.Errorf("%v", err)
	}
	if _, err := keys.Steps(&transcript.Transcript{}); err == nil {
		t.Error("an empty transcript has keys")
	}
}
