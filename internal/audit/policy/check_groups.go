// Rules about groups and signature schemes.

package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A kind is a property that a group or a scheme may have.
type kind struct {
	name string
	says string // as it stands after the name and "is accepted: "
	is   func(name string) bool
}

var groupKinds = []kind{
	{"below_224_bits", "it has less than 224 bits", func(s string) bool { b := groupBits(s); return b > 0 && b < 224 }},
	{"below_256_bits", "it has less than 256 bits", func(s string) bool { b := groupBits(s); return b > 0 && b < 256 }},
	{"binary", "it is a curve over a binary field", func(s string) bool { return strings.HasPrefix(s, "sect") || strings.HasSuffix(s, "char2_curves") }},
	{"ffdhe", "it is a finite field", func(s string) bool { return strings.HasPrefix(s, "ffdhe") }},
	{"hybrid", "it is a hybrid with ML-KEM", isHybrid},
	{"pure_mlkem", "it is ML-KEM alone", func(s string) bool { return strings.HasPrefix(s, "MLKEM") }},
	{"draft", "it is a draft's", func(s string) bool { return strings.HasSuffix(s, "Draft00") }},
	{"discouraged", `IANA's registry marks it "D"`, func(s string) bool {
		g, err := tlsmsg.ParseNamedGroup(s)
		return err == nil && g.Recommended() == tlsmsg.Discouraged
	}},
}

var schemeKinds = []kind{
	{"md5", "it signs MD5", func(s string) bool { return strings.Contains(s, "md5") }},
	{"sha1", "it signs SHA-1", func(s string) bool { return strings.Contains(s, "sha1") }},
	{"sha224", "it signs SHA-224", func(s string) bool { return strings.Contains(s, "sha224") }},
	{"dsa", "it is DSA", func(s string) bool { return strings.HasPrefix(s, "dsa_") }},
	{"rsa_pkcs1", "it is RSA with PKCS #1 v1.5", func(s string) bool { return strings.HasPrefix(s, "rsa_") && !strings.HasPrefix(s, "rsa_pss") }},
}

// groupBits is the size of an elliptic curve, by its name; 0: it is none, or not
// known.
func groupBits(name string) int {
	switch name {
	case "x25519":
		return 256
	case "x448":
		return 448
	case "curveSM2":
		return 256
	}
	for _, prefix := range []string{"secp", "sect", "brainpoolP", "GC"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			digits := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
			if digits < 0 {
				digits = len(rest)
			}
			n, _ := strconv.Atoi(rest[:digits])
			return n
		}
	}
	return 0
}

func isHybrid(name string) bool {
	return strings.Contains(name, "MLKEM") && !strings.HasPrefix(name, "MLKEM") || strings.Contains(name, "Kyber")
}

func kindNamesOf(kinds []kind) (list []string) {
	for _, k := range kinds {
		list = append(list, k.name)
	}
	return list
}

func parseGroup(s string) (string, error) {
	g, err := tlsmsg.ParseNamedGroup(s)
	if err != nil {
		return "", err
	}
	return g.String(), nil
}

func parseScheme(s string) (string, error) {
	g, err := tlsmsg.ParseSignatureScheme(s)
	if err != nil {
		return "", err
	}
	return g.String(), nil
}

// A namedCheck is about names of one kind of thing: which may, must or must not
// be accepted.
type namedCheck struct {
	noun               string
	kinds              []kind
	versions           []string
	forbid, forbidKind []string
	allow              []string
	require            []string
	requireOne         []string
	requireKind        []string
}

func (c *namedCheck) readNames(r *reader, n *node, parse func(string) (string, error)) {
	kinds := kindNamesOf(c.kinds)
	r.some(n,
		word{"versions", func(n *node) { c.versions = r.list(n, parseVersion) }},
		word{"forbid", func(n *node) { c.forbid = r.list(n, parse) }},
		word{"forbid_kinds", func(n *node) { c.forbidKind = r.choices(n, kinds) }},
		word{"allow", func(n *node) { c.allow = r.list(n, parse) }},
		word{"require", func(n *node) { c.require = r.list(n, parse) }},
		word{"require_one", func(n *node) { c.requireOne = r.list(n, parse) }},
		word{"require_kinds", func(n *node) { c.requireKind = r.choices(n, kinds) }},
	)
}

