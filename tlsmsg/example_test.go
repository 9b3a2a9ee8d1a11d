package tlsmsg_test

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A ClientHello on its way out: typed extensions, a message, a record.
func ExampleAppend() {
	name, err := tlsmsg.NewServerName("example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	hello := &tlsmsg.ClientHello{
		Version:            tlsmsg.VersionTLS12,
		CipherSuites:       []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		CompressionMethods: []tlsmsg.CompressionMethod{tlsmsg.CompressionNull},
		Extensions:         []tlsmsg.Extension{tlsmsg.NewExtension(&name, tlsmsg.TypeClientHello)},
	}
	message := tlsmsg.Append(nil, hello, tlsmsg.Context{})
	wire := tlsmsg.AppendRecord(nil, tlsmsg.Record{
		Type: tlsmsg.ContentHandshake, Version: tlsmsg.VersionTLS10, Fragment: message,
	})
	fmt.Printf("%d bytes: % x …\n", len(wire), wire[:11])
	// Output: 72 bytes: 16 03 01 00 43 01 00 00 3f 03 03 …
}

// Bytes on their way in: records are split off the stream, messages put
// together from handshake records, and decoded.
func ExampleNextRecord() {
	// A ServerHello in two records.
	stream := []byte("\x16\x03\x03\x00\x06\x02\x00\x00\x26\x03\x03" +
		"\x16\x03\x03\x00\x24" + strings.Repeat("r", 32) + "\x00\xc0\x2f\x00")
	var messages tlsmsg.Assembler
	for {
		record, n, err := tlsmsg.NextRecord(stream)
		if err != nil || n == 0 {
			break // not TLS, or more bytes are needed
		}
		stream = stream[n:]
		messages.Write(record.Fragment)
		fmt.Printf("record of %d bytes, part of a message left over: %v\n", n, messages.Pending())
	}
	raw, err := messages.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := tlsmsg.ParseMessage(raw, tlsmsg.Context{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if hello, ok := m.(*tlsmsg.ServerHello); ok {
		fmt.Println(hello.Type().Heading(), hello.Version, hello.CipherSuite)
	}
	// Output:
	// record of 11 bytes, part of a message left over: true
	// record of 41 bytes, part of a message left over: true
	// ServerHello TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
}

// The same decoders, with a recorder, label every byte.
func ExampleExplain() {
	raw := []byte("\x0c\x00\x00\x0d\x03\x00\x1d\x03abc\x08\x07\x00\x02de")
	ctx := tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeECDHE}
	tree, err := tlsmsg.Explain(raw, ctx)
	if err != nil {
		fmt.Println(err)
	}
	var show func(n *field.Node, indent string)
	show = func(n *field.Node, indent string) {
		fmt.Println(strings.TrimRight(fmt.Sprintf("%s%s [%d:%d] %s", indent, n.Name, n.Offset, n.Offset+n.Length, n.Meaning), " "))
		for _, child := range n.Children {
			show(child, indent+"  ")
		}
	}
	show(tree, "")
	// Output:
	// ServerKeyExchange [0:17]
	//   msg_type [0:1] server_key_exchange
	//   length [1:4]
	//   params [4:11]
	//     curve_type [4:5] named_curve
	//     named_curve [5:7] x25519
	//     public [7:11]
	//       length [7:8]
	//       bytes [8:11]
	//   algorithm [11:13] ed25519
	//   signature [13:17]
	//     length [13:15]
	//     bytes [15:17]
}

// Errors say which message, which field, where, and what was expected.
func ExampleServerHello_DecodeExtension() {
	hello := tlsmsg.ServerHello{Extensions: []tlsmsg.Extension{
		{Type: tlsmsg.ExtensionALPN, Data: []byte("\x00\x03\x02h2")},
		{Type: tlsmsg.ExtensionExtendedMasterSecret, Data: []byte{1}},
	}}
	var alpn tlsmsg.ALPN
	found, err := hello.DecodeExtension(&alpn)
	fmt.Println(found, err, alpn.Protocols)
	_, err = hello.DecodeExtension(new(tlsmsg.ExtendedMasterSecret))
	fmt.Println(err)
	// Output:
	// true <nil> [h2]
	// ServerHello.extensions[1].extended_master_secret at byte 57: 1 byte left over after the last field
}

func ExampleParseCipherSuites() {
	suites, err := tlsmsg.ParseCipherSuites("ECDHE-ECDSA-AES128-GCM-SHA256,0xC02F")
	fmt.Println(suites, err)
	_, err = tlsmsg.ParseCipherSuites("ECDHE-AES128-GCM")
	fmt.Println(err)
	// Output:
	// [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256] <nil>
	// unknown cipher suite "ECDHE-AES128-GCM"; did you mean ECDHE-RSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES128-GCM-SHA256, AECDH-AES128-SHA?
}
