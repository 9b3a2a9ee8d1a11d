// In what a lab that stands differs from the one that is asked for.

package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/lab"
)

// parts are the parts of a topology by what they are called, each with a hash of
// its canonical text. Two topologies are the same if their parts are.
type parts map[string]string

func partsOf(t lab.Topology) (parts, error) {
	text, err := t.Text()
	if err != nil {
		return nil, err
	}
	if t, err = lab.ParseTopology([]byte(text)); err != nil { // as the holder got it
		return nil, err
	}
	var nodes, links []string
	pieces := map[string]lab.Topology{"the name": {Name: t.Name}, "the description": {About: t.About}, "the seed": {Seed: t.Seed}}
	for _, n := range t.Nodes {
		nodes = append(nodes, n.Name)
		pieces["node "+n.Name] = lab.Topology{Nodes: []lab.NodeConfig{n}}
	}
	for _, l := range t.Links {
		name := l.LinkName()
		links = append(links, name)
		pieces["link "+name] = lab.Topology{Links: []lab.LinkConfig{l}}
	}
	pieces["the order of nodes"] = lab.Topology{Name: strings.Join(nodes, " ")}
	pieces["the order of links"] = lab.Topology{Name: strings.Join(links, " ")}
	all := parts{}
	for name, piece := range pieces {
		text, err := piece.Text()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(text))
		all[name] = hex.EncodeToString(sum[:16])
	}
	return all, nil
}

// differences names the parts that are not the same in both, the order only
// where nothing is new or gone.
func (p parts) differences(other parts) (names []string) {
	changed := false // in what there is
	for name, sum := range p {
		if other[name] != sum {
			names = append(names, name)
		}
		changed = changed || other[name] == ""
	}
	for name := range other {
		if p[name] == "" {
			names, changed = append(names, name), true
		}
	}
	if changed {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "the order") })
	}
	slices.Sort(names)
	return names
}
