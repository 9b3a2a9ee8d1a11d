package tlsmsg_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"crypto/tls"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// echKey makes a key for encrypted ClientHellos, and its configuration.
func echKey(t *testing.T, id uint8) (*ecdh.PrivateKey, tlsmsg.ECHConfig) {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(t, err)
	return key, tlsmsg.ECHConfig{
		Version: tlsmsg.ECHVersion, ConfigID: id, KEM: 0x20, PublicKey: key.PublicKey().Bytes(), Suites: []tlsmsg.HPKESuite{{KDF: 1, AEAD: 1}},
		MaxNameLen: 32, PublicName: []byte("public.test"),
	}
}

// Go's client encrypts to a configuration that was encoded here, Go's server takes
// it, and what it held is made whole here.
func TestAnEncryptedClientHelloOfGoIsUnderstood(t *testing.T) {
	key, config := echKey(t, 9)
	encoded := config.Append(nil)
	client := &tls.Config{ServerName: "secret.test", InsecureSkipVerify: true, EncryptedClientHelloConfigList: tlsmsg.AppendECHConfigList(nil, []tlsmsg.ECHConfig{config})}
	server := &tls.Config{Certificates: []tls.Certificate{credential13(t)}, EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{{Config: encoded, PrivateKey: key.Bytes()}}}
	heard, state, err := overhear13(t, client, server)
	must(t, err)
	if !state.ECHAccepted {
		t.Fatal("Go's server did not accept it")
	}
	outer, raw := message13[*tlsmsg.ClientHello](t, heard, "ClientHello", true)
	var ech tlsmsg.EncryptedClientHello
	if found, err := outer.DecodeExtension(&ech); !found || err != nil || ech.Form != tlsmsg.ECHOuter || ech.ConfigID != 9 {
		t.Fatalf("%+v, %v, %v", ech, found, err)
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	must(t, err)
	recipient, err := hpke.NewRecipient(ech.Enc, private, hpke.HKDFSHA256(), hpke.AES128GCM(), join("tls ech", 0, encoded))
	must(t, err)
	aad := bytes.Clone(raw[tlsmsg.HeaderLen:])
	clear := aad[bytes.Index(aad, ech.Payload):][:len(ech.Payload)]
	copy(clear, make([]byte, len(clear)))
	plain, err := recipient.Open(aad, ech.Payload)
	must(t, err)
	var inner tlsmsg.ClientHello
	must(t, tlsmsg.ParseClientHelloInner(&inner, plain))
	must(t, inner.Expand(outer))
	tree, err := tlsmsg.ExplainClientHelloInner(plain)
	must(t, err)
	checkLeaves(t, tree, plain)
	var name, public tlsmsg.ServerName
	var groups, outerGroups tlsmsg.SupportedGroups
	for _, v := range []tlsmsg.ExtensionData{&name, &groups, &ech} {
		if found, err := inner.DecodeExtension(v); !found || err != nil {
			t.Fatalf("%s: %v, %v", v.ExtensionType(), found, err)
		}
	}
	_, _ = outer.DecodeExtension(&public)
	_, _ = outer.DecodeExtension(&outerGroups)
	if name.HostName() != "secret.test" || public.HostName() != "public.test" || ech.Form != tlsmsg.ECHInner {
		t.Errorf("inner %q, outer %q, %s", name.HostName(), public.HostName(), ech.Form)
	}
	same(t, "groups", groups.Groups, outerGroups.Groups)
	if at := tlsmsg.FindExtension(inner.Extensions, tlsmsg.ExtensionECHOuterExtensions); at >= 0 || !bytes.Equal(inner.SessionID, outer.SessionID) {
		t.Errorf("not whole: %+v", inner)
	}
}

func TestTheRetryConfigurationsOfGoAreUnderstood(t *testing.T) {
	_, old := echKey(t, 1)
	key, config := echKey(t, 2)
	client := &tls.Config{ServerName: "secret.test", InsecureSkipVerify: true, EncryptedClientHelloConfigList: tlsmsg.AppendECHConfigList(nil, []tlsmsg.ECHConfig{old}),
		EncryptedClientHelloRejectionVerify: func(tls.ConnectionState) error { return nil }}
	server := &tls.Config{Certificates: []tls.Certificate{credential13(t)},
		EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{{Config: config.Append(nil), PrivateKey: key.Bytes(), SendAsRetry: true}}}
	heard, _, err := overhear13(t, client, server)
	list := rejected(err)
	if list == nil {
		t.Fatalf("Go: %v", err)
	}
	encrypted, _ := message13[*tlsmsg.EncryptedExtensions](t, heard, "EncryptedExtensions", false)
	var ech tlsmsg.EncryptedClientHello
	if found, err := encrypted.DecodeExtension(&ech); !found || err != nil || len(ech.RetryConfigs) != 1 {
		t.Fatalf("%+v, %v, %v", ech, found, err)
	}
	if got := tlsmsg.AppendECHConfigList(nil, ech.RetryConfigs); !bytes.Equal(got, list) || string(ech.RetryConfigs[0].PublicName) != "public.test" {
		t.Errorf("% x\nGo sees % x", got, list)
	}
}
