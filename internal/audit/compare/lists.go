// Versions, cipher suites, groups, schemes, primes, tolerance and weaknesses.

package compare

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/audit"
)

func (d *differ) versions() {
	for i := range d.is.Versions {
		is := &d.is.Versions[i]
		j := slices.IndexFunc(d.was.Versions, func(v audit.Version) bool { return v.Name == is.Name && v.ID == is.ID })
		if j < 0 || is.Offered == nil || d.was.Versions[j].Offered == nil {
			continue
		}
		was := &d.was.Versions[j]
		switch {
		case *is.Offered && !*was.Offered:
			d.add("versions", Appeared, is.Name, "", "", fmt.Sprintf("versions: %s is accepted, and was not", is.Name))
		case !*is.Offered && *was.Offered:
			d.add("versions", Gone, is.Name, "", "", fmt.Sprintf("versions: %s is not accepted any more", is.Name))
		case *is.Offered:
			d.suites(was, is)
		}
	}
}

// suites compares a version that was and is accepted.
func (d *differ) suites(was, is *audit.Version) {
	before, now := suiteNames(was), suiteNames(is)
	if len(before) > 0 && len(now) > 0 { // else they are not known
		d.names("cipher_suites", is.Name, before, now, "cipher suite")
	}
	if was.Preference == audit.PreferenceServer && is.Preference == was.Preference {
		d.order("cipher_suites", is.Name, before, now)
	}
	if was.Preference != audit.PreferenceUnknown && is.Preference != audit.PreferenceUnknown {
		d.changed("preference", is.Name, "the "+string(was.Preference)+"'s", "the "+string(is.Preference)+"'s")
	}
	for _, s := range is.Suites {
		i := slices.IndexFunc(was.Suites, func(o audit.Suite) bool { return o.Name == s.Name })
		if i >= 0 && was.Suites[i].DHBits > 0 && s.DHBits > 0 {
			d.changed("dh_bits", s.Name+" in "+is.Name, fmt.Sprint(was.Suites[i].DHBits), fmt.Sprint(s.DHBits))
		}
	}
}

func suiteNames(v *audit.Version) (list []string) {
	for _, s := range v.Suites {
		list = append(list, s.Name)
	}
	return list
}

func (d *differ) groups() {
	if len(d.was.Groups) == 0 || len(d.is.Groups) == 0 {
		return
	}
	for _, v := range d.both() {
		was, is := d.was.GroupsOf(v), d.is.GroupsOf(v)
		d.names("groups", v, was, is, "group")
		if v == "TLS 1.3" && d.was.GroupOrder == audit.PreferenceServer && d.is.GroupOrder == audit.PreferenceServer {
			d.order("groups", v, was, is)
		}
	}
	if d.was.GroupOrder != audit.PreferenceUnknown && d.is.GroupOrder != audit.PreferenceUnknown {
		d.changed("group_preference", "TLS 1.3", "the "+string(d.was.GroupOrder)+"'s", "the "+string(d.is.GroupOrder)+"'s")
	}
}

func (d *differ) schemes() {
	if len(d.was.Schemes) == 0 || len(d.is.Schemes) == 0 {
		return
	}
	for _, v := range d.both() {
		d.names("signature_schemes", v, d.was.SchemesOf(v), d.is.SchemesOf(v), "signature")
	}
}

// both are the versions that both reports say to be accepted: what comes and goes
// with a version needs no word of its own.
func (d *differ) both() (list []string) {
	accepted := func(r *audit.Report, name string) bool {
		return slices.ContainsFunc(r.Versions, func(v audit.Version) bool { return v.Name == name && v.Offered != nil && *v.Offered })
	}
	for _, v := range d.is.Versions {
		if accepted(d.was, v.Name) && accepted(d.is, v.Name) {
			list = append(list, v.Name)
		}
	}
	return list
}

func (d *differ) primes() {
	names := func(list []audit.DH) (names []string) {
		for _, g := range list {
			name := fmt.Sprintf("the prime %s of %d bits", g.SHA256, g.Bits)
			if g.Name != "" {
				name += " (" + g.Name + ")"
			}
			names = append(names, name)
		}
		return names
	}
	d.names("dh", "", names(d.was.DH), names(d.is.DH), "dh")
}

func (d *differ) tolerance() {
	for _, is := range d.is.Tolerance {
		i := slices.IndexFunc(d.was.Tolerance, func(t audit.Tolerance) bool { return t.Name == is.Name })
		if i >= 0 {
			d.changed("tolerance", is.Name, borne(d.was.Tolerance[i].OK), borne(is.OK))
		}
	}
}

func borne(ok bool) string {
	if ok {
		return "borne"
	}
	return "not borne"
}

func (d *differ) weaknesses() {
	has := func(list []audit.Weakness, id string) bool {
		return slices.ContainsFunc(list, func(w audit.Weakness) bool { return w.ID == id })
	}
	for _, w := range d.is.Weaknesses {
		if !has(d.was.Weaknesses, w.ID) && !gap(d.was, "weakness", "") {
			d.add("weaknesses", Appeared, w.ID, "", w.Severity, fmt.Sprintf("weaknesses: %s (%s), which it did not have: %s", w.Name, w.Severity, w.Judged))
		}
	}
	for _, w := range d.was.Weaknesses {
		if !has(d.is.Weaknesses, w.ID) && !gap(d.is, "weakness", "") {
			d.add("weaknesses", Gone, w.ID, w.Severity, "", fmt.Sprintf("weaknesses: %s (%s) is gone", w.Name, w.Severity))
		}
	}
}

func (d *differ) tcp() {
	if d.was.TCP != nil && d.is.TCP != nil && d.was.TCP.Signature != "" && d.is.TCP.Signature != "" {
		d.changed("tcp", "p0f", d.was.TCP.Signature, d.is.TCP.Signature)
	}
}

// verdict compares verdicts by one policy.
func (d *differ) verdict() {
	was, is := d.was.Verdict, d.is.Verdict
	if was == nil || is == nil || was.Policy != is.Policy {
		return
	}
	d.changed("verdict", is.Policy, conforms(was), conforms(is))
}

func conforms(v *audit.Verdict) string {
	if v.Conforms {
		return "kept"
	}
	return "not kept"
}
