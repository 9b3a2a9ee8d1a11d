package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// crashed leaves the files of a scan that was killed: an output of 40 records
// which its checkpoint knows, 5 that it does not, and half a record.
func crashed(t *testing.T, name string) (output string, c *Checkpoint) {
	t.Helper()
	output = filepath.Join(t.TempDir(), name)
	o, err := CreateOutput(output)
	check(t, err)
	write := func(from, to int) {
		for n := from; n < to; n++ {
			fmt.Fprintf(o, `{"time":"2026-11-29T00:00:00.%03dZ","addr":"198.18.0.%d","outcome":"open","pad":"%s"}`+"\n", n, n, strings.Repeat("x", 90))
		}
	}
	write(0, 40)
	at, err := o.Sync()
	check(t, err)
	c = &Checkpoint{Version: checkpointVersion, Scan: "s", Seed: 7, Output: output, Offset: at, Tail: hashTail(o.to.last), Results: 40,
		Loops: []LoopExtent{{Base: 30, Head: 30, Ceiling: 60}, {Base: 7, Head: 12, Ceiling: 60, Done: []byte{0b10110}}}}
	c.Sum = c.sum()
	write(40, 45)
	io.WriteString(o, `{"time":"2026-11`)
	check(t, o.Close())
	return output, c
}

// lines are those that can be read from an output, whole.
func lines(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return ""
	}
	check(t, err)
	if len(b) == 0 {
		return ""
	}
	r, err := unpack(bufio.NewReader(bytes.NewReader(b)), path)
	check(t, err)
	text, _ := io.ReadAll(r)
	return string(text[:bytes.LastIndexByte(text, '\n')+1])
}

var outputNames = []string{"out.jsonl", "out.jsonl.gz", "out.jsonl.zst"}

func TestAScanGoesOnBehindWhatItsCheckpointKnows(t *testing.T) {
	for _, name := range outputNames {
		path, c := crashed(t, name)
		before := lines(t, path)
		o, err := ContinueOutput(path, c)
		check(t, err)
		if o.Aside != 5 || lines(t, path)+lines(t, o.AsidePath) != before || strings.Count(lines(t, path), "\n") != 40 {
			t.Errorf("%s: %d set aside; kept %q, aside %q", name, o.Aside, lines(t, path), lines(t, o.AsidePath))
		}
		for _, made := range []string{path, o.AsidePath} {
			if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s can be read by others: %v, %v", made, info.Mode(), err)
			}
		}
		io.WriteString(o, "{}\n")
		at, err := o.Sync()
		check(t, err)
		f, err := os.Open(path)
		check(t, err)
		defer f.Close()
		if last, err := fileTail(f, at); err != nil || hashTail(last) != hashTail(o.to.last) {
			t.Errorf("%s: the next checkpoint would know another tail than the file has", name)
		}
	}
}

// A checkpoint is changed in every way that a disk, an editor or a copy of
// another day can change it, also where its sum was made anew.
func TestNoChangeOfACheckpointCostsARecord(t *testing.T) {
	for _, name := range outputNames {
		path, c := crashed(t, name)
		whole, err := os.ReadFile(path)
		check(t, err)
		before := lines(t, path)
		good, err := json.Marshal(c)
		check(t, err)
		r := rand.New(rand.NewPCG(1, 2))
		refused := 0
		for range 120 {
			text := damaged(r, good)
			if !resumes(t, path, text) {
				refused++
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
					t.Fatalf("%s was changed, and the checkpoint refused: %s", name, text)
				}
			}
			if got := lines(t, path) + lines(t, path+".cut"); got != before {
				t.Fatalf("%s: with the checkpoint %s of %d lines %d are left", name, text, strings.Count(before, "\n"), strings.Count(got, "\n"))
			}
			check(t, os.WriteFile(path, whole, 0o600))
			os.Remove(path + ".cut")
		}
		if refused < 90 {
			t.Errorf("%s: only %d of 120 damaged checkpoints were refused", name, refused)
		}
	}
}

