package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// variant is a certificate with another serial number; its signature is bad.
func variant(der []byte, n uint32) []byte {
	serial := []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}
	der = bytes.Clone(der)
	binary.BigEndian.PutUint32(der[bytes.Index(der, serial)+4:], n)
	return der
}

func TestACertificateIsParsedOnceAndStaysWhileItIsAskedFor(t *testing.T) {
	der := selfSigned(t, testKeys(t)[1])
	var p Parsed
	first, err := p.parse(der)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint32(4 * MaxParsed) {
		if _, err := p.parse(variant(der, n)); err != nil {
			t.Fatal(err)
		}
		if n%(MaxParsed/2) != 0 {
			continue
		}
		if again, err := p.parse(bytes.Clone(der)); again != first || err != nil {
			t.Fatalf("after %d others it was parsed again: %v", n, err)
		}
	}
}

func TestWhatIsKeptOfParsedCertificatesIsBounded(t *testing.T) {
	der := selfSigned(t, testKeys(t)[1])
	var p Parsed
	for n := range uint32(5 * MaxParsed) {
		p.parse(variant(der, n))
		bytes := 0
		for der := range p.young {
			bytes += len(der)
		}
		if len(p.young) > MaxParsed || len(p.aged) > MaxParsed || bytes > MaxParsedBytes || bytes != p.bytes {
			t.Fatalf("%d and %d certificates, %d bytes of DER, counted as %d", len(p.young), len(p.aged), bytes, p.bytes)
		}
	}
	if _, err := p.parse([]byte("garbage")); err == nil || p.find([]byte("garbage")) != nil {
		t.Errorf("garbage was kept: %v", err)
	}
}

func TestAVerdictIsReachedAnewForAParsedCertificate(t *testing.T) {
	key := testKeys(t)[1]
	der := selfSigned(t, key)
	at := time.Now()
	w := Worker{Parsed: new(Parsed), Now: func() time.Time { return at }}
	judge := func(chain [][]byte, name string) Reason {
		var v *Verdict
		if !errors.As(w.judge(handshake.VerifyChainWork{Chain: chain, ServerName: name}).Verdict, &v) {
			return ""
		}
		return v.Reason
	}
	if got := judge([][]byte{der}, "a.example"); got != SelfSigned {
		t.Fatalf("%q", got)
	}
	if got := judge([][]byte{der}, "b.example"); got != WrongName {
		t.Errorf("for another name: %q", got)
	}
	at = at.Add(2 * time.Hour)
	if got := judge([][]byte{der}, "a.example"); got != Expired {
		t.Errorf("later: %q", got)
	}
}

func TestParsedCertificatesServeManyWorkersAtOnce(t *testing.T) {
	der := selfSigned(t, testKeys(t)[1])
	var p Parsed
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range uint32(MaxParsed) {
				if _, err := p.parse(variant(der, n%300)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(p.young) != 300 {
		t.Errorf("%d certificates of 300 are kept", len(p.young))
	}
}
