package view

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/view/dissect"
)

// A name that is there, at a place that is not, is told from one that is
// nowhere.
func TestAPlaceThatAListDoesNotReachIsToldFromANameThatIsNowhere(t *testing.T) {
	for _, view := range []string{"fields", "hex"} {
		for selector, says := range map[string]string{
			"certificate_list[99]": "this connection has certificate_list, but not so many that there is certificate_list[99]",
			"certificat_list[1]":   "nothing in this connection is called certificat_list[1]",
			"certificat_list":      "nothing in this connection is called certificat_list",
			"certificate_list[0]":  "",
			"cipher_suites":        "",
		} {
			sel, ok := dissect.ParseSelector(selector)
			if !ok {
				t.Fatal(selector)
			}
			out := strings.Join(strings.Fields(draw(t, view, (*script).whole, Options{Select: sel})), " ")
			if !strings.Contains(out, says) || says == "" && strings.Contains(out, "look at the names") {
				t.Errorf("--view %s --select %s ends\n%s", view, selector, out[max(0, len(out)-400):])
			}
		}
	}
}
