// What a report says, in the words that the table and the page share.

package output

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
)

// What a row says, for its colour.
const (
	neutral = ""
	good    = "good"
	warn    = "warn"
	bad     = "bad"
	open    = "open" // it is not known
)

// A row is one thing that is said, harmless to a terminal.
type row struct {
	Label, Text, State string
}

// A section is rows about one thing.
type section struct {
	Key, Title string
	Rows       []row
}

func (s *section) add(label, text, state string) {
	s.Rows = append(s.Rows, row{plain.Escape(label), plain.Escape(text), state})
}

// A suiteRow is a cipher suite, and in which versions it is accepted.
type suiteRow struct {
	Name  string
	Cells []string // for each version: its place in the server's order, a mark, or nothing
	Note  string
	State string
}

// A model is a report in words.
type model struct {
	Host, Sum string
	Error     string
	Columns   []string // versions that are accepted, newest first
	Suites    []suiteRow
	Sections  []section // before and after the suites
}

const notKnown = "not known"

// build says a report in words.
func build(r *audit.Report) *model {
	m := &model{Host: plain.Escape(r.Host), Error: plain.Escape(r.Error)}
	m.Sum = plain.Escape(fmt.Sprintf("%s · %s in %.2f s", orElse(r.Address, "no address"), plain.Plural(r.Connections, "connection"), r.DurationMS/1000))
	if r.ServerName != "" && r.ServerName != r.Host {
		m.Sum += plain.Escape(" · as " + r.ServerName)
	}
	if r.STARTTLS != "" {
		m.Sum += plain.Escape(" · STARTTLS " + r.STARTTLS)
	}
	if !r.Time.IsZero() {
		m.Sum += r.Time.UTC().Format(" · 2006-01-02 15:04:05 UTC")
	}
	m.suites(r)
	for _, s := range []section{
		weaknessesOf(r), versionsOf(r), groupsOf(r), schemesOf(r), certificatesOf(r), primesOf(r), featuresOf(r), toleranceOf(r), tcpOf(r), notAskedOf(r),
	} {
		if len(s.Rows) > 0 {
			m.Sections = append(m.Sections, s)
		}
	}
	return m
}

// mark stands where a suite is accepted and the server has no order.
const mark = "x"

// suites lays the suites out by versions.
func (m *model) suites(r *audit.Report) {
	var versions []*audit.Version
	for i := range r.Versions {
		if v := &r.Versions[i]; v.Offered != nil && *v.Offered && len(v.Suites) > 0 {
			versions, m.Columns = append(versions, v), append(m.Columns, plain.Escape(v.Name))
		}
	}
	at := make(map[string]int)
	for col, v := range versions {
		for place, s := range v.Suites {
			i, seen := at[s.Name]
			if !seen {
				i = len(m.Suites)
				at[s.Name] = i
				m.Suites = append(m.Suites, suiteRow{Name: plain.Escape(s.Name), Cells: make([]string, len(versions))})
			}
			m.Suites[i].Cells[col] = mark
			if v.Preference == audit.PreferenceServer {
				m.Suites[i].Cells[col] = fmt.Sprint(place + 1)
			}
			m.Suites[i].note(v, &s)
		}
	}
}

// note says of a suite what is out of date about it.
func (s *suiteRow) note(v *audit.Version, suite *audit.Suite) {
	if suite.DHBits > 0 {
		s.Note = fmt.Sprintf("DH of %d bits", suite.DHBits)
	}
	n := tlsmsg.CipherSuite(suite.ID)
	if suite.ID > 0xFFFF || len(facts.Deprecated(max(tlsmsg.Version(v.ID), tlsmsg.VersionTLS12), n, 0, suite.DHBits)) > 0 {
		s.State = warn
	}
}

func versionsOf(r *audit.Report) (s section) {
	s.Key, s.Title = "versions", "Versions"
	for _, v := range r.Versions {
		switch {
		case v.Offered == nil:
			s.add(v.Name, notKnown+because(v.How), open)
		case !*v.Offered:
			s.add(v.Name, "not accepted"+because(v.How), neutral)
		default:
			s.add(v.Name, accepted(&v), stateOfVersion(v.Name))
		}
	}
	return s
}

func accepted(v *audit.Version) string {
	text := "accepted"
	if len(v.Suites) > 0 {
		text += ", with " + plain.Plural(len(v.Suites), "cipher suite")
	}
	switch v.Preference {
	case audit.PreferenceServer:
		text += "; the server's order decides"
	case audit.PreferenceClient:
		text += "; the client's order decides"
	}
	if v.ChaChaFirst {
		text += ", and ChaCha20 for a client that has it first"
	}
	return text + because(v.How)
}

func because(how string) string {
	if how == "" {
		return ""
	}
	return " (" + how + ")"
}

func stateOfVersion(name string) string {
	switch name {
	case "TLS 1.2", "TLS 1.3":
		return good
	}
	return bad
}

func groupsOf(r *audit.Report) (s section) {
	s.Key, s.Title = "groups", "Groups"
	for _, v := range r.Versions {
		if names := r.GroupsOf(v.Name); len(names) > 0 {
			s.add(v.Name, strings.Join(names, ", "), neutral)
		}
	}
	if len(s.Rows) > 0 && r.GroupOrder != audit.PreferenceUnknown {
		s.add("preference", "the "+string(r.GroupOrder)+"'s", neutral)
	}
	return s
}

func schemesOf(r *audit.Report) (s section) {
	s.Key, s.Title = "schemes", "Signatures of the handshake"
	for _, v := range r.Versions {
		if names := r.SchemesOf(v.Name); len(names) > 0 {
			s.add(v.Name, strings.Join(names, ", "), neutral)
		}
	}
	return s
}

func primesOf(r *audit.Report) (s section) {
	s.Key, s.Title = "dh", "Diffie-Hellman primes"
	for _, g := range r.DH {
		text, state := "its own", neutral
		if g.Name != "" {
			text = g.Name
		}
		if g.Shared {
			text += ", which many servers share"
		}
		for _, x := range []struct {
			is   *bool
			says string
		}{{g.Prime, "no prime"}, {g.Safe, "no safe prime"}} {
			if x.is != nil && !*x.is {
				text, state = text+", "+x.says, bad
				break
			}
		}
		if g.Odd != "" {
			text += ": " + g.Odd
		}
		if g.Bits < 2048 {
			state = bad
		}
		s.add(fmt.Sprintf("%d bits", g.Bits), text, state)
	}
	return s
}

func toleranceOf(r *audit.Report) (s section) {
	s.Key, s.Title = "tolerance", "Tolerance"
	var fine []string
	for _, t := range r.Tolerance {
		if t.OK {
			fine = append(fine, t.Name)
		} else {
			s.add(t.Name, "not borne: "+t.How, bad)
		}
	}
	if len(fine) > 0 {
		s.add("borne", strings.Join(fine, ", "), good)
	}
	return s
}

func tcpOf(r *audit.Report) (s section) {
	s.Key, s.Title = "tcp", "TCP"
	if t := r.TCP; t != nil {
		s.add("RTT", fmt.Sprintf("%.1f ms", t.RTTMS), neutral)
		if t.Signature != "" {
			s.add("p0f", t.Signature, neutral)
		}
		s.add("SYN-ACK", fmt.Sprintf("TTL %d, window %d, MSS %d, SACK %s, timestamps %s, ECN %s", t.TTL, t.Window, t.MSS, yesNo(t.SACK), yesNo(t.Timestamps), yesNo(t.ECN)), neutral)
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// day is a date without its time.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
