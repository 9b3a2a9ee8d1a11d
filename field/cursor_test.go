package field_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
)

type version uint16

func (v version) String() string { return "version two" }

// toy reads version(2) flags(1) name<0..9> list<2..8>{item<1..255>}.
func toy(c *field.Cursor) (items []string) {
	field.Enum16[version](c, "version")
	c.Uint8("flags")
	c.Bits("urgent", 7, 1)
	c.Bits("kind", 0, 4)
	c.Opaque8("name", 0, 9)
	c.Enter16("list", 2, 8)
	for c.More() {
		c.Item()
		items = append(items, string(c.Opaque8("text", 1, 255)))
		c.Leave()
	}
	c.Leave()
	return items
}

var good = []byte{0, 2, 0x85, 1, 'n', 0, 5, 1, 'a', 2, 'b', 'c'}

func TestReadsFieldsInOrder(t *testing.T) {
	c := field.New("Toy", good)
	items := toy(&c)
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(items, []string{"a", "bc"}) {
		t.Fatalf("items = %q", items)
	}
}

func TestEveryByteOfARecordingBelongsToOneLeaf(t *testing.T) {
	c := field.Record("Toy", good)
	toy(&c)
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	next := 0
	for leaf := range c.Tree().Leaves() {
		if leaf.Offset != next {
			t.Errorf("%s begins at %d, expected %d", leaf.Name, leaf.Offset, next)
		}
		next += leaf.Length
	}
	if next != len(good) {
		t.Errorf("leaves end at %d of %d", next, len(good))
	}
	if got := c.Tree().Find("version").Meaning; got != "version two" {
		t.Errorf("meaning of version = %q", got)
	}
	if got := c.Tree().Find("flags", "kind").Value; got != 5 {
		t.Errorf("flags.kind = %d, want 5", got)
	}
}

func TestElementsHaveTheirPlaceInTheList(t *testing.T) {
	read := func(c *field.Cursor) {
		c.Enter8("numbers", 0, 9)
		for c.More() {
			c.Element()
			c.Uint8("number")
		}
		c.Leave()
		c.Enter8("words", 0, 9)
		for c.More() {
			c.Element()
			c.Opaque8("word", 1, 9)
		}
		c.Leave()
		c.Rest("rest")
	}
	c := field.Record("Toy", []byte{2, 7, 8, 4, 1, 'a', 1, 'b', 0})
	read(&c)
	want := []int{-1, 0, 1}
	for _, list := range c.Tree().Children[:2] {
		for i, n := range list.Children {
			if n.Index != want[i] {
				t.Errorf("%s.%s is number %d, want %d", list.Name, n.Name, n.Index, want[i])
			}
		}
	}
	if rest := c.Tree().Find("rest"); rest.Index != -1 {
		t.Errorf("rest is number %d", rest.Index)
	}
	for _, short := range []field.Cursor{field.New("Toy", []byte{0, 3, 1, 'a', 0}), field.Record("Toy", []byte{0, 3, 1, 'a', 0})} {
		read(&short)
		if err, want := short.Err(), "Toy.words.word[1] at byte 4: length 0, expected 1 to 9"; err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestErrorsNameFieldOffsetAndExpectation(t *testing.T) {
	for _, tc := range []struct{ name, edit, want string }{
		{"short integer", "\x00", "Toy.version at byte 0: needs 2 bytes, 1 left"},
		{"vector past the end", "\x00\x02\x00\x09n", "Toy.name at byte 3: length 9 exceeds the 1 byte left"},
		{"vector too long", "\x00\x02\x00\x0a0123456789", "Toy.name at byte 3: length 10, expected 0 to 9"},
		{"empty item", "\x00\x02\x00\x00\x00\x03\x01a\x00", "Toy.list[1].text at byte 8: length 0, expected 1 to 255"},
		{"trailing bytes", string(good) + "x", "Toy at byte 12: 1 byte left over after the last field"},
	} {
		c := field.New("Toy", []byte(tc.edit))
		toy(&c)
		err := c.Done()
		var fe *field.Error
		if !errors.As(err, &fe) || err.Error() != tc.want {
			t.Errorf("%s: %v\nwant %s", tc.name, err, tc.want)
		}
	}
}

func TestEndDemandsThatTheCurrentGroupIsUsedUp(t *testing.T) {
	c := field.New("Toy", []byte{3, 1, 2, 3})
	c.Enter8("list", 0, 9)
	c.Uint8("a")
	err := c.End()
	if want := "Toy.list at byte 2: 2 bytes left over after the last field"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	c = field.New("Toy", []byte{1, 1, 9})
	c.Enter8("list", 0, 9)
	c.Uint8("a")
	if err := c.End(); err != nil {
		t.Errorf("a group used up: %v", err)
	}
}

func TestFirstFailureSticks(t *testing.T) {
	c := field.New("Toy", []byte{1})
	c.Uint16("a")
	if v := c.Uint8("b"); v != 0 || c.More() {
		t.Errorf("read %d after a failure, More = %v", v, c.More())
	}
	c.Failf("later")
	if !strings.Contains(c.Err().Error(), "Toy.a") {
		t.Errorf("first failure lost: %v", c.Err())
	}
}

func TestDepthIsBounded(t *testing.T) {
	c := field.New("Deep", make([]byte, 4))
	for range 50 {
		c.Enter("level")
	}
	if c.Err() == nil {
		t.Fatal("fifty levels accepted")
	}
}

func TestReadingWithoutARecorderDoesNotAllocate(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		c := field.New("Toy", good)
		c.Uint16("version")
		c.Uint8("flags")
		c.Opaque8("name", 0, 9)
		c.Rest("rest")
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzCursorStaysInside(f *testing.F) {
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, recorded := field.New("Toy", data), field.Record("Toy", data)
		a, b := toy(&plain), toy(&recorded)
		if !slices.Equal(a, b) || (plain.Done() == nil) != (recorded.Done() == nil) {
			t.Fatalf("recording changed the result: %q %v, %q %v", a, plain.Err(), b, recorded.Err())
		}
	})
}
