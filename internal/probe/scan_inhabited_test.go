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

	"github.com/rawshake/rawshake/internal/lab/netns"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// full makes TestAnInhabitedNetwork probe all 65,536 addresses; see `make
// probe-full`.
var full = flag.Bool("full", false, "probe 65,536 addresses, for minutes")

// seenRecord is a record as a program reads it.
type seenRecord struct {
	Type, Addr, Name, Tag, Outcome, Error, After, Class string
	Port, SYNs                                          int
	OK, Repeat                                          bool
	Odd, Preamble                                       []string
	Reasons                                             []struct{ Code string }
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
	Steps struct {
		SYNACK float64 `json:"syn_ack_ms"`
	}
	Chain             []struct{ SHA256 string }
	Verified          *bool `json:"certificate_verified"`
	Data              string
	Evidence          *struct{ Packet string }
	CertificatesError string `json:"certificate_error"`
}

// key tells a target from the others.
func (r *seenRecord) key() string { return fmt.Sprintf("%s:%d", r.Addr, r.Port) }

func (r *seenRecord) target() *Target {
	return &Target{Addr: netip.MustParseAddr(r.Addr), Port: uint16(r.Port)}
}

func readRecords(t testing.TB, b []byte) (list []seenRecord) {
	t.Helper()
	schema.Check(t, b)
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
		if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") == "" {
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
	pki, err := pki.New(pki.Options{})
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

// inhabitants are the networks of the mixed lab, the narrower after the wider,
// and what is to be said of them. The short form probes the first addresses of
// each, a network of so many bits.
var inhabitants = []struct {
	network netip.Prefix
	short   int
	outcome func(g Goal) string
}{
	{netip.MustParsePrefix("198.18.0.0/16"), 22, Goal.Outcome},
	{netip.MustParsePrefix("198.18.64.0/20"), 25, always("silent")},
	{netip.MustParsePrefix("198.18.80.0/20"), 25, always("closed")},
	{netip.MustParsePrefix("198.18.96.0/22"), 32, always("unreachable")}, // Linux says so a few times, and then once a second
	{netip.MustParsePrefix("198.18.100.0/22"), 27, always("timeout")},    // tarpits
	{netip.MustParsePrefix("198.18.104.0/22"), 26, always("not_tls")},
	{netip.MustParsePrefix("198.18.108.0/22"), 27, always("timeout")}, // mute
}

func always(outcome string) func(Goal) string { return func(Goal) string { return outcome } }

// own is the outcome that a host has of its own, if no packet is lost.
func own(goal Goal, t *Target) (outcome string) {
	if t.Addr == tls13Only.Addr() && t.Port == tls13Only.Port() {
		return "alert"
	}
	for i := range anomalousHosts {
		if anomalousHosts[i].addr == t.Addr.String() {
			return anomalousHosts[i].outcome
		}
	}
	for _, in := range inhabitants {
		if in.network.Contains(t.Addr) {
			outcome = in.outcome(goal)
		}
	}
	return outcome
}

// words are the targets, as they are typed.
func words(goal Goal) []string {
	list := []string{tls13Only.String()}
	if *full {
		return append(list, inhabitants[0].network.String())
	}
	for i := range anomalousHosts {
		list = append(list, anomalousHosts[i].addr)
	}
	for i, in := range inhabitants {
		if i == 0 && goal == GoalFinished {
			in.short = 24
		}
		list = append(list, netip.PrefixFrom(in.network.Addr(), in.short).String())
	}
	return list
}

var tls13Only = netip.MustParseAddrPort("198.18.120.9:444")

func TestAnInhabitedNetwork(t *testing.T) {
	for _, kind := range rings {
		for _, goal := range []Goal{GoalCertificate, GoalFinished} {
			t.Run(string(kind)+"/"+goal.String(), func(t *testing.T) {
				t.Parallel()
				inhabited(t, goal, kind)
			})
		}
	}
}

// rings are the kinds of link that scans of other hosts take.
var rings = []link.Kind{link.KindPacket, link.KindXDP}

func inhabited(t *testing.T, goal Goal, kind link.Kind) {
	l := newMixedLab(t)
	serveTLS13(t, l, tls13Only.String())
	resets := serveAnomalous(t, l)
	o := options(t, "443", words(goal)...)
	o.Link, o.Goal, o.Retries, o.Timeout, o.MaxInFlight = kind, goal, 2, MaxTimeout, 2000
	o.Rate, o.Ring = 20000, 64<<20
	w := newLossyLink(1, 0.01)
	var reset []resetSent // while the guard stood: what comes later is the kernel's to answer
	w.closing = func() { reset = resets() }
	p := &patience{loss: w, expect: func(t *Target) string { return own(goal, t) }}
	o.Wrap = func(r link.Ring) link.Ring { return p.wrap(w.wrap(r)) }
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		p.loop = s.loops[0]
		p.loop.connections.pool.Poison = true // who reads what was given back says nonsense
		stats, err = s.Run(t.Context(), t.Context())
		return err
	}))
	t.Logf("%d records in %v, %d packets, %+v", stats.Results, stats.Time, stats.Packets, stats.Link)

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
	for i := range records {
		judge(t, goal, &records[i], w)
	}
	for _, odd := range anomalousHosts {
		r := seen[odd.addr+":443"]
		if r == nil {
			t.Errorf("%s has no record", odd.addr)
			continue
		}
		if r.Outcome != odd.outcome { // which judge has judged
			continue
		}
		if odd.odd != "" && !slices.Contains(r.Odd, odd.odd) {
			t.Errorf("%s: %+v, want %s", odd.addr, r, odd.odd)
		}
		if odd.check != nil {
			if wrong := odd.check(r); wrong != "" {
				t.Errorf("%s: %s: %+v", odd.addr, wrong, r)
			}
		}
	}
	if len(reset) == 0 {
		t.Error("no RST of ours was seen, nor any other")
	}
	for _, r := range reset {
		if !w.resets[r] {
			t.Errorf("a RST that is not ours left for %v from port %d", r.to, r.from)
		}
	}
}

// judge compares a record with what its host is, and with the link's log.
func judge(t *testing.T, goal Goal, r *seenRecord, w *lossyLink) {
	t.Helper()
	target := r.target()
	traffic := w.of(target)
	if r.SYNs != traffic.syns {
		t.Errorf("%s: %d SYNs, but %d left", r.key(), r.SYNs, traffic.syns)
	}
	if want := w.implies(target, own(goal, target)); r.Outcome != want {
		t.Errorf("%s: %s (%s), want %s; %+v", r.key(), r.Outcome, r.Error, want, *traffic)
	}
	if r.Outcome != "silent" && !r.OK && r.Outcome != "timeout" && r.Evidence == nil {
		t.Errorf("%s: %s without its packet", r.key(), r.Outcome)
	}
}
