// Rules about what a server does besides.

package policy

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/audit"
)

// A feature is something that a server does or does not.
type feature struct {
	name    string
	on, off string // what it is called if it does, and if it does not
	value   func(*audit.Features) *bool
	applies func(*subject) truth // whether it can at all
}

func beforeTLS13(s *subject) truth { return s.anyOffered(legacy...) }
func inTLS13(s *subject) truth     { return s.offered(tls13) }
func always(*subject) truth        { return yes }

// withCBC: encrypt_then_mac is for suites in CBC mode alone.
func withCBC(s *subject) truth { return s.uses(legacy, isCBC) }

// withFallback: with one version there is none to fall back to.
func withFallback(s *subject) truth {
	n, open := 0, false
	for _, v := range allVersions[1:] {
		switch s.offered(v) {
		case yes:
			n++
		case unknown:
			open = true
		}
	}
	switch {
	case n > 1 && beforeTLS13(s) != no:
		return yes
	case open:
		return unknown
	}
	return no
}

// withBoth: TLS 1.3's sentinel is in the answers of older versions.
func withBoth(s *subject) truth {
	a, b := inTLS13(s), beforeTLS13(s)
	switch {
	case a == no || b == no:
		return no
	case a == unknown || b == unknown:
		return unknown
	}
	return yes
}

// features are all that a policy can speak of.
var features = []feature{
	{"compression", "TLS compresses records", "TLS compresses no records", func(f *audit.Features) *bool { return f.Compression }, beforeTLS13},
	{"secure_renegotiation", "secure renegotiation (RFC 5746) is supported", "secure renegotiation (RFC 5746) is not supported", func(f *audit.Features) *bool { return f.SecureRenegotiation }, beforeTLS13},
	{"client_renegotiation", "a client may renegotiate", "a client may not renegotiate", func(f *audit.Features) *bool { return f.ClientRenegotiation }, beforeTLS13},
	{"fallback_scsv", "TLS_FALLBACK_SCSV is honoured", "TLS_FALLBACK_SCSV is not honoured", func(f *audit.Features) *bool { return f.FallbackSCSV }, withFallback},
	{"extended_master_secret", "extended_master_secret is supported", "extended_master_secret is not supported", func(f *audit.Features) *bool { return f.ExtendedMaster }, beforeTLS13},
	{"encrypt_then_mac", "encrypt_then_mac is supported", "encrypt_then_mac is not supported", func(f *audit.Features) *bool { return f.EncryptThenMAC }, withCBC},
	{"heartbeat", "heartbeats are taken", "heartbeats are not taken", func(f *audit.Features) *bool { return f.Heartbeat }, always},
	{"ocsp_stapling", "an OCSP response is stapled", "no OCSP response is stapled", func(f *audit.Features) *bool { return f.OCSPStapling }, always},
	{"scts", "signed certificate timestamps come in the handshake", "no signed certificate timestamps come in the handshake", func(f *audit.Features) *bool { return more(f.SCTs) }, always},
	{"encrypted_client_hello", "Encrypted Client Hello is supported", "Encrypted Client Hello is not supported", func(f *audit.Features) *bool { return f.ECH }, inTLS13},
	{"session_ids", "sessions resume by their IDs", "sessions do not resume by their IDs", func(f *audit.Features) *bool { return f.ResumesID }, beforeTLS13},
	{"early_data", "early data (0-RTT) is taken", "early data (0-RTT) is not taken", earlyData, inTLS13},
	{"alpn", "application protocols are negotiated (ALPN)", "no application protocol is negotiated (ALPN)", alpn, always},
	{"client_certificate", "a client certificate is asked for", "no client certificate is asked for", func(f *audit.Features) *bool { return f.ClientAuth }, always},
	{"ephemeral_key_reuse", "ephemeral keys are used again", "ephemeral keys are not used again", func(f *audit.Features) *bool { return f.KeyReuse }, always},
	{"downgrade_sentinel", "answers of older versions have the sentinel against downgrades", "answers of older versions have no sentinel against downgrades", func(f *audit.Features) *bool { return f.Downgrade }, withBoth},
}

func more(n *int) *bool {
	if n == nil {
		return nil
	}
	some := *n > 0
	return &some
}

