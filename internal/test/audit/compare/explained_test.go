// What the tools disagree about, and why.

package compare

import (
	"regexp"
	"sync"
)

// An explanation is a difference whose cause was found.
type explanation struct {
	tool   *tool
	server string // "" for all, or a regular expression
	what   string // a regular expression for all of it
	why    string // who is right
}

var explanations = []explanation{}

var (
	metMu sync.Mutex
	met   = map[int]bool{} // explanations that were needed
)

// explain reports whether a difference is explained.
func explain(o *tool, s *server, difference string) bool {
	known := false
	for i, e := range explanations {
		if e.tool == o && regexp.MustCompile(e.server).MatchString(s.String()) && regexp.MustCompile("^(?:"+e.what+")$").MatchString(difference) {
			metMu.Lock()
			met[i] = true
			metMu.Unlock()
			known = true
		}
	}
	return known
}
