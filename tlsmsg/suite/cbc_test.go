package suite

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// everyRow calls f for every suite in every version that has it, with and
// without encrypt-then-MAC where that applies.
func everyRow(t *testing.T, f func(t *testing.T, s *Suite, etm bool)) {
	for _, id := range append(IDs(), LegacyIDs()...) {
		for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
			s := Lookup(id).For(v)
			if s == nil {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v", id, v), func(t *testing.T) { f(t, s, false) })
			if s.CBC() {
				t.Run(fmt.Sprintf("%v/%v/etm", id, v), func(t *testing.T) { f(t, s, true) })
			}
		}
	}
}

func statesOf(t *testing.T, s *Suite, etm bool) (out, in *State) {
	t.Helper()
	var cr, sr [32]byte
	k, _ := s.Keys(ascending(7, 48), &cr, &sr)
	out, err := s.NewState(k, etm)
	if err != nil {
		t.Fatal(err)
	}
	in, err = s.NewState(k, etm)
	if err != nil {
		t.Fatal(err)
	}
	return out, in
}

func TestEveryRowOpensWhatItSeals(t *testing.T) {
	everyRow(t, func(t *testing.T, s *Suite, etm bool) {
		out, in := statesOf(t, s, etm)
		content := bytes.Repeat([]byte("content "), 2048)
		for n := 0; n <= len(content); n += 1 + n/37 {
			sealed, err := out.Seal(nil, tlsmsg.ContentApplicationData, s.Version, content[:n])
			if err != nil || len(sealed)-n > out.Overhead() {
				t.Fatalf("%d bytes: %d sealed, overhead %d, %v", n, len(sealed), out.Overhead(), err)
			}
			_, got, err := in.Open(tlsmsg.ContentApplicationData, s.Version, sealed)
			if err != nil || !bytes.Equal(got, content[:n]) {
				t.Fatalf("%d bytes: %d opened, %v", n, len(got), err)
			}
		}
	})
}

func TestEveryRowRefusesWhateverIsChanged(t *testing.T) {
	everyRow(t, func(t *testing.T, s *Suite, etm bool) {
		for _, n := range []int{0, 5, 40} {
			out, _ := statesOf(t, s, etm)
			sealed, err := out.Seal(nil, tlsmsg.ContentHandshake, s.Version, ascending(1, n))
			if err != nil {
				t.Fatal(err)
			}
			try := func(what string, fragment []byte) {
				_, in := statesOf(t, s, etm)
				if _, _, err := in.Open(tlsmsg.ContentHandshake, s.Version, fragment); !errors.Is(err, ErrBadRecordMAC) {
					t.Errorf("%d bytes, %s: %v", n, what, err)
				}
			}
			for i := range sealed {
				bad := bytes.Clone(sealed)
				bad[i] ^= 0x81
				try(fmt.Sprintf("byte %d changed", i), bad)
				try(fmt.Sprintf("cut at %d", i), bytes.Clone(sealed[:i]))
			}
			try("a byte more", append(bytes.Clone(sealed), 0))
			try("twice", append(bytes.Clone(sealed), sealed...))
		}
	})
}

func TestARecordIsSealedAndOpenedWithoutAllocatingInEveryRow(t *testing.T) {
	everyRow(t, func(t *testing.T, s *Suite, etm bool) {
		out, in := statesOf(t, s, etm)
		room := make([]byte, 0, 256)
		turn := func() {
			b, _ := out.Seal(room, tlsmsg.ContentApplicationData, s.Version, plaintext)
			if _, _, err := in.Open(tlsmsg.ContentApplicationData, s.Version, b); err != nil {
				t.Error(err)
			}
		}
		turn() // the first use makes the mode
		if n := testing.AllocsPerRun(5, turn); n > raceAllocs {
			t.Errorf("%v allocations, want 0", n)
		}
	})
}