func earlyData(f *audit.Features) *bool {
	if f.EarlyData == nil {
		return f.EarlyTaken
	}
	some := *f.EarlyData > 0 || f.EarlyTaken != nil && *f.EarlyTaken
	return &some
}

func alpn(f *audit.Features) *bool {
	if f.ALPN == nil {
		return nil
	}
	some := len(f.ALPN) > 0
	return &some
}

func featureNames() (list []string) {
	for _, f := range features {
		list = append(list, f.name)
	}
	return list
}

type featureCheck struct{ want map[string]bool }

func (c *featureCheck) read(r *reader, n *node) {
	c.want = make(map[string]bool)
	var list []word
	for _, f := range features {
		list = append(list, word{f.name, func(n *node) { c.want[f.name] = r.truth(n) }})
	}
	r.some(n, list...)
}

func (c *featureCheck) judge(s *subject) (f findings) {
	for _, x := range features {
		want, asked := c.want[x.name]
		if !asked || x.applies(s) == no {
			continue
		}
		switch has := truthOf(x.value(&s.Features)); {
		case has == unknown, has == no && want && s.gap(allVersions, x.name) != "":
			f.unsure(x.open(s))
		case (has == yes) != want && want:
			f.bad(x.off, "")
		case (has == yes) != want:
			f.bad(x.on, "")
		}
	}
	return f
}

// open says that a feature is not known.
func (x *feature) open(s *subject) string {
	return orGap(s.gap(allVersions, x.name), "whether "+x.on+" is not known")
}

// orGap is a gap, or where there is none, what is not known.
func orGap(gap, notKnown string) string {
	if gap != "" {
		return gap
	}
	return notKnown
}

type ticketCheck struct {
	versions    []string
	maxLifetime int
	once        bool
	none        bool
}

// maxSeconds is the longest lifetime that a rule can name: what TLS 1.3 allows
// is a week, and TLS 1.2 any number of seconds.
const maxSeconds = 1 << 31

func (c *ticketCheck) read(r *reader, n *node) {
	parse := func(s string) (string, error) {
		if v, err := parseVersion(s); err == nil && (v == "TLS 1.2" || v == tls13) {
			return v, nil
		}
		return "", noneOf(s, []string{"TLS 1.2", tls13})
	}
	r.some(n,
		word{"versions", func(n *node) { c.versions = r.list(n, parse) }},
		word{"max_lifetime", func(n *node) { c.maxLifetime = r.number(n, 1, maxSeconds) }},
		word{"once", func(n *node) { c.once = r.onlyTrue(n) }},
		word{"none", func(n *node) { c.none = r.onlyTrue(n) }},
	)
}

func (c *ticketCheck) judge(s *subject) (f findings) {
	for _, of := range []struct {
		version string
		applies truth
		tickets *audit.Tickets
	}{{"TLS 1.2", beforeTLS13(s), s.Features.Tickets12}, {tls13, inTLS13(s), s.Features.Tickets13}} {
		if of.applies == no || len(c.versions) > 0 && !slices.Contains(c.versions, of.version) {
			continue
		}
		if of.tickets == nil {
			f.unsure(orGap(s.gap([]string{of.version}, "sessions", "handshake", "resumption"), "whether tickets are given in "+of.version+" is not known"))
			continue
		}
		c.judgeOne(of.version, of.tickets, &f)
	}
	return f
}

func (c *ticketCheck) judgeOne(version string, t *audit.Tickets, f *findings) {
	if !t.Offered {
		return
	}
	if c.none {
		f.bad("tickets are given in "+version, version)
	}
	if c.maxLifetime > 0 && t.Lifetime > uint32(c.maxLifetime) {
		f.bad(fmt.Sprintf("tickets of %s are valid for %d s, more than %d", version, t.Lifetime, c.maxLifetime), fmt.Sprint(t.Lifetime))
	}
	if c.once {
		switch truthOf(t.Reuse) {
		case yes:
			f.bad("a ticket of "+version+" is taken twice", version)
		case unknown:
			if truthOf(t.Resumes) != no {
				f.unsure("whether a ticket of " + version + " is taken twice is not known")
			}
		}
	}
}
