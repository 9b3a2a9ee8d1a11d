package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/lab/scenario"
)

var (
	hexTitle = regexp.MustCompile(`^(Frame \d+|[A-Z]\w+) · .*?(\d+) bytes?( ·|$)`)
	// A line of spaces only ends with its last byte: what would follow is blank.
	hexLine = regexp.MustCompile(`^([0-9a-f]{6})  ((?:[0-9a-f]{2}(?: |$))+)`)
)

// hexBlocks checks that in a hex view each byte of each packet and message
// stands once, in order, beneath the name of a field; and returns the blocks
// without their titles.
func hexBlocks(t *testing.T, text string) (blocks []string) {
	t.Helper()
	title, next, want, name, kernelSent := "", 0, 0, "", false
	end := func() {
		if title != "" && next != want {
			t.Errorf("%s: the fields end at byte %d", title, next)
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := hexTitle.FindStringSubmatch(line); m != nil {
			end()
			title, next, name, kernelSent = line, 0, "", strings.Contains(line, "kernel")
			want, _ = strconv.Atoi(m[2])
			blocks = append(blocks, "")
			continue
		}
		m := hexLine.FindStringSubmatch(line)
		if m == nil || title == "" {
			continue
		}
		blocks[len(blocks)-1] += line + "\n"
		at, _ := strconv.ParseInt(m[1], 16, 0)
		if int(at) != next {
			t.Errorf("%s: a field begins at byte %d, want %d", title, at, next)
		}
		next += len(strings.Fields(m[2]))
		if words := strings.Fields(line); len(words) > 1 && strings.ContainsAny(words[len(words)-1], ".") && strings.HasSuffix(line, words[len(words)-1]) {
			name = words[len(words)-1]
		}
		for _, vague := range []string{"undecoded", "malformed", "unplaced", "TCP.payload", "TCP.data"} {
			if strings.HasSuffix(name, vague) && !kernelSent {
				t.Errorf("%s: byte %d is only %s", title, at, name)
			}
		}
	}
	end()
	return blocks
}

// Every byte of every packet of the lab's scenarios belongs to one field, while
// it happens and from its capture afterwards.
func TestEveryByteOfTheScenariosBelongsToOneField(t *testing.T) {
	newLab(t) // whether this machine allows it
	for _, s := range scenario.All() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := exec.CommandContext(t.Context(), program, "lab", "demo", "--view", "hex", "--pcap", filepath.Join(dir, "c.pcapng"), s.Name)
			c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			out, _ := c.CombinedOutput() // the status is another test's
			live := hexBlocks(t, string(out))
			if len(live) == 0 {
				t.Fatalf("no packet is shown:\n%s", out)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*.pcapng"))
			if len(files) == 0 {
				t.Error("there is no capture")
			}
			for _, file := range files {
				for conn := range connections(t, file) {
					c := exec.CommandContext(t.Context(), program, "explain", "--view", "hex", "--conn", strconv.Itoa(conn+1), file)
					c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
					out, _ := c.CombinedOutput()
					if len(hexBlocks(t, string(out))) == 0 {
						t.Errorf("nothing is shown of connection %d of %s:\n%s", conn+1, file, out)
					}
				}
			}
		})
	}
}

// connections is how many a capture holds.
func connections(t *testing.T, file string) int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	report, err := explain.Reader(t.Context(), f, explain.Options{List: true})
	if err != nil || report.Total == 0 {
		t.Errorf("%s: %+v, %v", file, report, err)
	}
	return report.Total
}

// A connection and its capture show the same fields, byte for byte.
func TestAConnectionAndItsCaptureShowTheSameFields(t *testing.T) {
	newLab(t)
	file := filepath.Join(t.TempDir(), "c.pcapng")
	show := func(args ...string) []string {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return hexBlocks(t, string(out))
	}
	live := show("lab", "demo", "--view", "hex", "--pcap", file)
	offline := show("explain", "--view", "hex", file)
	if len(live) != len(offline) {
		t.Fatalf("%d packets and messages live, %d offline", len(live), len(offline))
	}
	slices.Sort(live) // a decrypted message may come a packet later live
	slices.Sort(offline)
	for i := range live {
		if live[i] != offline[i] {
			t.Errorf("number %d live\n%s\noffline\n%s", i+1, live[i], offline[i])
		}
	}
}
