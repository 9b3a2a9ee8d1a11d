package results_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/results"
	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// scan writes results of many kinds with the prober's own encoder.
func scan(n int) []byte {
	var e record.Encoder
	var b []byte
	kinds := oddcert.Kinds()
	for i := range n {
		r := &record.Result{Addr: netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), Port: 443, Time: now.Add(time.Duration(i) * time.Millisecond), RTT: -1, SYNs: 1}
		switch i % 4 {
		case 0:
			r.Outcome, r.Error = record.OutcomeSilent, "no answer"
			r.Reasons = []record.Reason{{Code: "no_answer", Means: "it may be down", Sure: "guess"}}
		default:
			r.OK, r.Outcome, r.RTT, r.TCP = true, "certificate", time.Duration(i%300)*time.Millisecond, &record.Answer{TTL: 60, Window: 14600}
			r.Steps[record.StepAnswer] = time.Millisecond
			versions := []tlsmsg.Version{tlsmsg.VersionTLS10, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13}
			der := kinds[i%len(kinds)].DER
			if len(der) > 4000 {
				der = kinds[0].DER
			}
			r.TLS = &handshake.State{Version: versions[i%3], CipherSuite: 0xC02F, Chain: [][]byte{der}}
		}
		b = e.Append(b, r)
	}
	return b
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, b []byte, kind string) []byte {
	t.Helper()
	var out bytes.Buffer
	switch kind {
	case "gzip":
		w := gzip.NewWriter(&out)
		_, _ = w.Write(b)
		_ = w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(b)
		_ = w.Close()
	default:
		return b
	}
	return out.Bytes()
}

