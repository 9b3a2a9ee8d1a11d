package probe

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// pipe hides that a reader can go back.
type pipe struct{ io.Reader }

// readSome is what a list is after n bytes of it were read, or all where n is 0.
func readSome(t *testing.T, text string, n int64) ListExtent {
	t.Helper()
	l := &List{Name: "hosts", From: strings.NewReader(text)}
	var err error
	if n == 0 {
		_, err = io.Copy(io.Discard, l)
	} else {
		_, err = io.CopyN(io.Discard, l, n)
	}
	check(t, err)
	e, proven := l.extent()
	if !proven {
		t.Fatal("a list that nobody has read before is not believed to be the same")
	}
	return e
}

func TestAScanGoesOnWithTheListThatItWasBegunWith(t *testing.T) {
	const text = "198.18.0.1\n198.18.0.2\n198.18.0.3"
	for name, tc := range map[string]struct {
		read  int64 // of it, before the stop; 0: all
		later string
		want  string // of the error; empty: it is the same list
	}{
		"same":                       {0, text, ""},
		"its last line ended":        {0, text + "\n", ""},
		"grown":                      {0, text + "\n198.18.0.4", ""},
		"grown in its last line":     {0, text + "3\n198.18.0.4\n", "have changed"},
		"edited":                     {0, "198.18.0.1\n198.18.0.9\n198.18.0.3", "first 33 bytes"},
		"a line inserted":            {0, "198.18.0.7\n" + text, "have changed"},
		"a line taken out":           {0, "198.18.0.1\n198.18.0.3", "it ends after 22 bytes, and 33 were read"},
		"truncated":                  {0, "198.18.0.1\n", "it ends after 11 bytes"},
		"emptied":                    {0, "", "it ends after 0 bytes"},
		"edited where it was read":   {22, "198.18.9.1\n198.18.0.2\n", "first 22 bytes"},
		"edited where it was not":    {22, "198.18.0.1\n198.18.0.2\n198.18.0.9\n", ""},
		"truncated to what was read": {22, "198.18.0.1\n198.18.0.2\n", ""},
	} {
		was := readSome(t, text, tc.read)
		for kind, from := range map[string]io.Reader{"file": strings.NewReader(tc.later), "pipe": pipe{strings.NewReader(tc.later)}} {
			l := &List{Name: "hosts", From: from}
			f := &Feed{Lists: []*List{l}}
			err := f.Expect([]ListExtent{was})
			if kind == "pipe" {
				if err != nil {
					t.Fatalf("%s: a pipe was refused before it was read: %v", name, err)
				}
				if e, proven := f.extents(); proven || e[0] != was {
					t.Errorf("%s: before it came again, %+v is proven: %v", name, e, proven)
				}
			}
			var got []byte
			if err == nil {
				got, err = io.ReadAll(l)
			}
			switch {
			case tc.want == "" && (err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(tc.later)):
				t.Errorf("%s, a %s: %q, %v", name, kind, got, err)
			case tc.want != "" && (!errors.Is(err, errOtherList) || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%s, a %s: %v, want %q", name, kind, err, tc.want)
			case tc.want == "":
				if e, proven := f.extents(); !proven || e[0] != readSome(t, tc.later, 0) {
					t.Errorf("%s, a %s: at its end it is %+v, proven: %v", name, kind, e, proven)
				}
			}
		}
	}
}

// Where standard input comes from a file, another program may have read its
// first lines.
func TestAListBeginsWhereItStands(t *testing.T) {
	r := strings.NewReader("a heading\n198.18.0.1\n")
	r.Seek(10, io.SeekStart)
	l := &List{Name: "standard input", From: r}
	check(t, (&Feed{Lists: []*List{l}}).Expect([]ListExtent{readSome(t, "198.18.0.1\n", 0)}))
	if b, err := io.ReadAll(l); err != nil || string(b) != "198.18.0.1\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// As long as a pipe may carry another list, the checkpoint is the old one, and
// says that more may have been probed.
func TestACheckpointStaysAsItWasUntilAListIsTheSameAgain(t *testing.T) {
	const text = "198.18.0.1\n198.18.0.2\n"
	l := &List{Name: "hosts", From: pipe{strings.NewReader(text)}}
	f := &Feed{Lists: []*List{l}}
	old := &Checkpoint{Offset: 100, Records: 1, Lists: []ListExtent{readSome(t, text, 0)}, Loops: []LoopExtent{{Base: 1, Head: 1, Ceiling: 5}}}
	check(t, f.Expect(old.Lists))
	s := &sink{resume: old, feed: f, lead: 10, loops: []*reach{{}}, written: []*doneSet{setOf(&old.Loops[0])}}
	s.checkpoint.Records = 2
	s.loops[0].head.Store(2)
	s.written[0].add(1)
	c := s.reached(200, "")
	if e := c.Loops[0]; c.Offset != 100 || c.Records != 1 || e.Base != 1 || e.Ceiling != 12 || c.Lists[0] != old.Lists[0] {
		t.Errorf("before: %+v", c)
	}
	io.Copy(io.Discard, l)
	c = s.reached(200, "")
	if e := c.Loops[0]; c.Offset != 200 || c.Records != 2 || e.Base != 2 || c.Lists[0] != old.Lists[0] {
		t.Errorf("after: %+v", c)
	}
	if old.Loops[0].Ceiling != 5 {
		t.Error("the loops read the old one, and it has changed")
	}
}
