// Counts results by their kinds.

package results

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Tally counts the results of a scan.
type Tally struct {
	Targets, Reached uint64 // and how many reached the goal
	Repeated         uint64 // results of targets that may have been probed before
	First, Last      string // times of the first and the last SYN
	Sections         []*Section

	at time.Time // expiry is counted from here
}

// A Section counts one property.
type Section struct {
	Key, Title string
	Bars       map[string]*Bar
	Total      uint64
	Other      uint64 // values beyond maxValues
	ordered    []string
	kept       int // examples of all bars
}

// A Bar is one value and how often it is there.
type Bar struct {
	Value    string
	Count    uint64
	Examples []string // targets, the first that were met: at most maxExamples
}

// Bounds on what is kept, however long a file is.
const (
	maxValues   = 20000
	maxExamples = 100   // of a bar
	maxKept     = 20000 // of a section, but for the first of each bar
	maxLabel    = 160   // characters of a value
)

// NewTally returns a Tally whose certificates expire as seen from a moment.
func NewTally(at time.Time) *Tally {
	t := &Tally{at: at}
	for _, p := range properties {
		s := &Section{Key: p.key, Title: p.title, Bars: make(map[string]*Bar), ordered: p.order}
		t.Sections = append(t.Sections, s)
	}
	return t
}

// A property is what a section counts: values returns those of a line.
type property struct {
	key, title string
	order      []string // the order of the values; nil: by how often they are
	values     func(t *Tally, l *Line) []string
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// leaf makes a property of the leaf.
func leaf(value func(t *Tally, c *Certificate) []string) func(*Tally, *Line) []string {
	return func(t *Tally, l *Line) []string {
		if len(l.Chain) == 0 {
			return nil
		}
		return value(t, &l.Chain[0])
	}
}

var properties = []property{
	{"outcome", "Outcome", nil, func(_ *Tally, l *Line) []string { return one(l.Outcome) }},
	{"reason", "Why the goal was not reached", nil, func(_ *Tally, l *Line) (codes []string) {
		for _, r := range l.Reasons {
			codes = append(codes, r.Code)
		}
		return codes
	}},
	{"port", "Port", nil, func(_ *Tally, l *Line) []string {
		if l.TCP == nil {
			return nil
		}
		return one(strconv.Itoa(int(l.Port)))
	}},
	{"version", "TLS version", nil, func(_ *Tally, l *Line) []string { return one(l.Version) }},
	{"versions", "TLS versions that an audit found", nil, func(_ *Tally, l *Line) []string { return l.Audit.versions() }},
	{"weakness", "Weaknesses that an audit found", nil, func(_ *Tally, l *Line) []string { return l.Audit.weaknesses() }},
	{"cipher_suite", "Cipher suite", nil, func(_ *Tally, l *Line) []string { return one(l.CipherSuite) }},
	{"group", "Group of the key exchange", nil, func(_ *Tally, l *Line) []string { return one(l.Group) }},
	{"hello_retry_request", "HelloRetryRequest", nil, func(_ *Tally, l *Line) []string {
		if len(l.Retry) == 0 {
			return nil
		}
		return one("asked for another ClientHello")
	}},
	{"signature_scheme", "Signature scheme", nil, func(_ *Tally, l *Line) []string { return one(l.Scheme) }},
	{"alpn", "Protocol (ALPN)", nil, func(_ *Tally, l *Line) []string { return one(l.ALPN) }},
	{"deprecated", "Out of date", nil, func(_ *Tally, l *Line) (list []string) {
		for _, d := range l.Deprecated {
			list = append(list, d.What+": "+d.Value)
		}
		return list
	}},
	{"certificate", "Certificate", nil, func(_ *Tally, l *Line) []string {
		if l.Verified == nil {
			return nil
		}
		if *l.Verified {
			return one("verified")
		}
		return l.CertificateReasons
	}},
	{"issuer", "Issuer", nil, leaf(func(_ *Tally, c *Certificate) []string { return one(issuerOf(c)) })},
	{"key", "Kind of key", nil, leaf(func(_ *Tally, c *Certificate) []string { return one(keyOf(c)) })},
	{"certificate_signature", "Signature of the certificate", nil, leaf(func(_ *Tally, c *Certificate) []string { return one(c.Signature) })},
	{"expiry", "Expiry", expiries, leaf(func(t *Tally, c *Certificate) []string { return one(t.expiryOf(c)) })},
	{"expiry_month", "Expiry by month", []string{}, leaf(func(_ *Tally, c *Certificate) []string { return one(monthOf(c)) })},
	{"anomaly", "Anomalies of certificates", nil, leaf(func(_ *Tally, c *Certificate) (list []string) {
		for _, a := range c.Anomalies {
			if !slices.Contains(list, a.Code) {
				list = append(list, a.Code)
			}
		}
		return list
	})},
	{"odd", "Unusual behaviour", nil, func(_ *Tally, l *Line) []string { return l.Odd }},
	{"alert", "Alert", nil, func(_ *Tally, l *Line) []string {
		if l.Alert == nil {
			return nil
		}
		return one(l.Alert.Description)
	}},
	{"tcp", "TCP stack (p0f notation)", nil, func(_ *Tally, l *Line) []string {
		if l.TCP == nil {
			return nil
		}
		return one(stackOf(l.TCP.P0f))
	}},
	{"ja3s", "ServerHello (JA3S)", nil, func(_ *Tally, l *Line) []string { return one(l.JA3S) }},
	{"rtt", "Round trip", roundTrips(), func(_ *Tally, l *Line) []string {
		if l.RTT == nil {
			return nil
		}
		return one(roundTrip(*l.RTT))
	}},
}

// Add counts a result.
func (t *Tally) Add(l *Line) {
	t.Targets++
	if l.OK {
		t.Reached++
	}
	if l.Repeat {
		t.Repeated++
	}
	if l.Time != "" && (t.First == "" || l.Time < t.First) {
		t.First = l.Time
	}
	t.Last = max(t.Last, l.Time)
	target := targetOf(l)
	for i, p := range properties {
		for _, v := range p.values(t, l) {
			t.Sections[i].add(v, target)
		}
	}
}

func (s *Section) add(value, target string) {
	s.Total++
	value = clip(value)
	b := s.Bars[value]
	if b == nil {
		if len(s.Bars) >= maxValues {
			s.Other++
			return
		}
		b = &Bar{Value: strings.Clone(value)}
		s.Bars[b.Value] = b
	}
	b.Count++
	if len(b.Examples) < maxExamples && (s.kept < maxKept || len(b.Examples) == 0) {
		b.Examples = append(b.Examples, target)
		s.kept++
	}
}

// clip shortens a value: some are the network's.
func clip(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > maxLabel {
			return s[:i] + "…"
		}
	}
	return s
}

