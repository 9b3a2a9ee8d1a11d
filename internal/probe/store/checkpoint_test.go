package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/targets"
)

// wrongValues are what a field may hold in a file that is damaged, or made up.
var wrongValues = []string{`null`, `-1`, `0`, `1`, `3`, `41`, `1e300`, `1.5`, `9223372036854775807`, `18446744073709551615`, `18446744073709551616`,
	`""`, `"NaN"`, `"/"`, `"AAAA"`, `true`, `[]`, `[null]`, `[{}]`, `{}`, `"` + strings.Repeat("ab", 20000) + `"`}

// Each field of a checkpoint is damaged in turn, also where its sum was made anew:
// either it is refused, in a sentence and with nothing changed, or no record is
// lost by going on.
func TestNoDamageOfAFieldOfACheckpointCostsARecord(t *testing.T) {
	path, c := crashed(t, "out.jsonl")
	list := filepath.Join(t.TempDir(), "list")
	const text = "198.18.0.1\n198.18.0.2\n198.18.0.3\n"
	check(t, os.WriteFile(list, []byte(text), 0o600))
	l := &targets.List{Name: list, From: strings.NewReader(text[:22])}
	io.Copy(io.Discard, l)
	was, _ := l.Extent()
	c.Lists = []targets.ListExtent{was}
	c.Sum = c.sum()
	good, err := json.Marshal(c)
	check(t, err)
	whole, err := os.ReadFile(path)
	check(t, err)
	before := lines(t, path)
	if !resumesAll(t, path, list, good) {
		t.Fatal("the good one was refused")
	}
	check(t, os.WriteFile(path, whole, 0o600))
	os.Remove(path + ".cut")
	for _, field := range fieldsOf(t, good) {
		for _, value := range wrongValues {
			for _, refit := range []bool{false, true} {
				what := fmt.Sprintf("%s: %.40s", strings.Join(field, "."), value)
				bad := withValue(t, good, field, value, refit)
				went := resumesAll(t, path, list, bad)
				if went && !refit && !means(good, bad) {
					t.Errorf("%s was not noticed", what)
				}
				if now, err := os.ReadFile(path); !went && (err != nil || !bytes.Equal(now, whole)) {
					t.Errorf("%s was refused, and the output was changed", what)
				}
				if got := lines(t, path) + lines(t, path+".cut"); got != before {
					t.Errorf("%s: records are lost", what)
				}
				check(t, os.WriteFile(path, whole, 0o600))
				os.Remove(path + ".cut")
			}
		}
	}
}

// means reports whether two checkpoints say the same.
func means(a, b []byte) bool {
	var x, y Checkpoint
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x.sum() == y.sum()
}

// resumesAll goes on with an output and a list as the command does.
func resumesAll(t *testing.T, path, list string, checkpoint []byte) bool {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	check(t, os.WriteFile(state, checkpoint, 0o600))
	c, err := ReadCheckpoint(state)
	if err == nil && c.Output != path {
		return false // another scan's, to the command
	}
	if err == nil {
		file, oerr := os.Open(list)
		check(t, oerr)
		defer file.Close()
		lists := targets.Lists{{Name: list, From: file}}
		if err = c.Fits(0, 0, nil); err == nil {
			err = lists.Expect(c.Lists)
		}
	}
	var o *Output
	if err == nil {
		o, err = ContinueOutput(path, c)
	}
	if err == nil {
		o.file.Close()
		for i := range c.Loops {
			setOf(&c.Loops[i]).extent()
		}
		return true
	}
	if s := err.Error(); s == "" || strings.Contains(s, "json:") || strings.Contains(s, "Go ") {
		t.Errorf("the error says %q", s)
	}
	return false
}

// fieldsOf are the ways to all fields of a checkpoint.
func fieldsOf(t *testing.T, good []byte) (list [][]string) {
	var all map[string]any
	check(t, json.Unmarshal(good, &all))
	for name, v := range all {
		list = append(list, []string{name})
		if a, ok := v.([]any); ok {
			for inner := range a[0].(map[string]any) {
				list = append(list, []string{name, inner})
			}
		}
	}
	return list
}

func withValue(t *testing.T, good []byte, field []string, value string, refit bool) []byte {
	var all map[string]json.RawMessage
	check(t, json.Unmarshal(good, &all))
	if len(field) == 1 {
		all[field[0]] = json.RawMessage(value)
	} else {
		var list []map[string]json.RawMessage
		check(t, json.Unmarshal(all[field[0]], &list))
		list[0][field[1]] = json.RawMessage(value)
		all[field[0]], _ = json.Marshal(list)
	}
	b, err := json.Marshal(all)
	check(t, err)
	var c Checkpoint
	if refit && json.Unmarshal(b, &c) == nil {
		c.Sum = c.sum()
		b, _ = json.Marshal(&c)
	}
	return b
}

// A checkpoint is refused with an error, or its set of targets is the same one
// after it was taken in and written again.
func FuzzCheckpoint(f *testing.F) {
	for _, text := range []string{
		"", "{}", `{"version":3,"loops":[]}`, `{"version":3,"loops":[{"base":3,"head":9,"ceiling":20,"done":"Kg=="}]}`,
		`{"version":3,"loops":[{"base":100,"head":100,"ceiling":100}]}`, `{"version":3,"loops":[{"base":9,"head":3}]}`,
		`{"version":3,"loops":[{"base":18446744073709551615,"head":18446744073709551615,"ceiling":18446744073709551615}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var summed Checkpoint
		if json.Unmarshal(text, &summed) == nil { // or the sum would refuse nearly all
			summed.Sum = summed.sum()
			text, _ = json.Marshal(&summed)
		}
		path := filepath.Join(t.TempDir(), "checkpoint")
		check(t, os.WriteFile(path, text, 0o600))
		c, err := ReadCheckpoint(path)
		if err != nil {
			return
		}
		for i := range c.Loops {
			e := &c.Loops[i]
			again := Checkpoint{Loops: []LoopExtent{setOf(e).extent()}}
			again.Loops[0].Ceiling = e.Ceiling
			for n := e.Base - min(e.Base, 3); n < e.Head; n++ {
				if was, is := c.Of(i, n), again.Of(0, n); (was == Recorded) != (is == Recorded) {
					t.Fatalf("target %d of %+v: %v, and then %v", n, e, was, is)
				}
			}
		}
	})
}