// resumes goes on with an output as the command does, and reports whether it
// was let.
func resumes(t *testing.T, path string, checkpoint []byte) bool {
	state := filepath.Join(t.TempDir(), "state")
	check(t, os.WriteFile(state, checkpoint, 0o600))
	c, err := ReadCheckpoint(state)
	if err != nil || c == nil || c.Output != path {
		return false
	}
	o, err := ContinueOutput(path, c)
	if err != nil {
		return false
	}
	o.file.Close()
	return true
}

// damaged changes bytes, or the value of a field, after which the sum may be
// made to fit again.
func damaged(r *rand.Rand, good []byte) []byte {
	b := bytes.Clone(good)
	switch r.IntN(4) {
	case 0:
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	case 1:
		b = b[:r.IntN(len(b))]
	case 2:
		at := r.IntN(len(b))
		b = append(b[:at:at], b[at+r.IntN(len(b)-at):]...)
	default:
		var c Checkpoint
		json.Unmarshal(good, &c)
		l := &c.Loops[r.IntN(2)]
		n := uint64(r.IntN(50))
		switch r.IntN(8) {
		case 0:
			c.Offset = 0
		case 1:
			c.Offset = int64(r.IntN(int(c.Offset) + 900))
		case 2:
			c.Offset = -c.Offset
		case 3:
			c.Results = n
		case 4:
			l.Base = n
		case 5:
			l.Ceiling = n
		case 6:
			l.Done = append(l.Done, 1)
		case 7:
			c.Loops, c.Tail = c.Loops[:1], ""
		}
		if r.IntN(4) > 0 {
			c.Sum = c.sum()
		}
		b, _ = json.Marshal(&c)
	}
	return b
}

func TestACheckpointThatContradictsItselfIsRefusedByName(t *testing.T) {
	for want, edit := range map[string]func(*Checkpoint){
		"offset is 0, and records is 40": func(c *Checkpoint) { c.Offset = 0 },
		"offset is less than 0":          func(c *Checkpoint) { c.Offset = -1 },
		"records is 41":                  func(c *Checkpoint) { c.Results = 41 },
		"speaks of 0 loops":              func(c *Checkpoint) { c.Loops = nil },
		"speaks of 65 loops":             func(c *Checkpoint) { c.Loops = make([]LoopExtent, 65) },
		"wrong order":                    func(c *Checkpoint) { c.Loops[0].Head = 29 },
		"done of loop 1":                 func(c *Checkpoint) { c.Loops[1].Done = make([]byte, 2) },
		"finished is true":               func(c *Checkpoint) { c.Finished = true },
		"shard is not less":              func(c *Checkpoint) { c.Shard = 3 },
		"":                               func(c *Checkpoint) {},
	} {
		_, c := crashed(t, "out")
		edit(c)
		c.Sum = c.sum()
		if got := c.damage(); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	_, c := crashed(t, "out")
	c.Seed++
	if c.damage() == "" {
		t.Error("another seed was believed")
	}
}

// The checkpoint of an earlier hour, or of another scan, is no reason to cut.
func TestAnOutputThatTheCheckpointDoesNotSpeakOfIsLeftAlone(t *testing.T) {
	for what, spoil := range map[string]func(path string, c *Checkpoint){
		"shorter than":         func(path string, c *Checkpoint) { os.Truncate(path, c.Offset-1) },
		"is gone":              func(path string, c *Checkpoint) { os.Remove(path) },
		"something else":       func(path string, c *Checkpoint) { os.WriteFile(path, bytes.Repeat([]byte("precious\n"), 5000), 0o600) },
		"older than the file":  func(path string, c *Checkpoint) { c.Loops[0].Ceiling, c.Loops[1].Ceiling = 31, 13 },
		"that is no result":    func(path string, c *Checkpoint) { appendTo(path, "x\nprecious\n") },
		"cannot be set aside":  func(path string, c *Checkpoint) { os.Mkdir(path+".cut", 0o700) },
		"cannot be set aside:": func(path string, c *Checkpoint) { os.Symlink("/dev/null", path+".cut") },
	} {
		path, c := crashed(t, "out.jsonl")
		spoil(path, c)
		before, _ := os.ReadFile(path)
		_, err := ContinueOutput(path, c)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "is shorter", "shorter than"), what) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", what)
		}
	}
}

func appendTo(path, text string) {
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
		f.WriteString(text)
		f.Close()
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
