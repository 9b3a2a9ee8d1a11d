// Weaknesses of certificates.

package audit

import (
	"fmt"
	"strings"
	"time"
)

func certificates(wrong func(*Certificate) string) func(*Report) string {
	return func(r *Report) string {
		var why []string
		for i := range r.Certificates {
			if w := wrong(&r.Certificates[i]); w != "" {
				why = append(why, w)
			}
		}
		return listed("the server sent", why)
	}
}

// shortKey looks at all of a chain: who has a CA's key can sign another leaf.
func shortKey(c *Certificate) string {
	for i, entry := range c.Chain {
		rsa, dsa, curve := strings.HasPrefix(entry.Kind, "RSA"), entry.Kind == "DSA", entry.Kind == "ECDSA"
		if entry.Bits > 0 && ((rsa || dsa) && entry.Bits < 2048 || curve && entry.Bits < 224) {
			whose := ""
			if i > 0 {
				whose = ", of " + entry.Subject + " in the chain"
			}
			return fmt.Sprintf("a key of %s with %d bits%s", entry.Kind, entry.Bits, whose)
		}
	}
	return ""
}

func unverified(c *Certificate) string {
	if c.Verified == nil || *c.Verified || c.Default && !c.Named { // without a name there is none to check
		return ""
	}
	return fmt.Sprintf("the certificate of %s: %s", c.Subject, c.Error)
}

// signedBadly looks at all but the roots, whose signature nobody checks.
func signedBadly(r *Report) string {
	var why []string
	for _, c := range r.Certificates {
		for _, entry := range c.Chain {
			if name := strings.ToLower(entry.Signed); !entry.Self && (strings.Contains(name, "sha1") || strings.Contains(name, "sha-1") || strings.Contains(name, "md5")) {
				why = append(why, fmt.Sprintf("the certificate of %s, signed with %s", entry.Subject, entry.Signed))
			}
		}
	}
	return listed("the server sent", why)
}

// expiring finds what is left to live less than two weeks, and less than a
// quarter of its life: some live no longer than days.
func expiring(r *Report) string {
	const soon = 14 * 24 * time.Hour
	var why []string
	for _, c := range r.Certificates {
		if c.From == nil || c.Until == nil || r.Time.IsZero() || !r.Time.Before(*c.Until) {
			continue
		}
		if left := c.Until.Sub(r.Time); left < min(soon, c.Until.Sub(*c.From)/4) {
			why = append(why, fmt.Sprintf("the certificate of %s, which expires on %s", c.Subject, c.Until.Format(time.DateOnly)))
		}
	}
	return listed("the server sent", why)
}
