package tlsmsg_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

func TestTheLastByteOtherThanZeroIsTheInnerType(t *testing.T) {
	for _, tc := range []struct {
		raw     []byte
		content []byte
		typ     tlsmsg.ContentType
		zeros   int
	}{
		{join("abc", 22), []byte("abc"), 22, 0},
		{join("abc", 23, 0, 0, 0), []byte("abc"), 23, 3},
		{join(0, 0, 21), []byte{0, 0}, 21, 0}, // zeros of the content
		{join(23, 0), nil, 23, 1},
		{join(99), nil, 99, 0}, // the machine's to refuse
	} {
		p, err := tlsmsg.ParseInnerPlaintext(tc.raw)
		if err != nil || !bytes.Equal(p.Content, tc.content) || p.Type != tc.typ || p.Zeros != tc.zeros {
			t.Errorf("% x: %+v, %v", tc.raw, p, err)
		}
		if again := p.Append([]byte("before")); !bytes.Equal(again, join("before", tc.raw)) {
			t.Errorf("% x became % x", tc.raw, again)
		}
	}
}

func TestNothingButZerosHasNoInnerType(t *testing.T) {
	for n := range 4 {
		_, err := tlsmsg.ParseInnerPlaintext(make([]byte, n))
		var fe *field.Error
		if !errors.As(err, &fe) || fe.Path != "TLSInnerPlaintext.type" || fe.Offset != n {
			t.Errorf("%d zeros: %v", n, err)
		}
	}
}

func TestAProtectedRecordOfTLS13HasItsOwnLimit(t *testing.T) {
	r := tlsmsg.Record{Type: 23, Fragment: make([]byte, tlsmsg.MaxPlaintext+257)}
	var long *tlsmsg.RecordTooLongError
	if err := r.CheckCiphertext13(); !errors.As(err, &long) || long.Max != 1<<14+256 {
		t.Errorf("%v", err)
	}
	r.Fragment = r.Fragment[:tlsmsg.MaxCiphertext13]
	if err := r.CheckCiphertext13(); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// The tree is made of the same bytes, with the same outcome.
func FuzzInnerPlaintext(f *testing.F) {
	f.Add(join("abc", 22, 0, 0))
	f.Add(join(0, 0, 0))
	f.Add(join(23))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := tlsmsg.ParseInnerPlaintext(b)
		tree, explained := tlsmsg.ExplainInnerPlaintext(b)
		checkLeaves(t, tree, b)
		if (err == nil) != (explained == nil) || err != nil && err.Error() != explained.Error() {
			t.Fatalf("%v, explained %v", err, explained)
		}
		if err == nil && (!bytes.Equal(p.Append(nil), b) || tree.Find("type").Value != uint64(p.Type)) {
			t.Fatalf("% x became %+v", b, p)
		}
	})
}
