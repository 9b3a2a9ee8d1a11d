// What `rawshake audit --json` finds.

package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
)

var ours = &tool{
	name: "rawshake", program: func() string { return rawshake },
	args: func(addr, _ string) []string {
		return []string{"audit", "--json", "-q", "--timeout", "60s", "--servername", serverName, addr}
	},
	parse: func(out []byte) (*findings, error) {
		var r audit.Report
		if err := json.Unmarshal(out, &r); err != nil {
			return nil, err
		}
		f := &findings{suites: map[string][]string{}, groups: map[string][]string{}, prefers: map[string]string{}, first: map[string]string{}, allLeaf: true}
		for _, v := range r.Versions {
			f.asked = append(f.asked, v.Name)
			if v.Offered == nil || !*v.Offered {
				continue
			}
			f.speaks = append(f.speaks, v.Name)
			f.prefers[v.Name] = string(v.Preference)
			for _, s := range v.Suites {
				f.suites[v.Name] = append(f.suites[v.Name], s.Name)
				if s.DHBits != 0 {
					f.dhBits = append(f.dhBits, fmt.Sprint(s.DHBits))
				}
			}
			f.first[v.Name] = v.Suites[0].Name
		}
		for _, g := range r.Groups {
			for _, v := range g.Versions {
				f.groups[v] = append(f.groups[v], g.Name)
			}
		}
		f.curves = set(slices.DeleteFunc(slices.Concat(f.groups["TLS 1.2"], f.groups["TLS 1.3"]), func(g string) bool { return strings.HasPrefix(g, "ffdhe") }))
		f.anyOrder = cmp.Or(f.prefers["TLS 1.2"], f.prefers["TLS 1.3"])
		for _, c := range r.Certificates {
			f.leaves = append(f.leaves, c.SHA256)
		}
		if r.Pauses != nil || slices.ContainsFunc(r.NotAsked, func(g audit.Gap) bool { return g.What == "the rest" }) {
			return nil, fmt.Errorf("it paused or gave up: %v, %v", r.Pauses, r.NotAsked)
		}
		return f, nil
	},
}
