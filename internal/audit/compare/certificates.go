// Certificates.

package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
)

// certificates compares those of one hash, then the others by their kind: a
// certificate is renewed more often than it comes or goes.
func (d *differ) certificates() {
	if len(d.was.Certificates) == 0 || len(d.is.Certificates) == 0 {
		return
	}
	before, now := pointers(d.was.Certificates), pointers(d.is.Certificates)
	d.pair(&before, &now, func(a, b *audit.Certificate) bool { return a.SHA256 == b.SHA256 }, d.sameLeaf)
	d.pair(&before, &now, func(a, b *audit.Certificate) bool { return a.Kind == b.Kind }, d.renewed)
	for _, c := range now {
		if !gap(d.was, "certificate", "") {
			d.add("certificates", Appeared, c.Kind, "", c.SHA256, fmt.Sprintf("certificates: there is one of the kind %s, of %s, and was not", c.Kind, c.Subject))
		}
	}
	for _, c := range before {
		if !gap(d.is, "certificate", "") {
			d.add("certificates", Gone, c.Kind, c.SHA256, "", fmt.Sprintf("certificates: there is none of the kind %s, of %s, any more", c.Kind, c.Subject))
		}
	}
}

func pointers(list []audit.Certificate) (out []*audit.Certificate) {
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

// pair takes those that belong together out of two lists.
func (d *differ) pair(before, now *[]*audit.Certificate, alike func(a, b *audit.Certificate) bool, found func(a, b *audit.Certificate)) {
	*now = slices.DeleteFunc(*now, func(b *audit.Certificate) bool {
		i := slices.IndexFunc(*before, func(a *audit.Certificate) bool { return alike(a, b) })
		if i < 0 {
			return false
		}
		found((*before)[i], b)
		*before = slices.Delete(*before, i, i+1)
		return true
	})
}

// sameLeaf compares what is said of one certificate: whether it verifies, and
// what comes with it.
func (d *differ) sameLeaf(was, is *audit.Certificate) {
	if was.Verified != nil && is.Verified != nil {
		d.changed("certificates", "the verification of "+is.Kind, result(was), result(is))
	}
	d.changed("certificates", "the chain of "+is.Kind, chain(was), chain(is))
}

func result(c *audit.Certificate) string {
	if *c.Verified {
		return "good"
	}
	return strings.TrimSuffix("bad: "+c.Error, ": ")
}

func chain(c *audit.Certificate) string {
	var names []string
	for i, e := range c.Chain {
		if i > 0 {
			names = append(names, e.Subject)
		}
	}
	return strings.Join(names, "; ")
}

// renewed says that a certificate is another, and what of it.
func (d *differ) renewed(was, is *audit.Certificate) {
	text := fmt.Sprintf("certificates: the one of the kind %s is another", is.Kind)
	if is.Until != nil && was.Until != nil {
		text += fmt.Sprintf(", valid until %s, and was until %s", is.Until.UTC().Format(time.DateOnly), was.Until.UTC().Format(time.DateOnly))
	}
	d.add("certificates", Changed, is.Kind, was.SHA256, is.SHA256, text)
	what := func(s string) string { return "the " + s + " of " + is.Kind }
	d.changed("certificates", what("subject"), was.Subject, is.Subject)
	d.changed("certificates", what("issuer"), was.Issuer, is.Issuer)
	d.changed("certificates", what("key"), key(was), key(is))
	d.changed("certificates", what("signature"), was.Signed, is.Signed)
	d.changed("certificates", what("names"), sorted(was.Names), sorted(is.Names))
	if was.Verified != nil && is.Verified != nil {
		d.changed("certificates", what("verification"), result(was), result(is))
	}
}

func key(c *audit.Certificate) string {
	return strings.TrimSpace(fmt.Sprintf("%d bits %s", c.Bits, c.Curve))
}

func sorted(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, ", ")
}