// Sorted returns the bars in the section's order: of the values where they have
// one, else the most frequent first.
func (s *Section) Sorted() []*Bar {
	bars := make([]*Bar, 0, len(s.Bars))
	for _, b := range s.Bars {
		bars = append(bars, b)
	}
	slices.SortFunc(bars, func(a, b *Bar) int {
		if s.ordered != nil {
			return cmp.Or(cmp.Compare(slices.Index(s.ordered, a.Value), slices.Index(s.ordered, b.Value)), cmp.Compare(a.Value, b.Value))
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return bars
}

// targetOf is a target as a list for probe has it.
func targetOf(l *Line) string {
	a, err := netip.ParseAddr(l.Addr)
	switch {
	case err != nil && l.Name != "":
		return l.Name + ":" + strconv.Itoa(int(l.Port))
	case err != nil:
		return strings.Clone(l.Addr)
	}
	s := netip.AddrPortFrom(a, l.Port).String()
	if l.Name != "" {
		s += " " + l.Name
	}
	return s
}

func issuerOf(c *Certificate) string {
	for _, part := range []string{"organizationName", "commonName"} {
		if v := c.IssuerParts[part]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	if c.Issuer == "" && c.SHA256 != "" {
		return "(no name)"
	}
	return c.Issuer
}

func keyOf(c *Certificate) string {
	switch {
	case c.KeyCurve != "":
		return c.PublicKey + " " + c.KeyCurve
	case c.KeyBits > 0 && !strings.HasPrefix(c.PublicKey, "Ed") && !strings.HasPrefix(c.PublicKey, "GOST"):
		return c.PublicKey + " " + strconv.Itoa(c.KeyBits)
	}
	return c.PublicKey
}

// stackOf is a p0f signature without the distance, which is the network's.
func stackOf(p0f string) string {
	before, rest, ok := strings.Cut(p0f, "+")
	if !ok {
		return p0f
	}
	_, after, _ := strings.Cut(rest, ":")
	return before + ":" + after
}

var expiries = []string{"expired", "within a week", "within 30 days", "within 90 days", "within a year", "later", "unreadable"}

func (t *Tally) expiryOf(c *Certificate) string {
	if c.NotAfter == "" && c.SHA256 == "" {
		return ""
	}
	end, err := time.Parse(time.RFC3339, c.NotAfter)
	if err != nil {
		return "unreadable"
	}
	const day = 24 * time.Hour
	switch left := end.Sub(t.at); {
	case left < 0:
		return "expired"
	case left < 7*day:
		return "within a week"
	case left < 30*day:
		return "within 30 days"
	case left < 90*day:
		return "within 90 days"
	case left < 365*day:
		return "within a year"
	}
	return "later"
}

func monthOf(c *Certificate) string {
	if len(c.NotAfter) < 7 || c.NotAfter[4] != '-' {
		return ""
	}
	return c.NotAfter[:7]
}

// The bounds of round trips, in milliseconds: each is twice the one before.
const shortestTrip, trips = 0.125, 16

func roundTrips() []string {
	list := make([]string, trips+1)
	for i := range list {
		list[i] = tripName(i)
	}
	return list
}

func tripName(i int) string {
	if i == trips {
		return "longer"
	}
	return fmt.Sprintf("< %g ms", shortestTrip*math.Exp2(float64(i)))
}

func roundTrip(ms float64) string {
	for i := range trips {
		if ms < shortestTrip*math.Exp2(float64(i)) {
			return tripName(i)
		}
	}
	return tripName(trips)
}
