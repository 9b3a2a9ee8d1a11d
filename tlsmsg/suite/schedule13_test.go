package suite

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// The secrets of RFC 8448, section 3 (Simple 1-RTT Handshake).
func TestTheScheduleGivesTheSecretsOfRFC8448(t *testing.T) {
	s := Lookup13(tlsmsg.TLS_AES_128_GCM_SHA256)
	k := s.NewSchedule13(nil)
	same := func(what string, got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, expected %s", what, got, want)
		}
	}
	same("early", k.secret, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a")
	k.Agreed(unhex(t, "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"))
	same("handshake", k.secret, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac")
	client, server := k.Handshake(unhex(t, "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"))
	same("client_handshake_traffic_secret", client, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
	same("server_handshake_traffic_secret", server, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	keys := s.TrafficKeys(server)
	same("server key", keys.Key, "3fce516009c21727d0f2e4e86ee403bc")
	same("server iv", keys.IV, "5d313eb2671276ee13000b30")
	k.Main()
	same("main", k.secret, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919")
	client, server, exporter := k.Application(unhex(t, "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13"))
	same("client_application_traffic_secret_0", client, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
	same("server_application_traffic_secret_0", server, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
	same("exporter_secret", exporter, "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50")
	keys = s.TrafficKeys(server)
	same("server key", keys.Key, "9f02283b6c9c07efc26bb9f2ac92e356")
	same("server iv", keys.IV, "cf782b88dd83549aadf1e984")
	same("psk", s.TicketPSK(unhex(t, "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c"), []byte{0, 0}),
		"4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3")
}

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
