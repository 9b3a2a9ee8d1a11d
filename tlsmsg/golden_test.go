package tlsmsg_test

import (
	"bytes"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func TestServerHelloEncodesAsWrittenByHand(t *testing.T) {
	m := &tlsmsg.ServerHello{
		Version:     tlsmsg.VersionTLS12,
		SessionID:   []byte{0xAA},
		CipherSuite: tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		Extensions: []tlsmsg.Extension{
			tlsmsg.NewExtension(&tlsmsg.RenegotiationInfo{}, tlsmsg.TypeServerHello),
			tlsmsg.NewExtension(&tlsmsg.ALPN{Protocols: []string{"h2"}}, tlsmsg.TypeServerHello),
		},
	}
	want := join(
		2, 0, 0, 55, // server_hello, length
		3, 3, make([]byte, 32), 1, 0xAA, 0xC0, 0x2F, 0,
		0, 14,
		0xFF, 1, 0, 1, 0,
		0, 16, 0, 5, 0, 3, 2, "h2",
	)
	got := tlsmsg.Append(nil, m, tlsmsg.Context{})
	if !bytes.Equal(got, want) {
		t.Fatalf("encoded\n% x\nwant\n% x", got, want)
	}
	back, err := tlsmsg.ParseMessage(want, tlsmsg.Context{})
	if err != nil {
		t.Fatal(err)
	}
	if again := tlsmsg.Append(nil, back, tlsmsg.Context{}); !bytes.Equal(again, want) {
		t.Fatalf("encoded again\n% x\nwant\n% x", again, want)
	}
}

// join writes bytes, strings and byte slices one after the other.
func join(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}
