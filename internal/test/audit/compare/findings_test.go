// What a tool finds out about a server, in the words of all tools alike.

package compare

import (
	"cmp"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// findings are what one tool says of one server. What it does not say at all is nil.
type findings struct {
	asked   []string            // versions that it looks for
	speaks  []string            // those that it found
	suites  map[string][]string // by version, IANA's names
	groups  map[string][]string // by version, as we call them
	prefers map[string]string   // "server" or "client", by version
	first   map[string]string   // what was chosen first, by version, of everything
	dhBits  []string            // sizes of Diffie-Hellman groups
	leaves  []string            // SHA-256 of certificates
	allLeaf bool                // leaves are of every kind, not just of one

	// Of all versions together, by a tool that does not tell them apart.
	curves   []string
	anyOrder string
}

// leaf takes a certificate as PEM, if there is one.
func (f *findings) leaf(text string) {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(text))); block != nil {
		f.leaves = append(f.leaves, fmt.Sprintf("%x", sha256.Sum256(block.Bytes)))
	}
}

// set is a list as a set in order.
func set[T cmp.Ordered](list []T) []T { return slices.Compact(slices.Sorted(slices.Values(list))) }

// differences says where a tool's findings are not ours. Each begins with what
// it is about, then has "+" before what only the tool found and "-" before what
// only we did.
func differences(ours, theirs *findings) (list []string) {
	lists := func(about string, ours, theirs []string) {
		for _, s := range set(theirs) {
			if !slices.Contains(ours, s) {
				list = append(list, about+": +"+s)
			}
		}
		for _, s := range set(ours) {
			if !slices.Contains(theirs, s) {
				list = append(list, about+": -"+s)
			}
		}
	}
	asked := func(versions []string) []string {
		return slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return !slices.Contains(theirs.asked, v) })
	}
	lists("version", asked(ours.speaks), theirs.speaks)
	for _, v := range set(slices.Concat(asked(ours.speaks), theirs.speaks)) {
		lists(v+" suite", ours.suites[v], theirs.suites[v])
		if theirs.groups != nil && len(theirs.groups[v])+len(ours.groups[v]) > 0 && groupsMatter(v) {
			lists(v+" group", ours.groups[v], theirs.groups[v])
		}
		if their, our := theirs.prefers[v], ours.prefers[v]; their != "" && our != "" && their != our {
			list = append(list, fmt.Sprintf("%s preference: %s, ours %s", v, their, our))
		}
		if their, our := theirs.first[v], ours.first[v]; their != "" && ours.prefers[v] == "server" && their != our {
			list = append(list, fmt.Sprintf("%s first: %s, ours %s", v, their, our))
		}
	}
	if theirs.dhBits != nil {
		lists("dh bits", ours.dhBits, theirs.dhBits)
	}
	if theirs.curves != nil {
		lists("curve", ours.curves, theirs.curves)
	}
	if their, our := theirs.anyOrder, ours.anyOrder; their != "" && our != "" && their != our {
		list = append(list, fmt.Sprintf("preference: %s, ours %s", their, our))
	}
	leaves := ours.leaves
	if !theirs.allLeaf { // one of ours will do
		leaves = slices.DeleteFunc(slices.Clone(leaves), func(s string) bool { return len(theirs.leaves) > 0 && !slices.Contains(theirs.leaves, s) })
	}
	lists("certificate", leaves, theirs.leaves)
	return list
}

// groupsMatter: before TLS 1.2 we name the groups that were chosen, and do not look for others.
func groupsMatter(v string) bool { return v == "TLS 1.2" || v == "TLS 1.3" }

// pairs is how many suites there are, in all versions.
func (f *findings) pairs() (n int) {
	for _, list := range f.suites {
		n += len(list)
	}
	return n
}
