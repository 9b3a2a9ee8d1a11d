// What a server does besides, in words.

package output

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// switches are features that are there or not, and what is good of them.
var switches = []struct {
	label   string
	value   func(*audit.Features) *bool
	on, off string // states
}{
	{"compression of records", func(f *audit.Features) *bool { return f.Compression }, bad, good},
	{"secure renegotiation", func(f *audit.Features) *bool { return f.SecureRenegotiation }, good, bad},
	{"renegotiation by the client", func(f *audit.Features) *bool { return f.ClientRenegotiation }, warn, good},
	{"fallback SCSV", func(f *audit.Features) *bool { return f.FallbackSCSV }, good, neutral},
	{"extended master secret", func(f *audit.Features) *bool { return f.ExtendedMaster }, good, warn},
	{"encrypt-then-MAC", func(f *audit.Features) *bool { return f.EncryptThenMAC }, good, neutral},
	{"heartbeat", func(f *audit.Features) *bool { return f.Heartbeat }, warn, neutral},
	{"downgrade sentinel", func(f *audit.Features) *bool { return f.Downgrade }, good, bad},
	{"reuse of ephemeral keys", func(f *audit.Features) *bool { return f.KeyReuse }, warn, good},
	{"Encrypted Client Hello", func(f *audit.Features) *bool { return f.ECH }, good, neutral},
	{"session IDs", func(f *audit.Features) *bool { return f.SessionIDs }, neutral, neutral},
	{"resumption by session ID", func(f *audit.Features) *bool { return f.ResumesID }, neutral, neutral},
}

func featuresOf(r *audit.Report) (s section) {
	s.Key, s.Title = "features", "Features"
	if !r.TLS {
		return s
	}
	f := &r.Features
	for _, x := range switches {
		switch v := x.value(f); {
		case v == nil:
			s.add(x.label, notKnown, open)
		case *v:
			s.add(x.label, "yes", x.on)
		default:
			s.add(x.label, "no", x.off)
		}
	}
	tickets(&s, "tickets of TLS 1.2", f.Tickets12)
	tickets(&s, "tickets of TLS 1.3", f.Tickets13)
	early(&s, f)
	s.stapling(f)
	s.protocols(f)
	if f.RecordLimit != nil {
		s.add("record size limit", plain.Octets(int(*f.RecordLimit)), neutral)
	}
	if f.HelloRetry != "" {
		s.add("HelloRetryRequest", f.HelloRetry, neutral)
	}
	return s
}

func tickets(s *section, label string, t *audit.Tickets) {
	if t == nil {
		s.add(label, notKnown, open)
		return
	}
	if !t.Offered {
		s.add(label, "none", neutral)
		return
	}
	text := fmt.Sprintf("%d, for %d s", t.Count, t.Lifetime)
	for _, x := range []struct {
		is      *bool
		yes, no string
	}{{t.Resumes, "resumes", "does not resume"}, {t.Reuse, "taken twice", "taken once"}, {t.Renewed, "renewed", "not renewed"}} {
		if x.is != nil {
			text += ", " + map[bool]string{true: x.yes, false: x.no}[*x.is]
		}
	}
	s.add(label, text, neutral)
}

func early(s *section, f *audit.Features) {
	switch {
	case f.EarlyData == nil && f.EarlyTaken == nil:
		s.add("early data (0-RTT)", notKnown, open)
	case f.EarlyTaken != nil && *f.EarlyTaken:
		s.add("early data (0-RTT)", "accepted", warn)
	case f.EarlyData != nil && *f.EarlyData > 0:
		s.add("early data (0-RTT)", fmt.Sprintf("a ticket allows %s", plain.Octets(int(*f.EarlyData))), warn)
	default:
		s.add("early data (0-RTT)", "no", good)
	}
}

func (s *section) stapling(f *audit.Features) {
	switch {
	case f.OCSPStapling == nil:
		s.add("OCSP stapling", notKnown, open)
	case *f.OCSPStapling:
		state := good
		if f.OCSPStatus == "revoked" {
			state = bad
		}
		s.add("OCSP stapling", "yes"+because(f.OCSPStatus), state)
	default:
		s.add("OCSP stapling", "no", neutral)
	}
	if f.SCTs != nil {
		s.add("SCTs in the handshake", fmt.Sprint(*f.SCTs), neutral)
	}
}

func (s *section) protocols(f *audit.Features) {
	switch {
	case f.ALPN == nil:
		s.add("ALPN", notKnown, open)
	case len(f.ALPN) == 0:
		s.add("ALPN", "none", neutral)
	default:
		s.add("ALPN", strings.Join(f.ALPN, ", "), neutral)
	}
	if len(f.NextProtocol) > 0 {
		s.add("NPN", strings.Join(f.NextProtocol, ", "), neutral)
	}
	switch {
	case f.ClientAuth == nil:
		s.add("client certificate", notKnown, open)
	case *f.ClientAuth:
		text := "asked for"
		if len(f.ClientCAs) > 0 {
			text += ", of " + someNames(f.ClientCAs)
		}
		s.add("client certificate", text, neutral)
	default:
		s.add("client certificate", "not asked for", neutral)
	}
}
