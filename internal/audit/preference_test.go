// Whose order decides, told from few answers.

package audit

import (
	"slices"
	"testing"
)

// A server of its own order may give a client its first choice, if that is
// ChaCha20: such a server is not taken for one that follows its clients.
func TestAServerThatYieldsForOneSuiteHasItsOwnOrder(t *testing.T) {
	own := []string{"AES-256", "AES-128", "ChaCha20"}
	servers := map[Preference]func(offer []string) string{
		PreferenceServer: func(offer []string) string {
			if offer[0] == "ChaCha20" {
				return offer[0]
			}
			i := slices.IndexFunc(own, func(s string) bool { return slices.Contains(offer, s) })
			return own[i]
		},
		PreferenceClient: func(offer []string) string { return offer[0] },
	}
	behind := func(s string) bool { return s == "ChaCha20" }
	for want, choose := range servers {
		left, chosen := slices.Clone(own), []string(nil)
		for len(left) > 0 {
			chosen = append(chosen, choose(left))
			left = without(left, chosen[len(chosen)-1])
		}
		if got := preference(chosen, own, behind, func(offer []string) (string, bool) { return choose(offer), true }); got != want {
			t.Errorf("the server with the order of the %s was taken for one with that of the %s", want, got)
		}
	}
}
