package tlsmsg_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// outerHello is what goes over the wire.
var outerHello = tlsmsg.ClientHello{
	Version: tlsmsg.VersionTLS12, SessionID: []byte("the outer one's"), CompressionMethods: []tlsmsg.CompressionMethod{0},
	CipherSuites: []tlsmsg.CipherSuite{0x1301},
	Extensions: []tlsmsg.Extension{{Type: 0, Data: []byte("public")}, {Type: 10, Data: []byte("groups")}, {Type: 65037, Data: []byte{0}},
		{Type: 51, Data: []byte("shares")}, {Type: 13, Data: []byte("schemes")}},
}

// innerHello is another, that refers to extensions of outerHello.
func innerHello(types ...tlsmsg.ExtensionType) tlsmsg.ClientHello {
	return tlsmsg.ClientHello{
		Version: tlsmsg.VersionTLS12, Random: [32]byte{1}, CompressionMethods: []tlsmsg.CompressionMethod{0}, CipherSuites: []tlsmsg.CipherSuite{0x1302},
		Extensions: []tlsmsg.Extension{{Type: 0, Data: []byte("secret")}, tlsmsg.NewExtension(&tlsmsg.ECHOuterExtensions{Types: types}, inClient), {Type: 65037, Data: []byte{1}}},
	}
}

func TestAnInnerClientHelloIsMadeWholeFromTheOuterOne(t *testing.T) {
	inner := innerHello(10, 51, 13)
	encoded := tlsmsg.AppendClientHelloInner([]byte("before"), &inner, 5)[len("before"):]
	var m tlsmsg.ClientHello
	must(t, tlsmsg.ParseClientHelloInner(&m, encoded))
	if again := tlsmsg.AppendClientHelloInner(nil, &m, 5); !bytes.Equal(again, encoded) {
		t.Errorf("% x became % x", encoded, again)
	}
	must(t, m.Expand(&outerHello))
	want := []tlsmsg.Extension{inner.Extensions[0], outerHello.Extensions[1], outerHello.Extensions[3], outerHello.Extensions[4], inner.Extensions[2]}
	if !reflect.DeepEqual(m.Extensions, want) || string(m.SessionID) != "the outer one's" || m.Random != inner.Random {
		t.Errorf("%+v", m)
	}
	plain := tlsmsg.ClientHello{Extensions: []tlsmsg.Extension{{Type: 43}}}
	must(t, plain.Expand(&outerHello))
	if len(plain.Extensions) != 1 || string(plain.SessionID) != "the outer one's" {
		t.Errorf("without references: %+v", plain)
	}
}

// RFC 9849, section 5.1: each is a reason to refuse, and none changes the message.
func TestAReferenceThatCannotBeFollowedIsRefused(t *testing.T) {
	for name, types := range map[string][]tlsmsg.ExtensionType{
		"missing": {10, 16}, "twice": {10, 10}, "out of order": {51, 10}, "to itself": {65037}, "to itself, out of order": {51, 65037},
	} {
		m := innerHello(types...)
		before := append([]tlsmsg.Extension(nil), m.Extensions...)
		var refused *tlsmsg.ECHExpandError
		if err := m.Expand(&outerHello); !errors.As(err, &refused) || refused.Type != types[len(types)-1] {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(m.Extensions, before) || m.SessionID != nil {
			t.Errorf("%s: changed to %+v", name, m)
		}
	}
	m := innerHello()
	if err := m.Expand(&outerHello); err == nil || !strings.HasPrefix(err.Error(), "ClientHello.extensions[1].ech_outer_extensions.outer_extensions") {
		t.Errorf("an empty list: %v", err)
	}
}

func TestThePaddingOfAnInnerClientHelloIsZero(t *testing.T) {
	inner := innerHello(10)
	encoded := tlsmsg.AppendClientHelloInner(nil, &inner, 3)
	encoded[len(encoded)-2] = 1
	err := tlsmsg.ParseClientHelloInner(new(tlsmsg.ClientHello), encoded)
	if err == nil || !strings.HasSuffix(err.Error(), "byte 1 of the padding is 0x01, expected zero") {
		t.Errorf("%v", err)
	}
}

func FuzzClientHelloInner(f *testing.F) {
	inner := innerHello(10, 51)
	f.Add(tlsmsg.AppendClientHelloInner(nil, &inner, 0))
	f.Add(tlsmsg.AppendClientHelloInner(nil, &inner, 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m tlsmsg.ClientHello
		err := tlsmsg.ParseClientHelloInner(&m, b)
		tree, explained := tlsmsg.ExplainClientHelloInner(b)
		checkLeaves(t, tree, b)
		if (err == nil) != (explained == nil) || err != nil && err.Error() != explained.Error() {
			t.Fatalf("%v, explained %v", err, explained)
		}
		if err == nil {
			most := len(outerHello.Extensions) + len(m.Extensions)
			_ = m.Expand(&outerHello)
			if len(m.Extensions) > most {
				t.Fatalf("%d extensions", len(m.Extensions))
			}
		}
	})
}

func FuzzECHConfigList(f *testing.F) {
	for _, tc := range handWrittenExtensions {
		if v, ok := tc.v.(*tlsmsg.EncryptedClientHello); ok && v.RetryConfigs != nil {
			f.Add(tc.data)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := tlsmsg.ParseECHConfigList(b)
		tree, explained := tlsmsg.ExplainECHConfigList(b)
		checkLeaves(t, tree, b)
		if (err == nil) != (explained == nil) || err != nil && err.Error() != explained.Error() {
			t.Fatalf("%v, explained %v", err, explained)
		}
		if err == nil && !bytes.Equal(tlsmsg.AppendECHConfigList(nil, list), b) {
			t.Fatalf("% x became % x", b, tlsmsg.AppendECHConfigList(nil, list))
		}
	})
}
