package simnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Peers that a script plays (testdata/scripts): each holds the promise that is
// its heading.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
			name, script, _ := strings.Cut(part, "\n")
			n++
			t.Run(name, func(t *testing.T) {
				if err := PlayScript(script); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			})
		}
	}
	t.Logf("%d scripts", n)
}

func TestAScriptThatIsNotKeptFails(t *testing.T) {
	const open = "with plain\nwe listen\npeer SYN seq=0 mss=1000\nwe SYN-ACK seq=0 ack=1\npeer ACK seq=1 ack=1\n"
	for name, rest := range map[string]string{
		"we say more":         "user writes \"hello\"",
		"we say nothing":      "we ACK",
		"another payload":     "user writes \"hello\"\nwe ACK \"HELLO\"",
		"another number":      "user writes \"hello\"\nwe ACK seq=2 \"hello\"",
		"another state":       "we are CLOSE-WAIT",
		"no end":              "user sees EOF",
		"nothing to read":     "user reads \"x\"",
		"no such word":        "peer ACK seq=1 ack=1 tos=9",
		"no such actor":       "nobody ACK",
		"ended another way":   "peer RST seq=1\nwe end well",
		"has not ended":       "we end reset",
		"an unexpected reset": "peer SYN seq=7 port=9\nwe RST port=9",
	} {
		if PlayScript(open+rest) == nil {
			t.Errorf("%s: nobody minds", name)
		}
	}
	if err := PlayScript(open); err != nil {
		t.Error(err)
	}
}