// The MAC over a secret length is the MAC, whatever the length.
func TestTheMACOverASecretLengthIsHMAC(t *testing.T) {
	for kind, h := range map[macHash]func() hash.Hash{macSHA1: sha1.New, macSHA256: sha256.New, macSHA384: sha512.New384} {
		key := ascending(3, kind.size())
		m := newRecordMAC(kind, key)
		for _, total := range []int{0, 1, 50, 51, 52, 63, 64, 120, 300, 700} {
			fragment := ascending(9, total)
			for n := max(0, total-255); n <= total; n++ {
				var a additionalData
				copy(a[:], "12345678abc")
				got := bytes.Clone(m.sumSecret(&a, fragment, n, 255))
				want := hmac.New(h, key)
				want.Write(a[:])
				want.Write(fragment[:n])
				if !bytes.Equal(got, want.Sum(nil)) || int(a[11])<<8+int(a[12]) != n {
					t.Fatalf("hash %d, %d of %d bytes: %x", kind, n, total, got)
				}
				if !bytes.Equal(got, m.sum(&a, fragment[:n])) {
					t.Fatalf("hash %d: sum and sumSecret differ", kind)
				}
			}
		}
	}
	m := newRecordMAC(macMD5, ascending(3, md5.Size))
	want := hmac.New(md5.New, ascending(3, md5.Size))
	want.Write(make([]byte, 13))
	if got := m.sum(new(additionalData), nil); !bytes.Equal(got, want.Sum(nil)) {
		t.Errorf("HMAC-MD5: %x", got)
	}
}

// A padding is good if all of its bytes say its length, and a MAC has room.
func TestPaddingIsJudgedByEveryByteOfIt(t *testing.T) {
	for _, inside := range []int{0, 20} {
		for _, size := range []int{1, 16, 32, 272, 512} {
			for p := range 256 {
				b := make([]byte, size)
				for i := range b {
					b[i] = byte(p) ^ 1 // what lies before the padding is none
				}
				for i := range min(p+1, size) {
					b[size-1-i] = byte(p)
				}
				want := 0
				if p+1+inside <= size {
					want = 1
				}
				if n, good := paddingOf(b, inside); n != p+1 || good != want {
					t.Fatalf("padding %d of %d bytes: %d, %d", p, size, n, good)
				}
				for i := 1; i <= p && want == 1; i++ {
					b[size-1-i] ^= 0x10
					if _, good := paddingOf(b, inside); good != 0 {
						t.Fatalf("padding %d with byte %d changed is good", p, i)
					}
					b[size-1-i] ^= 0x10
				}
			}
		}
	}
}

func TestTheMACIsFoundWhereverItStands(t *testing.T) {
	for _, size := range []int{16, 20, 32, 48} {
		for _, total := range []int{size + 1, size + 100, size + 256, 600} {
			b := make([]byte, total)
			for i := range b {
				b[i] = byte(i*7 + i>>8)
			}
			for at := max(0, total-size-maxPadding); at <= total-size; at++ {
				got := make([]byte, size)
				copySecret(got, b, at)
				if !bytes.Equal(got, b[at:at+size]) {
					t.Fatalf("%d bytes at %d of %d: %x", size, at, total, got)
				}
			}
		}
	}
}

// Every padding that a peer may choose is taken, and a MAC under a padding that
// is wrong is no better than a wrong MAC.
func TestLongPaddingsOfAPeerAreTaken(t *testing.T) {
	s := Lookup(tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA).For(tlsmsg.VersionTLS10)
	for pad := 11; pad <= 256; pad += 16 { // 1 byte of content and 20 of MAC
		for _, spoil := range []bool{false, true} {
			out, in := statesOf(t, s, false)
			c := out.cipher.(*cbc)
			out.next(tlsmsg.ContentHandshake, s.Version)
			out.ad.setLength(1)
			b := append([]byte("x"), c.mac.sum(&out.ad, []byte("x"))...)
			b = append(b, bytes.Repeat([]byte{byte(pad - 1)}, pad)...)
			if spoil {
				b[21] ^= 1
			}
			c.seal(nil, new(additionalData), nil) // makes the mode
			c.mode.SetIV(c.iv[:16])
			c.mode.CryptBlocks(b, b)
			_, got, err := in.Open(tlsmsg.ContentHandshake, s.Version, b)
			if spoil != (err != nil) || !spoil && string(got) != "x" {
				t.Errorf("padding of %d, spoilt=%v: %q, %v", pad, spoil, got, err)
			}
		}
	}
}

// From TLS 1.1 on a record's IV is its own, and not to be told from another's.
func TestExplicitIVsDoNotRepeat(t *testing.T) {
	for _, id := range []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA, tlsmsg.TLS_RSA_WITH_3DES_EDE_CBC_SHA} {
		s := Lookup(id)
		out, _ := statesOf(t, s, false)
		size := s.protection.block.size()
		seen := map[string]bool{}
		for range 1000 {
			b, _ := out.Seal(nil, tlsmsg.ContentApplicationData, s.Version, []byte("same"))
			seen[string(b[:size])] = true
		}
		if len(seen) != 1000 {
			t.Errorf("%v: %d IVs in 1000 records", id, len(seen))
		}
	}
}
