package targets

import (
	"bytes"
	"errors"
	"io"
	"slices"
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
	e, proven := l.Extent()
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
			f := Lists{l}
			err := f.Expect([]ListExtent{was})
			if kind == "pipe" {
				if err != nil {
					t.Fatalf("%s: a pipe was refused before it was read: %v", name, err)
				}
				if e, proven := f.Extents(); proven || e[0] != was {
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
				if e, proven := f.Extents(); !proven || e[0] != readSome(t, tc.later, 0) {
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
	check(t, Lists{l}.Expect([]ListExtent{readSome(t, "198.18.0.1\n", 0)}))
	if b, err := io.ReadAll(l); err != nil || string(b) != "198.18.0.1\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// A line of a list is a target or an error that names it, and what is read from
// it can be written and read again.
func FuzzLines(f *testing.F) {
	for _, line := range []string{
		"198.18.0.1", "198.18.0.0/30:443,8443", "198.18.0.1-198.18.0.9", "host.test:443", "[2001:db8::1]:1-3", "2001:db8::/126",
		"198.18.0.1,443", "198.18.0.1,host.test,tag,443", "ip,domain", "# nothing", "198.18.0.0/16:0", "\x00", "host.test,,,", "1.2.3.4:99999", "[::1",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for line, err := range Lines(bytes.NewReader([]byte(list)), "list") {
			if err != nil {
				continue
			}
			if line.Spec.Host == "" && !line.Spec.Range.First.IsValid() {
				t.Errorf("%q: neither a name nor an address: %+v", list, line)
			}
			if line.Spec.Host == "" && line.Spec.Range.Last.Less(line.Spec.Range.First) {
				t.Errorf("%q: a range that ends before it begins: %+v", list, line)
			}
			if slices.Contains(line.Spec.Ports, 0) {
				t.Errorf("%q: port 0", list)
			}
		}
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
