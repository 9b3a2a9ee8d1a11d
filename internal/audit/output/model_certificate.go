// Certificates in words.

package output

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// maxNames bounds the names of a certificate that are shown.
const maxNames = 8

func certificatesOf(r *audit.Report) (s section) {
	s.Key, s.Title = "certificates", "Certificates"
	for i := range r.Certificates {
		c := &r.Certificates[i]
		s.add(c.Kind, keyOf(c), neutral)
		s.add("  subject", c.Subject, neutral)
		s.add("  issuer", c.Issuer, neutral)
		if len(c.Names) > 0 {
			s.add("  names", someNames(c.Names), neutral)
		}
		if c.From != nil && c.Until != nil {
			text, state := validity(c, r.Time)
			s.add("  valid", text, state)
		}
		if c.Signed != "" {
			s.add("  signed with", c.Signed, stateOfSignature(c.Signed))
		}
		text, state := verified(c)
		s.add("  verified", text, state)
		if len(c.Chain) > 1 {
			s.add("  chain", chain(c.Chain), neutral)
		}
		s.add("  SHA-256", c.SHA256, neutral)
	}
	return s
}

func keyOf(c *audit.Certificate) string {
	var parts []string
	if c.Bits > 0 {
		parts = append(parts, fmt.Sprintf("%d bits", c.Bits))
	}
	if c.Curve != "" {
		parts = append(parts, c.Curve)
	}
	switch {
	case c.Named && c.Default:
		parts = append(parts, "with the server's name and without")
	case c.Named:
		parts = append(parts, "with the server's name alone")
	case c.Default:
		parts = append(parts, "without a server's name")
	}
	return strings.Join(parts, ", ")
}

func someNames(names []string) string {
	if len(names) <= maxNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
}

func validity(c *audit.Certificate, now time.Time) (text, state string) {
	const oneDay = 24 * time.Hour
	text = fmt.Sprintf("%s to %s (%s", day(*c.From), day(*c.Until), plain.Plural(int(c.Until.Sub(*c.From)/oneDay), "day"))
	switch left := c.Until.Sub(now); {
	case now.IsZero():
	case left <= 0:
		return text + ", expired)", bad
	case now.Before(*c.From):
		return text + ", not valid yet)", bad
	default:
		text += fmt.Sprintf(", %d left", int(left/oneDay))
	}
	return text + ")", neutral
}

func stateOfSignature(algorithm string) string {
	s := strings.ToLower(algorithm)
	if strings.Contains(s, "md5") || strings.Contains(s, "sha1") || strings.HasSuffix(s, "-sha-1") || strings.Contains(s, "md2") {
		return bad
	}
	return neutral
}

func verified(c *audit.Certificate) (text, state string) {
	switch {
	case c.Verified == nil:
		return notKnown + because(c.Error), open
	case *c.Verified:
		return "yes", good
	case c.Error != "":
		return "no: " + c.Error, bad
	}
	return "no", bad
}

func chain(list []audit.ChainEntry) string {
	var names []string
	for _, e := range list[1:] {
		name := e.Subject
		if e.Self {
			name += " (self-signed)"
		}
		names = append(names, name)
	}
	return strings.Join(names, "; ")
}
