package keyschedule_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
	"github.com/rawshake/rawshake/tlsmsg"
)

func TestMain(m *testing.M) { os.Exit(netns.RunTests(m)) }

// What is computed again from the secrets is what the two sides sent.
func TestEveryStepComesOutAsOnTheWire(t *testing.T) {
	live.Each(t, func(t *testing.T, tr *transcript.Transcript) {
		steps, err := keyschedule.Steps(tr)
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

// Every encrypted record has its nonce shown, no nonce comes twice in one
// direction, and a peer that sends records without end fills no page.
func TestEveryRecordHasItsNonce(t *testing.T) {
	tr := live.Run(t, live.Cases[0])
	records := 0
	var last *transcript.Entry
	for _, e := range tr.Entries {
		if e.Record != nil && e.Record.Encrypted {
			records++
			last = e
		}
	}
	nonces := func() (shown int) {
		steps, err := keyschedule.Steps(tr)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, s := range steps {
			for _, v := range s.Values {
				if v.Name == "nonce" {
					who := strings.Fields(s.Title)[4]
					if seen[who+v.Hex] {
						t.Errorf("%s: the nonce %s comes twice", s.Title, v.Hex)
					}
					seen[who+v.Hex] = true
					shown++
				}
			}
		}
		return shown
	}
	if n := nonces(); n != records || records < 4 {
		t.Errorf("%d nonces of %d records", n, records)
	}
	for i := range 1000 {
		e, r := *last, *last.Record
		r.Wire = bytes.Clone(r.Wire)
		binary.BigEndian.PutUint64(r.Wire[tlsmsg.RecordHeaderLen:], uint64(1000+i))
		e.Record = &r
		tr.Entries = append(tr.Entries, &e)
	}
	if n := nonces(); n < records || n > 300 {
		t.Errorf("%d nonces of a thousand records", n)
	}
}

func TestWithoutSecretsItSaysWhatIsMissing(t *testing.T) {
	tr := live.Run(t, live.Cases[0])
	tr.Secrets = nil
	if _, err := keyschedule.Steps(tr); err == nil || !strings.Contains(err.Error(), "key log") {
		t.Errorf("%v", err)
	}
	if _, err := keyschedule.Steps(&transcript.Transcript{}); err == nil {
		t.Error("an empty transcript has keys")
	}
}
