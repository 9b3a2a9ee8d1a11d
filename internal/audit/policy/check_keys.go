// Rules about the sizes of keys and the primes of Diffie-Hellman.

package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
)

type keyCheck struct{ rsa, ec, dh int }

const maxBits = 1 << 15

func (c *keyCheck) read(r *reader, n *node) {
	r.some(n,
		word{"rsa", func(n *node) { c.rsa = r.number(n, 1, maxBits) }},
		word{"ec", func(n *node) { c.ec = r.number(n, 1, maxBits) }},
		word{"dh", func(n *node) { c.dh = r.number(n, 1, maxBits) }},
	)
}

func (c *keyCheck) judge(s *subject) (f findings) {
	if c.rsa > 0 || c.ec > 0 {
		if why := s.certificatesUnknown(); why != "" {
			f.unsure(why)
		}
		for _, cert := range s.Certificates {
			c.judgeKey(&f, "the server's certificate", cert.Kind, cert.Bits, cert.Curve, cert.SHA256)
			for i, e := range cert.Chain {
				if i > 0 {
					c.judgeKey(&f, "the CA certificate "+e.Subject, e.Kind, e.Bits, "", e.SHA256)
				}
			}
		}
	}
	if c.dh > 0 {
		c.judgeDH(s, &f)
	}
	return f
}

func (c *keyCheck) judgeKey(f *findings, what, kind string, bits int, curve, hash string) {
	least, curveBits := 0, groupBits(curve)
	switch {
	case strings.HasPrefix(kind, "RSA"):
		least = c.rsa
	case strings.HasPrefix(kind, "EC"):
		least = c.ec
		if bits == 0 {
			bits = curveBits
		}
	}
	switch {
	case least == 0:
	case bits == 0:
		f.unsure("how long the key of " + what + " is is not known")
	case bits < least:
		f.bad(fmt.Sprintf("%s has an %s key of %d bits, less than %d", what, kind, bits, least), fmt.Sprintf("%d bits (%s)", bits, hash))
	}
}

func (c *keyCheck) judgeDH(s *subject, f *findings) {
	if s.usesDHE() == no {
		return
	}
	var sizes []int
	for _, g := range s.DH {
		sizes = append(sizes, g.Bits)
	}
	for _, v := range s.Versions {
		for _, suite := range v.Suites {
			if suite.DHBits > 0 && !slices.Contains(sizes, suite.DHBits) {
				sizes = append(sizes, suite.DHBits)
			}
		}
	}
	if len(sizes) == 0 {
		f.unsure("how long the primes of Diffie-Hellman are is not known")
	}
	if gap := s.gap(allVersions, "diffie hellman", "dh parameter", "dh prime"); gap != "" {
		f.unsure(gap)
	}
	slices.Sort(sizes)
	for _, bits := range slices.Compact(sizes) {
		if bits < c.dh {
			f.bad(fmt.Sprintf("a Diffie-Hellman prime has %d bits, less than %d", bits, c.dh), fmt.Sprintf("%d bits", bits))
		}
	}
}

// usesDHE says whether the server makes ephemeral keys in a finite field of its
// choice.
func (s *subject) usesDHE() truth {
	if len(s.DH) > 0 {
		return yes
	}
	return s.uses(legacy, func(n suiteName) bool { return isDHE(n) || n.exchange == "DH_anon" || n.exchange == "DH_anon_EXPORT" })
}

type primeCheck struct{ forbid []string }

var primeKinds = []struct {
	name, says string
	is         func(audit.DH) truth
}{
	{"shared", "is one that many servers share", func(g audit.DH) truth { return truthOf(&g.Shared) }},
	{"composite", "is no prime", func(g audit.DH) truth { return not(truthOf(g.Prime)) }},
	{"unsafe", "is no safe prime", func(g audit.DH) truth { return not(truthOf(g.Safe)) }},
}

func not(t truth) truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

func primeKindNames() (list []string) {
	for _, k := range primeKinds {
		list = append(list, k.name)
	}
	return list
}

func (c *primeCheck) read(r *reader, n *node) {
	r.some(n, word{"forbid", func(n *node) { c.forbid = r.choices(n, primeKindNames()) }})
}

func (c *primeCheck) judge(s *subject) (f findings) {
	if s.usesDHE() == no {
		return f
	}
	if len(s.DH) == 0 {
		f.unsure("which primes of Diffie-Hellman are used is not known")
	}
	for _, g := range s.DH {
		for _, k := range primeKinds {
			if !slices.Contains(c.forbid, k.name) {
				continue
			}
			switch k.is(g) {
			case yes:
				f.bad(fmt.Sprintf("the modulus of %d bits %s", g.Bits, k.says), g.SHA256)
			case unknown:
				f.unsure(fmt.Sprintf("whether the modulus of %d bits %s is not known", g.Bits, k.says))
			}
		}
	}
	return f
}
