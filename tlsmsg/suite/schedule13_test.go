package suite

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func states13(t testing.TB, id tlsmsg.CipherSuite) (out, in *State) {
	t.Helper()
	s := Lookup13(id)
	keys := s.TrafficKeys(ascending(1, s.Hash.Size()))
	out, err := s.NewState(keys, false)
	if err != nil {
		t.Fatal(err)
	}
	in, err = s.NewState(keys, false)
	if err != nil {
		t.Fatal(err)
	}
	return out, in
}

// sealInner protects an inner plaintext of the test's own making.
func sealInner(st *State, inner []byte) []byte {
	c := st.cipher.(*record13)
	_ = st.next(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS12)
	c.ready(&st.ad, 23, 3, 3, len(inner)+aeadTagLen)
	return c.aead.Seal(nil, c.nonce[:], inner, c.header[:])
}

func TestARecordOfTLS13HoldsItsTypeAndPadding(t *testing.T) {
	for _, id := range IDs13() {
		out, in := states13(t, id)
		for _, typ := range []tlsmsg.ContentType{tlsmsg.ContentHandshake, tlsmsg.ContentAlert, tlsmsg.ContentApplicationData} {
			b, err := out.Seal([]byte("head"), typ, tlsmsg.VersionTLS12, plaintext)
			if err != nil || len(b) != 4+len(plaintext)+out.Overhead() || out.Outer(typ) != tlsmsg.ContentApplicationData {
				t.Fatalf("%v: %d bytes, %v", id, len(b), err)
			}
			got, opened, err := in.Open(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS12, b[4:])
			if err != nil || got != typ || !bytes.Equal(opened, plaintext) {
				t.Errorf("%v: %v %q, %v", id, got, opened, err)
			}
		}
		full := append(make([]byte, tlsmsg.MaxPlaintext), 23)
		for name, tc := range map[string]struct {
			inner []byte
			want  error
			left  int
		}{
			"padding":            {append([]byte("ab\x16"), make([]byte, 300)...), nil, 2},
			"no content":         {[]byte{22, 0, 0}, nil, 0},
			"zeros":              {make([]byte, 9), ErrInnerType, 0},
			"nothing":            {nil, ErrInnerType, 0},
			"as much as may be":  {full, nil, tlsmsg.MaxPlaintext},
			"more than may be":   {append(full, 23), ErrInnerLength, 0},
			"padding beyond all": {append([]byte{22}, make([]byte, tlsmsg.MaxPlaintext+1)...), ErrInnerLength, 0},
		} {
			_, opened, err := in.Open(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS12, sealInner(out, tc.inner))
			if !errors.Is(err, tc.want) || len(opened) != tc.left {
				t.Errorf("%v, %s: %d bytes, %v", id, name, len(opened), err)
			}
		}
	}
}

func TestWhateverIsChangedARecordOfTLS13DoesNotAuthenticate(t *testing.T) {
	for _, id := range IDs13() {
		out, _ := states13(t, id)
		record, _ := out.Seal(nil, tlsmsg.ContentHandshake, tlsmsg.VersionTLS12, plaintext)
		open := func(typ tlsmsg.ContentType, v tlsmsg.Version, b []byte) error {
			_, in := states13(t, id)
			_, _, err := in.Open(typ, v, bytes.Clone(b))
			return err
		}
		if err := open(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS12, record); err != nil {
			t.Fatal(err)
		}
		for n := range record {
			flipped := bytes.Clone(record)
			flipped[n] ^= 1
			for _, b := range [][]byte{flipped, record[:n]} {
				if err := open(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS12, b); !errors.Is(err, ErrBadRecordMAC) {
					t.Errorf("%v, byte %d: %v", id, n, err)
				}
			}
		}
		if open(tlsmsg.ContentHandshake, tlsmsg.VersionTLS12, record) == nil || open(tlsmsg.ContentApplicationData, tlsmsg.VersionTLS11, record) == nil {
			t.Errorf("%v: the header is not authenticated", id)
		}
	}
}

// Keys are to be updated before the limit on what AES-GCM may protect (RFC 9846,
// section 5.5).
func TestKeysWearOut(t *testing.T) {
	for _, id := range IDs13() {
		out, _ := states13(t, id)
		out.seq = maxGCMRecords - 1
		before := out.Worn()
		if _, err := out.Seal(nil, tlsmsg.ContentHandshake, tlsmsg.VersionTLS12, plaintext); err != nil {
			t.Fatal(err)
		}
		if want := id != tlsmsg.TLS_CHACHA20_POLY1305_SHA256; before || out.Worn() != want {
			t.Errorf("%v: worn %v, then %v", id, before, out.Worn())
		}
	}
}

// The secrets of RFC 8448, section 4 (Resumed 0-RTT Handshake), that follow from the
// PSK alone.
func TestThePSKGivesTheSecretsOfRFC8448(t *testing.T) {
	k := Lookup13(tlsmsg.TLS_AES_128_GCM_SHA256).NewSchedule13(unhex(t, "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3"))
	traffic, exporter := k.Early(unhex(t, "08ad0fa05d7c7233b1775ba2ff9f4c5b8b59276b7f227f13a976245f5d960913"))
	for what, tc := range map[string]struct {
		got  []byte
		want string
	}{
		"early":                       {k.secret, "9b2188e9b2fc6d64d71dc329900e20bb41915000f678aa839cbb797cb7d8332c"},
		"binder_key":                  {k.BinderKey(false), "69fe131a3bbad5d63c64eebcc30e395b9d8107726a13d074e389dbc8a4e47256"},
		"client_early_traffic_secret": {traffic, "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62"},
		"early_exporter_secret":       {exporter, "b2026866610937d7423e5be90862ccf24c0e6091186d34f812089ff5be2ef7df"},
	} {
		if hex.EncodeToString(tc.got) != tc.want {
			t.Errorf("%s: %x, expected %s", what, tc.got, tc.want)
		}
	}
}
