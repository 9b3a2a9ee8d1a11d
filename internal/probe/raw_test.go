package probe

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

// rawResult is what --raw adds.
type rawResult struct {
	Version      string
	Resumption   []string
	SessionID    *string `json:"session_id"`
	ClientRandom string  `json:"client_random"`
	ServerRandom string  `json:"server_random"`
	DH           *struct {
		Bits             int
		Prime, Generator string
	}
	Tickets []struct {
		Len    int `json:"ticket_len"`
		Ticket string
	}
}

// What is written only by request is written by request only, whole, and valid by the
// schema.
func TestRandomsTicketsAndPrimesAreWrittenByRequest(t *testing.T) {
	l, err := lab.New(t.Context(), lab.With(lab.Wide(
		service.Service{Kind: service.TLS, Port: 443, MaxVersion: "1.2", Key: pki.RSA2048, Tickets: true, Suites: []string{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"}},
		service.Service{Kind: service.CryptoTLS, Port: 444},
	)))
	check(t, err)
	t.Cleanup(func() { l.Close() })
	for _, raw := range []bool{true, false} {
		for port, version := range map[string]tlsmsg.Version{"443": tlsmsg.VersionTLS12, "444": tlsmsg.VersionTLS13} {
			o := options(t, port, "198.18.0.1-198.18.0.4")
			o.Goal, o.Raw = GoalFinished, raw
			o.TLS.MinVersion, o.TLS.MaxVersion, o.TLS.SessionTicket = version, version, true
			out, _ := scan(t, l, o)
			readRecords(t, out) // checks them against the schema
			lines := 0
			for line := range bytes.Lines(out) {
				lines++
				var r rawResult
				check(t, json.Unmarshal(line, &r))
				if r.Version != version.String() {
					t.Fatalf("%s", line)
				}
				r.look(t, raw)
			}
			if lines != 4 {
				t.Errorf("%d results", lines)
			}
		}
	}
}

func (r *rawResult) look(t *testing.T, raw bool) {
	t.Helper()
	if got := r.SessionID != nil && len(r.ClientRandom) == 64 && len(r.ServerRandom) == 64; got != raw {
		t.Errorf("%s, raw %v: %+v", r.Version, raw, r)
	}
	for _, ticket := range r.Tickets {
		b, err := hex.DecodeString(ticket.Ticket)
		if want := ticket.Len; err != nil || raw && len(b) != want || !raw && len(b) > 0 {
			t.Errorf("%s, raw %v: %d bytes of a ticket of %d", r.Version, raw, len(b), want)
		}
	}
	way := "psk"
	switch r.Version {
	case "TLS 1.2":
		way = "ticket"
		if raw != (len(r.Tickets) == 1) {
			t.Errorf("raw %v: %d tickets", raw, len(r.Tickets))
		}
		if r.DH == nil || raw && (len(r.DH.Prime) != r.DH.Bits/4 || r.DH.Generator == "") || !raw && r.DH.Prime != "" {
			t.Errorf("raw %v: the group is %+v", raw, r.DH)
		}
	default:
		if len(r.Tickets) == 0 {
			t.Error("TLS 1.3 without tickets")
		}
	}
	if !slices.Equal(r.Resumption, []string{way}) {
		t.Errorf("%s is resumed by %q", r.Version, r.Resumption)
	}
}
