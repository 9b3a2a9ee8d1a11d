package lab

import (
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// docs/lab.md knows every word that a topology file may say.
func TestThePageKnowsEveryWord(t *testing.T) {
	text, err := os.ReadFile("../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, k := range service.Kinds {
		words = append(words, string(k))
	}
	for _, a := range service.Acts {
		words = append(words, string(a))
	}
	for _, k := range pki.KeyTypes {
		words = append(words, string(k))
	}
	for _, f := range pki.Faults {
		words = append(words, string(f))
	}
	for _, t := range Builtin() {
		words = append(words, t.Name)
	}
	for _, w := range words {
		if !strings.Contains(string(text), "`"+w+"`") {
			t.Errorf("docs/lab.md does not say `%s`", w)
		}
	}
}
