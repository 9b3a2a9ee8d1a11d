package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/probe/record/schematest"
)

// full makes TestAnInhabitedNetwork probe all 65,536 addresses; see `make
// probe-full`.
var full = flag.Bool("full", false, "probe 65,536 addresses, for minutes")

// seenRecord is a record as a program reads it.
type seenRecord struct {
	Type, Addr, Name, Tag, Outcome, Error, After, Class string
	Port, SYNs                                          int
	OK, Repeat                                          bool
	Odd                                                 []string
	Version                                             string
	FirstBytes                                          string `json:"first_bytes"`
	Alert                                               *struct{ Level, Description string }
	Reset                                               *struct {
		FitsHost bool `json:"fits_host"`
	}
	ICMP *struct {
		From string
		Type int `json:"icmp_type"`
	}
	Chain             []struct{ SHA256 string }
	Verified          *bool `json:"certificate_verified"`
	Data              string
	Evidence          *struct{ Packet string }
	CertificatesError string `json:"certificate_error"`
}

// key tells a target from the others.
func (r *seenRecord) key() string { return fmt.Sprintf("%s:%d", r.Addr, r.Port) }

func readRecords(t testing.TB, b []byte) (list []seenRecord) {
	t.Helper()
	schematest.Check(t, b)
	for line := range bytes.Lines(b) {
		var r seenRecord
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if r.Type == "target" {
			list = append(list, r)
		}
	}
	return list
}

func farNode(l *lab.Lab) *lab.Node { return l.Node("far") }

// newMixedLab makes the network of 65,536 addresses, a quarter of them odd.
func newMixedLab(t testing.TB) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context(), lab.With(lab.Mixed()))
	if err != nil {
		if errors.Is(err, lab.ErrForbidden) && os.Getenv("CI") == "" {
			t.Skipf("this test makes network namespaces: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serveTLS13 speaks nothing but TLS 1.3 at one address.
func serveTLS13(t *testing.T, l *lab.Lab, address string) {
	t.Helper()
	pki, err := lab.NewPKI(lab.PKIOptions{})
	check(t, err)
	ln, err := farNode(l).Listen("tcp", address)
	check(t, err)
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{
		{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key}}}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { tls.Server(c, cfg).Handshake(); c.Close() }()
		}
	}()
}

// inhabitants are networks of the mixed lab and what is to be said of them.
var inhabitants = []struct {
	network string
	outcome func(g Goal) string
}{
	{"198.18.0.0/22", Goal.outcome},
	{"198.18.64.0/25", always("silent")},
	{"198.18.80.0/25", always("closed")},
	{"198.18.96.0/32", always("unreachable")}, // Linux says so a few times, and then once a second
	{"198.18.100.0/27", always("timeout")},    // tarpits
	{"198.18.104.0/26", always("not_tls")},
	{"198.18.108.0/27", always("timeout")}, // mute
}

func always(outcome string) func(Goal) string { return func(Goal) string { return outcome } }

const tls13Only = "198.18.120.9"

func TestAnInhabitedNetwork(t *testing.T) {
	for _, goal := range []Goal{GoalCertificate, GoalFinished} {
		t.Run(goal.String(), func(t *testing.T) {
			t.Parallel()
			inhabited(t, goal)
		})
	}
}

