package facts

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A compressed chain is told of as one that is not, and a bomb is refused by
// what it claims.
func TestACompressedChainIsToldOf(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	body := (&tlsmsg.Certificate{Chain: [][]byte{der}}).AppendBody(nil, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write(body)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for claimed, want := range map[int]string{len(body): "CN=leaf", len(body) - 1: "", len(body) + 1: "", 1<<24 - 1: ""} {
		m := &tlsmsg.CompressedCertificate{Algorithm: tlsmsg.CompressionZlib, UncompressedLength: uint32(claimed), Message: packed.Bytes()}
		var got struct{ Subject, Compression, Error string }
		text := Object(compressedFacts(m)).AppendTo(nil)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got.Subject != want || got.Compression != "zlib" || (got.Error == "") != (want != "") {
			t.Errorf("%d bytes claimed of %d: %s", claimed, len(body), text)
		}
	}
}

// A certificate that crypto/x509 refuses is described like others, with what is
// wrong with it; so are the others of the chain, within a bound.
func TestAChainIsToldOfWhole(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour)}
	good, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	refused := append([]byte{}, good...)
	for i := range refused[:32] {
		if string(refused[i:i+3]) == "\x02\x01\x02" && string(refused[i-2:i]) != "\xa0\x03" {
			refused[i+2] = 0x82 // a negative serial number
		}
	}
	chain := [][]byte{refused, good}
	for range 100 {
		chain = append(chain, []byte{1})
	}
	var got struct {
		Serial       string
		PublicKey    string `json:"public_key"`
		DER          string
		Anomalies    []struct{ Code, Part string }
		Certificates int
		Issuers      []struct{ Subject, Error, DER string }
	}
	text := Object(Chain(chain)).AppendTo(nil)
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if got.Serial != "-7e" || got.PublicKey != "ECDSA" || got.DER != "" || len(got.Anomalies) == 0 || got.Anomalies[0].Code != "negative_serial" {
		t.Errorf("%s", text)
	}
	if got.Certificates != len(chain) || len(got.Issuers) != maxIssuers || got.Issuers[0].Subject != "CN=leaf" || got.Issuers[1].Error == "" {
		t.Errorf("%s", text)
	}
}
