package suite

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func TestBothSidesOfAShareAgree(t *testing.T) {
	for _, g := range append(HybridGroups(), tlsmsg.GroupMLKEM1024) {
		least := 64 // of both halves
		if g == tlsmsg.GroupMLKEM1024 {
			least = 32
		}
		key, err := NewShare(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, theirs, err := Encapsulate(g, key.PublicKey(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := key.Agree(answer)
		if err != nil || !bytes.Equal(ours, theirs) || len(ours) < least {
			t.Errorf("%v: %x and %x, %v", g, ours, theirs, err)
		}
		for n := range len(answer) + 2 {
			if n == len(answer) {
				continue
			}
			if _, err := key.Agree(append(bytes.Clone(answer), 0)[:min(n, len(answer)+1)]); !errors.Is(err, ErrPeerKey) {
				t.Fatalf("%v: %d of %d bytes: %v", g, n, len(answer), err)
			}
		}
		public := key.PublicKey()
		for _, n := range []int{0, 1, 32, len(public) / 2, len(public) - 1} {
			if _, _, err := Encapsulate(g, public[:n], nil); !errors.Is(err, ErrPeerKey) {
				t.Errorf("%v: encapsulated to %d of %d bytes: %v", g, n, len(public), err)
			}
		}
		again := func() []byte {
			k, err := NewShare(g, bytes.NewReader(ascending(1, 160)))
			if err != nil {
				t.Fatal(err)
			}
			return k.PublicKey()
		}
		if !bytes.Equal(again(), again()) {
			t.Errorf("%v: two keys from the same bytes", g)
		}
	}
}

// Numbers of a finite field have the length of its prime in TLS 1.3, leading zeros
// and all (RFC 9846, sections 4.3.8.1 and 7.4.1).
func TestSharesOfAFiniteFieldAreAsLongAsItsPrime(t *testing.T) {
	const g = tlsmsg.GroupFFDHE2048
	shorter := 0
	for range 600 { // one in 256 begins with a zero
		a, err := NewShare(g, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public := a.PublicKey()
		if len(public) != 256 {
			t.Fatalf("a share of %d bytes", len(public))
		}
		if public[0] != 0 {
			continue
		}
		shorter++
		b, _ := NewShare(g, rand.Reader)
		ours, err := a.Agree(b.PublicKey())
		theirs, wrong := b.Agree(public)
		if err != nil || wrong != nil || !bytes.Equal(ours, theirs) || len(ours) != 256 {
			t.Errorf("%d and %d bytes, %v, %v", len(ours), len(theirs), err, wrong)
		}
		if _, err := b.Agree(public[1:]); !errors.Is(err, ErrPeerKey) {
			t.Errorf("without its leading zero: %v", err)
		}
		break
	}
	if shorter == 0 {
		t.Skip("no share began with a zero")
	}
}