// refuses reports whether the check lets a name be accepted, and why not.
func (c *namedCheck) refuses(name string) (why string, refused bool) {
	for _, k := range c.kinds {
		if slices.Contains(c.forbidKind, k.name) && k.is(name) {
			return k.says, true
		}
	}
	switch {
	case slices.Contains(c.forbid, name):
		return "the policy forbids it", true
	case c.beyond(name):
		return "it is not among the policy's", true
	}
	return "", false
}

// beyond reports whether a name is not among those that alone may be accepted.
func (c *namedCheck) beyond(name string) bool {
	return len(c.allow) > 0 && !slices.Contains(c.allow, name)
}

// judgeNames judges the names that are accepted in the check's versions.
func (c *namedCheck) judgeNames(has []string, unsure string) (f findings) {
	if unsure != "" {
		f.unsure(unsure)
	}
	var others []string
	for _, name := range has {
		why, refused := c.refuses(name)
		switch {
		case c.beyond(name):
			others = append(others, name)
		case refused:
			f.bad(fmt.Sprintf("%s is accepted: %s", name, why), name)
		}
	}
	if n := len(others); n > 0 {
		f.bad(fmt.Sprintf("%s beyond the policy's %s accepted", plain.Plural(n, c.noun), areOrIs(n)), strings.Join(others, ", "))
	}
	missing := func(what, value string) {
		if unsure == "" {
			f.bad(what, value)
		}
	}
	for _, name := range c.require {
		if !slices.Contains(has, name) {
			missing(name+" is not accepted", name)
		}
	}
	if len(c.requireOne) > 0 && !slices.ContainsFunc(c.requireOne, func(s string) bool { return slices.Contains(has, s) }) {
		missing("none of "+strings.Join(c.requireOne, ", ")+" is accepted", strings.Join(c.requireOne, ", "))
	}
	for _, k := range c.kinds {
		if slices.Contains(c.requireKind, k.name) && !slices.ContainsFunc(has, k.is) {
			missing("none that is "+k.name+" is accepted", k.name)
		}
	}
	return f
}

// inScope reports whether something that is accepted in versions is the check's
// business.
func (c *namedCheck) inScope(versions []string) bool {
	return len(versions) == 0 || slices.ContainsFunc(versions, func(v string) bool { return slices.Contains(scope(c.versions), v) })
}

type groupCheck struct{ namedCheck }

func (c *groupCheck) read(r *reader, n *node) {
	c.noun, c.kinds = "group", groupKinds
	c.readNames(r, n, parseGroup)
}

// usesGroups says whether a suite of the versions needs a group: each of TLS
// 1.3's, and those with ECDHE.
func usesGroups(n suiteName) bool { return n.tls13 || strings.HasPrefix(n.exchange, "ECDHE") }

func (c *groupCheck) judge(s *subject) findings {
	if s.uses(scope(c.versions), usesGroups) == no {
		return findings{}
	}
	var has []string
	for _, g := range s.Groups {
		if c.inScope(g.Versions) {
			has = append(has, g.Name)
		}
	}
	unsure := s.gap(scope(c.versions), "group")
	if len(s.Groups) == 0 {
		unsure = "which groups are accepted is not known"
	}
	return c.judgeNames(has, unsure)
}

type schemeCheck struct{ namedCheck }

func (c *schemeCheck) read(r *reader, n *node) {
	c.noun, c.kinds = "signature scheme", schemeKinds
	c.readNames(r, n, parseScheme)
}

// judge: before TLS 1.2 a server has no choice of schemes.
func (c *schemeCheck) judge(s *subject) findings {
	in := slices.DeleteFunc(slices.Clone(scope(c.versions)), func(v string) bool { return v != "TLS 1.2" && v != tls13 })
	signs := func(n suiteName) bool {
		return n.tls13 || !suiteKindOf("static_rsa").is(n) && !strings.Contains(n.exchange, "anon") && n.exchange != "PSK"
	}
	if s.uses(in, signs) == no {
		return findings{}
	}
	var has []string
	for _, g := range s.Schemes {
		if c.inScope(g.Versions) {
			has = append(has, g.Name)
		}
	}
	unsure := s.gap(in, "signature scheme", "signature algorithm")
	if len(s.Schemes) == 0 {
		unsure = "with which schemes the server signs is not known"
	}
	return c.judgeNames(has, unsure)
}
