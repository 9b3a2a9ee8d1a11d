package tlsmsg_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func TestNextRecordWaitsForAWholeRecord(t *testing.T) {
	wire := join(22, 3, 1, 0, 3, "abc", 21, 3, 3, 0, 2, 2, 40)
	for n := range 8 {
		if rec, used, err := tlsmsg.NextRecord(wire[:n]); used != 0 || err != nil || rec.Fragment != nil {
			t.Errorf("%d bytes: %+v, %d, %v", n, rec, used, err)
		}
	}
	rec, n, err := tlsmsg.NextRecord(wire)
	if err != nil || n != 8 || rec.Type != tlsmsg.ContentHandshake || rec.Version != tlsmsg.VersionTLS10 || string(rec.Fragment) != "abc" {
		t.Fatalf("%+v, %d, %v", rec, n, err)
	}
	if again := tlsmsg.AppendRecord(nil, rec); !bytes.Equal(again, wire[:8]) {
		t.Errorf("encoded % x, want % x", again, wire[:8])
	}
	rec, n, err = tlsmsg.NextRecord(wire[8:])
	if err != nil || n != 7 || rec.Type != tlsmsg.ContentAlert || !bytes.Equal(rec.Fragment, []byte{2, 40}) {
		t.Errorf("%+v, %d, %v", rec, n, err)
	}
}

func TestNextRecordTakesAnyVersion3AndEmptyFragments(t *testing.T) {
	for _, wire := range [][]byte{
		join(23, 3, 3, 0, 0), join(22, 3, 0, 0, 1, 9), join(22, 3, 9, 0, 1, 9),
		join(99, 3, 3, 0, 1, 9), // an unknown type is the machine's to refuse: unexpected_message
	} {
		rec, n, err := tlsmsg.NextRecord(wire)
		if err != nil || n != len(wire) || len(rec.Fragment) != n-5 {
			t.Errorf("% x: %+v, %d, %v", wire, rec, n, err)
		}
	}
}

func TestAnotherProtocolIsNotTLS(t *testing.T) {
	for first, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\nServer: nginx": `not TLS: the bytes begin with "HTTP/1.1 400 Bad Request\r\nServer"`,
		"SSH-2.0":                   `not TLS: the bytes begin with "SSH-2.0"`,
		"22":                        `not TLS: the bytes begin with "22"`,
		"\x1b[31m":                  `not TLS: the bytes begin with "\x1b[31m"`,
		"\x80\x2e\x01\x03\x01\x00":  `not TLS: the bytes begin with "\x80.\x01\x03\x01\x00"`, // a hello of SSL 2.0
		"220 smtp.example \xe2\x82": `not TLS: the bytes begin with "220 smtp.example "`,
		"\xff\xfd\x18\xff":          `not TLS: the bytes begin with "\xff\xfd\x18\xff"`,
		"1234567890123456789012345678\xe2\x82\xac\xe2\x82\xac": `not TLS: the bytes begin with "1234567890123456789012345678\u20ac"`,
	} {
		_, n, err := tlsmsg.NextRecord([]byte(first))
		var notTLS *tlsmsg.NotTLSError
		if !errors.As(err, &notTLS) || n != 0 || err.Error() != want {
			t.Errorf("%q: %d, %v\nwant %s", first, n, err, want)
		}
	}
}

func TestNotTLSErrorKeepsACopyOfAFewBytes(t *testing.T) {
	b := bytes.Repeat([]byte("x"), 1000)
	_, _, err := tlsmsg.NextRecord(b)
	b[0] = 'y'
	var notTLS *tlsmsg.NotTLSError
	if !errors.As(err, &notTLS) || len(notTLS.First) != 32 || notTLS.First[0] != 'x' {
		t.Errorf("%v", err)
	}
}

func TestBadVersionAndLengthAreRefusedBeforeTheFragmentArrives(t *testing.T) {
	var version *tlsmsg.RecordVersionError
	_, _, err := tlsmsg.NextRecord(join(22, 5, 1))
	if !errors.As(err, &version) || err.Error() != "record of type handshake has version 0x0501, expected 0x03 as its first byte" {
		t.Errorf("%v", err)
	}
	var long *tlsmsg.RecordTooLongError
	_, _, err = tlsmsg.NextRecord(join(23, 3, 3, 0x48, 1)) // 2^14 + 2048 + 1
	if !errors.As(err, &long) || err.Error() != "record of type application_data: fragment of 18433 bytes, expected at most 18432" {
		t.Errorf("%v", err)
	}
	whole := join(23, 3, 3, 0x48, 0, make([]byte, 0x4800))
	rec, n, err := tlsmsg.NextRecord(whole)
	if err != nil || n != len(whole) {
		t.Fatalf("the longest record: %d, %v", n, err)
	}
	if err := rec.CheckPlaintext(); !errors.As(err, &long) || long.Max != 1<<14 {
		t.Errorf("the longest record as plaintext: %v", err)
	}
	rec.Fragment = rec.Fragment[:1<<14]
	if err := rec.CheckPlaintext(); err != nil {
		t.Errorf("the longest plaintext: %v", err)
	}
}

func TestEveryByteOfARecordBelongsToOneLeaf(t *testing.T) {
	for _, wire := range [][]byte{join(22, 3, 3, 0, 2, "ab"), join(22, 3, 3, 0, 3, "ab"), join(22, 3)} {
		tree, _ := tlsmsg.ExplainRecord(wire)
		checkLeaves(t, tree, wire)
	}
}
