package dictionary_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rawshake/rawshake/internal/view/dictionary"
)

// source is what a reader can look up.
var source = regexp.MustCompile(`RFC \d{3,4}|X\.6[89]0|IEEE 802|IANA|3GPP TS|radiotap\.org|draft-|tcpdump\.org/linktypes`)

func TestEveryEntryHasASourceAndASentence(t *testing.T) {
	d := dictionary.English()
	for _, key := range d.Keys() {
		name, situation, _ := strings.Cut(key, " @")
		e, ok := d.Find(name, situation)
		switch {
		case !ok:
			t.Errorf("%s is not found by its own name", key)
		case !source.MatchString(e.Source):
			t.Errorf("%s: %q is no place to look it up", key, e.Source)
		case !strings.HasSuffix(e.Text, ".") && !strings.HasSuffix(e.Text, "…") && !strings.HasSuffix(e.Text, "?"):
			t.Errorf("%s: %q is no sentence", key, e.Text)
		}
	}
}

func TestFindPrefersTheLongestNameAndThenTheSituation(t *testing.T) {
	d, err := dictionary.Load(fstest.MapFS{"a.txt": {Data: []byte("# a remark\n\nlength\n  RFC 1\n  any.\nA.length\n  RFC 2\n  of A.\nA.length @third\n  RFC 3\n  third,\n  continued.\n")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ key, situation, want string }{
		{"B.c.length", "", "any."}, {"A.length", "", "of A."}, {"x.A.length", "", "of A."},
		{"A.length", "third", "third, continued."}, {"B.length", "third", "any."}, {"A.other", "", ""},
	} {
		if e, _ := d.Find(tc.key, tc.situation); e.Text != tc.want {
			t.Errorf("%s @%s: %q, want %q", tc.key, tc.situation, e.Text, tc.want)
		}
	}
}

func TestATranslationNeedNotBeWhole(t *testing.T) {
	d, err := dictionary.Load(fstest.MapFS{"a.txt": {Data: []byte("host_name\n  RFC 6066\n  Der Name.\n")}})
	if err != nil {
		t.Fatal(err)
	}
	both := d.Over(dictionary.English())
	if e, _ := both.Find("ClientHello.extensions.server_name.server_name_list.host_name", ""); e.Text != "Der Name." {
		t.Errorf("%+v", e)
	}
	if e, ok := both.Find("TCP.window", ""); !ok {
		t.Errorf("%+v", e)
	}
}

func TestAMistakeInAFileIsFoundWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"  lost":                                 "a.txt:1: an explanation without a name",
		"A\n  RFC 1\n":                           "a.txt:1: A needs two indented parts",
		"A\n  RFC 1\n  x.\n\nA\n  RFC 1\n  y.\n": "a.txt:5: A is explained twice",
		"":                                       "no dictionary",
	} {
		_, err := dictionary.Load(fstest.MapFS{"a.txt": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