func inhabited(t *testing.T, goal Goal) {
	l := newMixedLab(t)
	serveTLS13(t, l, tls13Only+":444")
	resets := serveOdd(t, l)
	words := []string{tls13Only + ":444"}
	for _, o := range oddHosts {
		words = append(words, o.addr)
	}
	for i, in := range inhabitants {
		if i == 0 && goal == GoalFinished {
			in.network = "198.18.0.0/24"
		}
		words = append(words, in.network)
	}
	if *full {
		words = append(words[:1], "198.18.0.0/16")
	}
	o := options(t, "443", words...)
	o.Goal, o.Retries, o.Timeout, o.MaxInFlight = goal, 2, 16*time.Second, 2000
	o.Rate, o.Ring = 20000, 64<<20
	w := newWeather(1, 0.01)
	o.Wrap = w.wrap
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, NewOutput(&out))
		if err != nil {
			return err
		}
		for _, l := range s.loops {
			l.pool.Poison = true // who reads what was given back says nonsense
		}
		stats, err = s.Run(t.Context(), t.Context())
		return err
	}))
	t.Logf("%d records in %v, %d packets, %+v", stats.Records, stats.Time, stats.Packets, stats.Link)

	seen := make(map[string]*seenRecord)
	records := readRecords(t, out.Bytes())
	for i := range records {
		r := &records[i]
		if seen[r.key()] != nil {
			t.Errorf("%s has two records", r.key())
		}
		seen[r.key()] = r
	}
	if uint64(len(records)) != o.Space.Len() {
		t.Errorf("%d records of %d targets", len(records), o.Space.Len())
	}
	w.dropped = stats.Link.Dropped
	for i := range records {
		judge(t, goal, &records[i], w)
	}
	for _, odd := range oddHosts {
		r := seen[odd.addr+":443"]
		if r == nil || r.Outcome != w.implies(r, odd.outcome) || odd.odd != "" && r.Outcome == odd.outcome && !slices.Contains(r.Odd, odd.odd) {
			t.Errorf("%s: %+v, want %s, %s", odd.addr, r, odd.outcome, odd.odd)
			continue
		}
		if odd.check != nil && r.Outcome == odd.outcome {
			if wrong := odd.check(r); wrong != "" {
				t.Errorf("%s: %s: %+v", odd.addr, wrong, r)
			}
		}
	}
	for _, r := range resets() {
		if !w.resets[r] {
			t.Errorf("a RST that is not ours left for %v from port %d", r.to, r.from)
		}
	}
}

// judge compares a record with what its network is, and with the weather's log.
func judge(t *testing.T, goal Goal, r *seenRecord, w *weather) {
	t.Helper()
	a := netip.MustParseAddr(r.Addr)
	want := goal.outcome()
	for _, in := range inhabitants {
		if netip.MustParsePrefix(in.network).Contains(a) || *full && netip.MustParsePrefix(in.network).Addr() == a {
			want = in.outcome(goal)
		}
	}
	for _, odd := range oddHosts {
		if odd.addr == r.Addr {
			return
		}
	}
	if *full {
		want = wholeNetwork(a, goal, want)
	}
	if r.Addr == tls13Only && r.Port == 444 {
		want = "alert"
	}
	if sent := w.of(r).syns; r.SYNs != sent {
		t.Errorf("%s: %d SYNs, but %d left", r.Addr, r.SYNs, sent)
	}
	if want = w.implies(r, want); r.Outcome != want {
		t.Errorf("%s: %s (%s), want %s; %+v", r.Addr, r.Outcome, r.Error, want, *w.of(r))
	}
	if r.Outcome != "silent" && !r.OK && r.Outcome != "timeout" && r.Evidence == nil {
		t.Errorf("%s: %s without its packet", r.Addr, r.Outcome)
	}
}

// implies is the outcome that the log leaves possible, of a host with an
// outcome of its own: whose every answer was lost, or every SYN, is silent, and
// nobody else.
func (w *weather) implies(r *seenRecord, outcome string) string {
	if w.of(r).heard == 0 {
		return "silent"
	}
	// What the ring dropped, on a machine that left the loop no time, stands in
	// no log: as many may have waited in vain.
	if w.dropped > 0 && r.Outcome == "timeout" && outcome != "timeout" {
		w.dropped--
		return "timeout"
	}
	return outcome
}

func (w *weather) of(r *seenRecord) *fate {
	return w.fate(netip.AddrPortFrom(netip.MustParseAddr(r.Addr), uint16(r.Port)))
}

// wholeNetwork is the mixed lab's own plan.
func wholeNetwork(a netip.Addr, goal Goal, want string) string {
	for network, outcome := range map[string]string{"198.18.64.0/20": "silent", "198.18.80.0/20": "closed", "198.18.96.0/22": "unreachable",
		"198.18.100.0/22": "timeout", "198.18.104.0/22": "not_tls", "198.18.108.0/22": "timeout"} {
		if netip.MustParsePrefix(network).Contains(a) {
			return outcome
		}
	}
	return want
}
