// What results of --audit say.

package results

import (
	"slices"
	"strings"
)

// An Audit is what a Line has of its report.
type Audit struct {
	Versions []struct {
		Name    string
		Offered *bool
		Suites  []struct{ Name string } `json:"cipher_suites"`
	}
	Groups       []struct{ Name string }
	Certificates []struct{ SHA256 string }
	Weaknesses   []struct{ ID string }
}

// versions are those that the server agreed to.
func (a *Audit) versions() (list []string) {
	if a == nil {
		return nil
	}
	for _, v := range a.Versions {
		if v.Offered != nil && *v.Offered {
			list = append(list, v.Name)
		}
	}
	return list
}

func (a *Audit) suites() (list []string) {
	if a == nil {
		return nil
	}
	for _, v := range a.Versions {
		for _, s := range v.Suites {
			list = append(list, v.Name+" "+s.Name)
		}
	}
	return list
}

func (a *Audit) groups() (list []string) {
	if a == nil {
		return nil
	}
	for _, g := range a.Groups {
		list = append(list, g.Name)
	}
	return list
}

func (a *Audit) certificates() (list []string) {
	if a == nil {
		return nil
	}
	for _, c := range a.Certificates {
		list = append(list, c.SHA256)
	}
	return list
}

func (a *Audit) weaknesses() (list []string) {
	if a == nil {
		return nil
	}
	for _, w := range a.Weaknesses {
		list = append(list, w.ID)
	}
	return list
}

// listed makes one value of a list, whose order is of no account.
func listed(of func(*Audit) []string) func(*Line) string {
	return func(l *Line) string {
		list := of(l.Audit)
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
}

// without is a list's text without what is in another.
func without(list, other string) string {
	left := slices.DeleteFunc(strings.Split(list, ", "), func(s string) bool { return slices.Contains(strings.Split(other, ", "), s) })
	return strings.Join(left, ", ")
}
