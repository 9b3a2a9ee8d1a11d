package field_test

import (
	"testing"

	"github.com/rawshake/rawshake/field"
)

// inner decodes a byte and then a group whose length is told by it.
func inner(b []byte) *field.Node {
	c := field.Record("inner", b)
	c.Limit(int(c.Uint8("size")))
	c.Rest("content")
	c.Done()
	return c.Whole()
}

// covered checks that the leaves follow each other from the first byte to the
// last.
func covered(t *testing.T, tree *field.Node, size int) {
	t.Helper()
	next := 0
	for leaf := range tree.Leaves() {
		if leaf.Offset != next {
			t.Errorf("%s begins at byte %d, want %d", leaf.Name, leaf.Offset, next)
		}
		next = leaf.Offset + leaf.Length
	}
	if next != size {
		t.Errorf("the leaves end at byte %d, want %d", next, size)
	}
}

func TestGraftTakesThePlaceOfTheBytesItWasMadeOf(t *testing.T) {
	data := []byte{7, 0, 3, 1, 2, 3, 2, 9, 9, 8}
	c := field.Record("outer", data)
	c.Uint8("first")
	c.Graft(inner(c.Opaque16("vector", 0, 100)))
	c.Graft(inner(c.Bytes("plain", 3)))
	c.Uint8("last")
	if err := c.Done(); err != nil {
		t.Fatal(err)
	}
	tree := c.Whole()
	covered(t, tree, len(data))
	for _, path := range [][]string{{"vector", "length"}, {"vector", "inner", "size"}, {"plain", "inner", "content"}} {
		if tree.Find(path...) == nil {
			t.Errorf("no %v", path)
		}
	}
}

func TestWholeCoversWhatCouldNotBeDecoded(t *testing.T) {
	for _, data := range [][]byte{{}, {5}, {3, 2, 3, 4}, {1, 2, 3, 4}, {200, 1}} {
		covered(t, inner(data), len(data))
	}
}

func TestAClippedTreeHoldsWhatIsAtHand(t *testing.T) {
	data := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}
	for end := range len(data) + 1 {
		c := field.Record("root", data)
		c.Uint8("a")
		c.Bits("low", 0, 4)
		c.Enter("group")
		c.Uint32("number")
		c.Bytes("bytes", 3)
		c.Leave()
		c.Uint8("last")
		tree := c.Tree()
		tree.Clip(end)
		covered(t, tree, end)
		if n := tree.Find("group", "number"); end > 1 && end < 5 && (n.Kind != field.Bytes || n.Value != 0 || n.Meaning == "") {
			t.Errorf("cut at %d the number is %+v", end, n)
		}
	}
}

func TestLimitEndsAGroup(t *testing.T) {
	c := field.New("root", []byte{1, 2, 3})
	c.Enter("group")
	c.Limit(2)
	c.Uint8("a")
	c.Leave()
	if c.Err() == nil {
		t.Error("a byte was left over and nobody minded")
	}
}