// A file is read whatever it is packed in, whole or cut anywhere, and what is no
// result is named with its line.
func TestFilesAreReadWhateverTheyArePackedIn(t *testing.T) {
	b := scan(100)
	for _, kind := range []string{"plain", "gzip", "zstd"} {
		whole := packed(t, b, kind)
		for name, tc := range map[string]struct {
			file []byte
			cut  bool
			most int
		}{"whole": {whole, false, 100}, "cut": {whole[:len(whole)-60], true, 99}} {
			n := 0
			cut, err := results.Read([]string{write(t, "x.bin", tc.file)}, func(l *results.Line) error {
				if l.Addr == "" || l.Outcome == "" {
					t.Errorf("%+v", l)
				}
				n++
				return nil
			})
			if err != nil || (cut == 1) != tc.cut || n > tc.most || n < tc.most && !tc.cut {
				t.Errorf("%s, %s: %d results, cut %d, %v", kind, name, n, cut, err)
			}
		}
	}
	for bad, line := range map[string]int{"root:x:0:0\nnext\n": 1, "{\"type\":\"target\"}\n{\"type\":\"story\"}\n": 2, "[]\n{}\n": 1, "{\"type\":\"target\",\"port\":\"a\"}\n\n": 1} {
		_, err := results.Read([]string{write(t, "bad", []byte(bad))}, func(*results.Line) error { return nil })
		var where *results.LineError
		if !errors.As(err, &where) || where.Line != line {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := results.Read([]string{filepath.Join(t.TempDir(), "none")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func tallyOf(t testing.TB, b []byte) *results.Tally {
	t.Helper()
	tally := results.NewTally(now)
	if _, err := results.Read([]string{write(t, "scan.jsonl", b)}, func(l *results.Line) error { tally.Add(l); return nil }); err != nil {
		t.Fatal(err)
	}
	return tally
}

func TestATallyCountsEachKind(t *testing.T) {
	tally := tallyOf(t, scan(400))
	if tally.Targets != 400 || tally.Reached != 300 {
		t.Errorf("%d results, %d reached", tally.Targets, tally.Reached)
	}
	want := map[string]map[string]uint64{
		"outcome": {"silent": 100, "certificate": 300}, "reason": {"no_answer": 100}, "version": {"TLS 1.0": 100, "TLS 1.2": 100, "TLS 1.3": 100},
		"deprecated": {"version: TLS 1.0": 100}, "port": {"443": 300},
	}
	for _, s := range tally.Sections {
		var sum uint64
		for _, b := range s.Sorted() {
			sum += b.Count
			if w, ok := want[s.Key][b.Value]; ok && w != b.Count {
				t.Errorf("%s %s: %d, want %d", s.Key, b.Value, b.Count, w)
			}
			delete(want[s.Key], b.Value)
			if len(b.Examples) == 0 || uint64(len(b.Examples)) > b.Count {
				t.Errorf("%s %s: %d examples of %d", s.Key, b.Value, len(b.Examples), b.Count)
			}
		}
		if sum+s.Other != s.Total {
			t.Errorf("%s: %d of %d", s.Key, sum+s.Other, s.Total)
		}
	}
	for key, rest := range want {
		for value := range rest {
			t.Errorf("%s has no %s", key, value)
		}
	}
	for _, key := range []string{"anomaly", "key", "issuer", "expiry", "rtt", "tcp"} {
		i := slices.IndexFunc(tally.Sections, func(s *results.Section) bool { return s.Key == key })
		if i < 0 || tally.Sections[i].Total == 0 {
			t.Errorf("nothing is counted of %s", key)
		}
	}
}

// Every bar finds its targets again.
func TestEachBarIsFoundAgain(t *testing.T) {
	b := scan(200)
	tally := tallyOf(t, b)
	path := write(t, "again.jsonl", b)
	for _, s := range tally.Sections {
		for _, bar := range s.Sorted() {
			c, err := results.ParseCondition(s.Key+"="+bar.Value, now)
			if err != nil {
				t.Fatal(err)
			}
			var n uint64
			if _, err := results.Read([]string{path}, func(l *results.Line) error {
				if c.Holds(l) {
					n++
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if n != bar.Count {
				t.Errorf("%s=%s holds for %d results, of %d", s.Key, bar.Value, n, bar.Count)
			}
		}
	}
	for _, s := range []string{"", "=", "nothing=1", "outcome"} {
		if _, err := results.ParseCondition(s, now); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// What is in the results does no harm to a terminal.
func TestTheSummaryIsHarmless(t *testing.T) {
	var out bytes.Buffer
	if err := tallyOf(t, scan(400)).Summary(&out, 0); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r < ' ' && r != '\n' || r == 0x7f || r == 0x202e {
			t.Fatalf("%q in the summary", r)
		}
	}
	for _, want := range []string{"400 results, 75.0% reached the goal", "silent", "negative_serial", "ECDSA secp256r1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary does not say %s:\n%s", want, out.String())
		}
	}
}

func TestADifferenceNamesWhatChanged(t *testing.T) {
	line := func(addr, more string) string {
		return fmt.Sprintf(`{"type":"target","addr":%q,"port":443,%s}`+"\n", addr, more)
	}
	before := line("198.18.0.1", `"ok":true,"outcome":"certificate","version":"TLS 1.2"`) + line("198.18.0.2", `"outcome":"silent"`) +
		line("198.18.0.3", `"ok":true,"outcome":"certificate","version":"TLS 1.2","chain":[{"sha256":"aa","issuer":"CN=a"}]`) +
		line("198.18.0.4", `"ok":true,"outcome":"certificate"`) + line("198.18.0.5", `"ok":true,"outcome":"certificate"`) +
		line("198.18.0.7", `"ok":true,"outcome":"finished","group":"x25519"`) + line("198.18.0.8", `"outcome":"silent"`)
	after := line("198.18.0.1", `"ok":true,"outcome":"certificate","version":"TLS 1.2"`) + line("198.18.0.2", `"ok":true,"outcome":"certificate"`) +
		line("198.18.0.3", `"ok":true,"outcome":"certificate","version":"TLS 1.3","chain":[{"sha256":"bb","issuer":"CN=a"}]`) +
		line("198.18.0.4", `"outcome":"closed"`) + line("198.18.0.6", `"ok":true,"outcome":"certificate"`) +
		line("198.18.0.7", `"ok":true,"outcome":"certificate"`) + line("198.18.0.9", `"outcome":"silent"`)
	var d results.Diff
	if _, err := results.Read([]string{write(t, "a", []byte(before))}, d.Before); err != nil {
		t.Fatal(err)
	}
	var got []string
	note := func(c results.Change) {
		s := c.Kind + " " + c.Target
		for _, f := range c.Fields {
			s += " " + f.Field + ":" + f.Was + ">" + f.Is
		}
		got = append(got, s)
	}
	if _, err := results.Read([]string{write(t, "b", []byte(after))}, func(l *results.Line) error {
		if c := d.After(l); c != nil {
			note(*c)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Rest() {
		note(c)
	}
	want := []string{"appeared 198.18.0.2:443", "changed 198.18.0.3:443 version:TLS 1.2>TLS 1.3 certificate:aa>bb", "gone 198.18.0.4:443", "appeared 198.18.0.6:443", "gone 198.18.0.5:443"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if d.Appeared != 2 || d.Gone != 2 || d.Changed != 1 || d.Same != 3 {
		t.Errorf("%+v", d)
	}
}
