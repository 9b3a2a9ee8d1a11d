package keyschedule_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
	"github.com/rawshake/rawshake/tlsmsg"
)

// The schedule of TLS 1.3 of captures of others comes out as on the wire: both
// verify_data, and a nonce for each encrypted record, none twice under one key.
func TestTheScheduleOfTLS13ComesOutAsOnTheWire(t *testing.T) {
	for file, connections := range map[string]int{"tls13.pcapng": 1, "tls13-hello-retry.pcapng": 1, "tls13-resumed.pcapng": 2,
		"tls13-early-data.pcapng": 3, "tls13-key-update.pcapng": 1, "tls13-gnutls.pcap": 1, "tls13-hybrid.pcapng": 1} {
		for conn := 1; conn <= connections; conn++ {
			checkSteps13(t, captured(t, file, conn), file)
		}
	}
}

// captured is the transcript of a connection of a capture.
func captured(t *testing.T, file string, conn int) *transcript.Transcript {
	t.Helper()
	path := filepath.Join("..", "..", "..", "testdata", "captures", file)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := explain.Options{Filter: explain.Filter{Conn: conn}}
	if _, err := os.Stat(path + ".keys"); err == nil {
		o.KeyLog = path + ".keys"
	}
	r, err := explain.Reader(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Transcript
}

// checkSteps13 returns how many values were confirmed.
func checkSteps13(t *testing.T, tr *transcript.Transcript, what string) (same int) {
	t.Helper()
	steps, err := keyschedule.Steps(tr)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	records := 0
	for _, e := range tr.Entries {
		if e.Record != nil && e.Record.Encrypted {
			records++
		}
	}
	nonces := map[string]bool{}
	for _, s := range steps {
		iv := ""
		for _, v := range s.Values {
			switch {
			case strings.Contains(v.Note, "NOT"):
				t.Errorf("%s: %s: %s %s", what, s.Title, v.Name, v.Note)
			case strings.Contains(v.Note, "the same"):
				same++
			case strings.HasSuffix(v.Name, "_write_iv") && s.Record:
				iv = v.Hex
			case v.Name == "nonce":
				nonces[iv+v.Hex] = true
			}
		}
		if s.Source == "" || s.Text == "" {
			t.Errorf("%s: %s is not explained", what, s.Title)
		}
	}
	if len(nonces) != records || records < 4 {
		t.Errorf("%s: %d nonces of %d encrypted records", what, len(nonces), records)
	}
	if same < 2 {
		t.Errorf("%s: %d values are confirmed, want both verify_data", what, same)
	}
	return same
}

// Of a connection of our own all secrets are computed again from the shared one.
func TestOurOwnScheduleOfTLS13IsComputedAgain(t *testing.T) {
	l := live.New(t)
	s, err := l.StartTLSServer(service.Options{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	o := live.Options(t, s)
	o.TLS.MaxVersion = tlsmsg.VersionTLS13
	tr := live.Connect(t, l, o)
	if same := checkSteps13(t, tr, "our own"); same != 7 {
		t.Errorf("%d values are confirmed, want five secrets and two verify_data", same)
	}
	tr.Secrets = nil
	if _, err := keyschedule.Steps(tr); err == nil || !strings.Contains(err.Error(), "key log") {
		t.Errorf("without secrets: %v", err)
	}
}

// With an encrypted ClientHello it is the inner one that counts, also after a
// HelloRetryRequest; who does not have it is told so, and nothing wrong.
func TestTheScheduleIsThatOfTheInnerClientHello(t *testing.T) {
	l := live.New(t)
	s, err := l.StartTLSServer(service.Options{ECH: "public.lab.test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, shares := range [][]tlsmsg.NamedGroup{nil, {}} {
		o := live.Options(t, s)
		o.TLS.MaxVersion, o.TLS.ECHConfigs, o.TLS.KeyShares = tlsmsg.VersionTLS13, []tlsmsg.ECHConfig{s.PKI.ECH.Config}, shares
		tr := live.Connect(t, l, o)
		if same := checkSteps13(t, tr, "ours"); same != 8 {
			t.Errorf("%d values are confirmed, want five secrets, two verify_data and the server's sign", same)
		}
		for _, e := range tr.Entries {
			if e.Message != nil {
				e.Message.Inner = nil
			}
		}
		steps, err := keyschedule.Steps(tr)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, step := range steps {
			if strings.Contains(step.Text, "not all of them are known here") {
				told++
			}
			for _, v := range step.Values {
				if strings.Contains(v.Note, "NOT") || strings.HasPrefix(v.Name, "Hash(ClientHello") {
					t.Errorf("%s: %s %s", step.Title, v.Name, v.Note)
				}
			}
		}
		if told != 2 {
			t.Errorf("%d of the two verify_data are said to be unknown", told)
		}
	}
}

// A secret that is not the connection's is seen to be none.
func TestAWrongSecretOfTLS13IsSaidToBeOne(t *testing.T) {
	tr := captured(t, "tls13.pcapng", 1)
	for i := range tr.Secrets {
		if tr.Secrets[i].Label == "SERVER_HANDSHAKE_TRAFFIC_SECRET" {
			tr.Secrets[i].Secret, _ = hex.DecodeString(strings.Repeat("00", 48))
		}
	}
	steps, err := keyschedule.Steps(tr)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, s := range steps {
		for _, v := range s.Values {
			if strings.Contains(v.Note, "NOT") {
				wrong++
			}
		}
	}
	if wrong != 1 {
		t.Errorf("%d values are said not to fit a wrong secret of the server, want its verify_data", wrong)
	}
}
