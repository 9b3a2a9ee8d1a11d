package tlsmsg_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

const (
	inClient = tlsmsg.TypeClientHello
	inServer = tlsmsg.TypeServerHello
	inRetry  = tlsmsg.TypeHelloRetryRequest
	inAnswer = tlsmsg.TypeEncryptedExtensions
	inChain  = tlsmsg.TypeCertificate
	inAsked  = tlsmsg.TypeCertificateRequest
	inTicket = tlsmsg.TypeNewSessionTicket
)

// everywhere are all messages in which extensions stand.
var everywhere = []tlsmsg.HandshakeType{inClient, inServer, inRetry, inAnswer, inChain, inAsked, inTicket}

// handWrittenExtensions are all typed extensions in both forms.
var handWrittenExtensions = []struct {
	name string
	in   tlsmsg.HandshakeType
	v    tlsmsg.ExtensionData
	data []byte
}{
	{"server_name", inClient, &tlsmsg.ServerName{Names: []tlsmsg.ServerNameEntry{{Name: []byte("a.b")}}}, join(0, 6, 0, 0, 3, "a.b")},
	{"server_name", inServer, &tlsmsg.ServerName{}, nil},
	{"ALPN", inClient, &tlsmsg.ALPN{Protocols: []string{"h2", "x"}}, join(0, 5, 2, "h2", 1, "x")},
	{"ALPN", inServer, &tlsmsg.ALPN{Protocols: []string{"h2"}}, join(0, 3, 2, "h2")},
	{"supported_groups", inClient, &tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{29, 23}}, join(0, 4, 0, 29, 0, 23)},
	{"ec_point_formats", inClient, &tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{0, 1}}, join(2, 0, 1)},
	{"ec_point_formats", inServer, &tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{0}}, join(1, 0)},
	{"signature_algorithms", inClient, &tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{0x0403}}, join(0, 2, 4, 3)},
	{"signature_algorithms_cert", inClient, &tlsmsg.SignatureAlgorithmsCert{Schemes: []tlsmsg.SignatureScheme{0x0804}}, join(0, 2, 8, 4)},
	{"extended_master_secret", inClient, &tlsmsg.ExtendedMasterSecret{}, nil},
	{"extended_master_secret", inServer, &tlsmsg.ExtendedMasterSecret{}, nil},
	{"encrypt_then_mac", inClient, &tlsmsg.EncryptThenMAC{}, nil},
	{"encrypt_then_mac", inServer, &tlsmsg.EncryptThenMAC{}, nil},
	{"supported_groups", inServer, &tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{29}}, join(0, 2, 0, 29)},
	{"record_size_limit", inServer, &tlsmsg.RecordSizeLimit{Limit: 64}, join(0, 64)},
	{"renegotiation_info", inClient, &tlsmsg.RenegotiationInfo{}, join(0)},
	{"renegotiation_info", inServer, &tlsmsg.RenegotiationInfo{RenegotiatedConnection: []byte{1, 2}}, join(2, 1, 2)},
	{"session_ticket", inClient, &tlsmsg.SessionTicket{Ticket: []byte{1, 2}}, join(1, 2)},
	{"session_ticket", inServer, &tlsmsg.SessionTicket{}, nil},
	{"status_request", inClient, &tlsmsg.StatusRequest{StatusType: 1}, join(1, 0, 0, 0, 0)},
	{
		"status_request", inClient,
		&tlsmsg.StatusRequest{StatusType: 1, ResponderIDs: [][]byte{{5}}, RequestExtensions: []byte{6, 7}},
		join(1, 0, 3, 0, 1, 5, 0, 2, 6, 7),
	},
	{"status_request", inClient, &tlsmsg.StatusRequest{StatusType: 9, Request: []byte{1}}, join(9, 1)},
	{"status_request", inServer, &tlsmsg.StatusRequest{}, nil},
	{"signed_certificate_timestamp", inClient, &tlsmsg.SignedCertificateTimestamps{}, nil},
	{"signed_certificate_timestamp", inServer, &tlsmsg.SignedCertificateTimestamps{List: [][]byte{{1, 2}}}, join(0, 4, 0, 2, 1, 2)},
	{"supported_versions", inClient, &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{0x0304, 0x0303}}, join(4, 3, 4, 3, 3)},
	{"supported_versions", inServer, &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{0x0304}}, join(3, 4)},
	{"key_share", inClient, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{29, []byte{1, 2}}}}, join(0, 6, 0, 29, 0, 2, 1, 2)},
	{"key_share", inClient, &tlsmsg.KeyShare{}, join(0, 0)},
	{"key_share", inServer, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{29, []byte{1}}}}, join(0, 29, 0, 1, 1)},
	{"key_share", inRetry, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: 23}}}, join(0, 23)},
	{"padding", inClient, &tlsmsg.Padding{Length: 3}, join(0, 0, 0)},
	{"padding", inClient, &tlsmsg.Padding{}, nil},
	{"record_size_limit", inClient, &tlsmsg.RecordSizeLimit{Limit: 16385}, join(0x40, 1)},
	{"psk_key_exchange_modes", inClient, &tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{1}}, join(1, 1)},
	{"server_name", inAnswer, &tlsmsg.ServerName{}, nil},
	{"server_name", inAsked, &tlsmsg.ServerName{Names: []tlsmsg.ServerNameEntry{{Name: []byte("a.b")}}}, join(0, 6, 0, 0, 3, "a.b")},
	{"ALPN", inAnswer, &tlsmsg.ALPN{Protocols: []string{"h2"}}, join(0, 3, 2, "h2")},
	{"supported_groups", inAnswer, &tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{0x11EC, 29}}, join(0, 4, 0x11, 0xEC, 0, 29)},
	{"record_size_limit", inAnswer, &tlsmsg.RecordSizeLimit{Limit: 64}, join(0, 64)},
	{"signature_algorithms", inAsked, &tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{0x0905}}, join(0, 2, 9, 5)},
	{"signature_algorithms_cert", inAsked, &tlsmsg.SignatureAlgorithmsCert{Schemes: []tlsmsg.SignatureScheme{0x0804}}, join(0, 2, 8, 4)},
	{"status_request", inAsked, &tlsmsg.StatusRequest{}, nil},
	{"status_request", inChain, &tlsmsg.StatusRequest{StatusType: 1, Response: []byte{0x30, 0}}, join(1, 0, 0, 2, 0x30, 0)},
	{"status_request", inChain, &tlsmsg.StatusRequest{StatusType: 2, Response: []byte{7}}, join(2, 7)},
	{"signed_certificate_timestamp", inAsked, &tlsmsg.SignedCertificateTimestamps{}, nil},
	{"signed_certificate_timestamp", inChain, &tlsmsg.SignedCertificateTimestamps{List: [][]byte{{1, 2}}}, join(0, 4, 0, 2, 1, 2)},
	{"supported_versions", inRetry, &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{0x0304}}, join(3, 4)},
	{"pre_shared_key", inClient, &tlsmsg.PreSharedKey{
		Identities: []tlsmsg.PSKIdentity{{[]byte("a"), 0x01020304}, {[]byte("bc"), 0}}, Binders: [][]byte{binder, binder},
	}, join(0, 15, 0, 1, "a", 1, 2, 3, 4, 0, 2, "bc", 0, 0, 0, 0, 0, 66, 32, binder, 32, binder)},
	{"pre_shared_key", inServer, &tlsmsg.PreSharedKey{Selected: 0x0102}, join(1, 2)},
	{"early_data", inClient, &tlsmsg.EarlyData{}, nil},
	{"early_data", inAnswer, &tlsmsg.EarlyData{}, nil},
	{"early_data", inTicket, &tlsmsg.EarlyData{MaxSize: 0x01020304}, join(1, 2, 3, 4)},
	{"cookie", inClient, &tlsmsg.Cookie{Cookie: []byte{9}}, join(0, 1, 9)},
	{"cookie", inRetry, &tlsmsg.Cookie{Cookie: []byte{9, 8}}, join(0, 2, 9, 8)},
	{"certificate_authorities", inClient, &tlsmsg.CertificateAuthorities{Authorities: [][]byte{{0x30, 0}}}, join(0, 4, 0, 2, 0x30, 0)},
	{"certificate_authorities", inAsked, &tlsmsg.CertificateAuthorities{Authorities: [][]byte{{1}}}, join(0, 3, 0, 1, 1)},
	{"oid_filters", inAsked, &tlsmsg.OIDFilters{Filters: []tlsmsg.OIDFilter{{[]byte{6, 1, 1}, []byte{4}}, {[]byte{5}, nil}}},
		join(0, 11, 3, 6, 1, 1, 0, 1, 4, 1, 5, 0, 0)},
	{"oid_filters", inAsked, &tlsmsg.OIDFilters{}, join(0, 0)},
	{"encrypted_client_hello", inClient, &tlsmsg.EncryptedClientHello{
		Suite: tlsmsg.HPKESuite{KDF: 1, AEAD: 3}, ConfigID: 7, Enc: []byte{1, 2}, Payload: []byte{9},
	}, join(0, 0, 1, 0, 3, 7, 0, 2, 1, 2, 0, 1, 9)},
	{"encrypted_client_hello", inClient, &tlsmsg.EncryptedClientHello{Form: tlsmsg.ECHInner}, join(1)},
	{"encrypted_client_hello", inClient, &tlsmsg.EncryptedClientHello{Form: 9, Payload: []byte{1, 2}}, join(9, 1, 2)},
	{"encrypted_client_hello", inRetry, &tlsmsg.EncryptedClientHello{Confirmation: []byte("confirms")}, join("confirms")},
	{"encrypted_client_hello", inAnswer, &tlsmsg.EncryptedClientHello{RetryConfigs: []tlsmsg.ECHConfig{
		{
			Version: tlsmsg.ECHVersion, ConfigID: 5, KEM: 0x20, PublicKey: []byte{1, 2}, Suites: []tlsmsg.HPKESuite{{1, 1}, {1, 3}},
			MaxNameLen: 40, PublicName: []byte("a.b"), Extensions: []tlsmsg.Extension{{Type: 0xFFFF, Data: []byte{6}}},
		},
		{Version: 0xFE0A, Contents: []byte{1}},
	}}, join(0, 38, 0xFE, 0x0D, 0, 29, 5, 0, 0x20, 0, 2, 1, 2, 0, 8, 0, 1, 0, 1, 0, 1, 0, 3, 40, 3, "a.b", 0, 5, 0xFF, 0xFF, 0, 1, 6, 0xFE, 0x0A, 0, 1, 1)},
	{"ech_outer_extensions", inClient, &tlsmsg.ECHOuterExtensions{Types: []tlsmsg.ExtensionType{10, 51}}, join(4, 0, 10, 0, 51)},
	{"post_handshake_auth", inClient, &tlsmsg.PostHandshakeAuth{}, nil},
	{"compress_certificate", inClient, &tlsmsg.CompressCertificate{Algorithms: []tlsmsg.CertificateCompressionAlgorithm{2, 1}}, join(4, 0, 2, 0, 1)},
	{"compress_certificate", inAsked, &tlsmsg.CompressCertificate{Algorithms: []tlsmsg.CertificateCompressionAlgorithm{3}}, join(2, 0, 3)},
}

// binder is as long as SHA-256 makes one.
var binder = bytes.Repeat([]byte{0xB1}, 32)

func TestExtensionsEncodeAndDecodeAsWrittenByHand(t *testing.T) {
	covered := map[tlsmsg.ExtensionType]bool{}
	for _, tc := range handWrittenExtensions {
		t.Run(tc.name+" in "+tc.in.Heading(), func(t *testing.T) {
			e := tlsmsg.NewExtension(tc.v, tc.in)
			covered[e.Type] = true
			if !bytes.Equal(e.Data, tc.data) {
				t.Errorf("encoded % x, want % x", e.Data, tc.data)
			}
			got := tlsmsg.NewExtensionData(e.Type)
			must(t, tlsmsg.Extension{Type: e.Type, Data: tc.data}.Decode(got, tc.in))
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tc.v) {
				t.Errorf("decoded %+v, want %+v", got, tc.v)
			}
			for n := range len(tc.data) {
				checkCutExtension(t, e, n, tc.in)
			}
			if _, free := tc.v.(*tlsmsg.SessionTicket); !free {
				longer := tlsmsg.Extension{Type: e.Type, Data: join(tc.data, 0xEE)}
				if err := longer.Decode(got, tc.in); err == nil && !reexact(got, longer, tc.in) {
					t.Errorf("a byte too many is lost: %+v", got)
				}
			}
		})
	}
	for v := range 1 << 16 {
		typ := tlsmsg.ExtensionType(v)
		if typed := tlsmsg.NewExtensionData(typ); typed != nil && (!covered[typ] || typed.ExtensionType() != typ) {
			t.Errorf("%s: hand-written %v, its type is %s", typ, covered[typ], typed.ExtensionType())
		}
	}
}

// checkCutExtension demands that data cut to n bytes is an error, or is
// wholly understood in that form.
func checkCutExtension(t *testing.T, e tlsmsg.Extension, n int, in tlsmsg.HandshakeType) {
	t.Helper()
	cut := tlsmsg.Extension{Type: e.Type, Data: e.Data[:n:n]}
	v := tlsmsg.NewExtensionData(e.Type)
	if err := cut.Decode(v, in); err == nil && !reexact(v, cut, in) {
		t.Errorf("cut to %d bytes: decoded %+v", n, v)
	}
}

func reexact(v tlsmsg.ExtensionData, e tlsmsg.Extension, in tlsmsg.HandshakeType) bool {
	return bytes.Equal(v.AppendData(nil, in), e.Data)
}

func TestExtensionErrorsReadLikeTheMessages(t *testing.T) {
	block := join(0xFF, 1, 0, 1, 0, 0, 23, 0, 0, 0, 16, 0, 5, 0, 3, 4, "h2")
	raw := join(2, 0, 0, 42+len(block), make([]byte, 2), make([]byte, 32), 2, 1, 2, 0xC0, 0x2F, 0, 0, len(block), block)
	raw[3] = byte(len(raw) - 4)
	var m tlsmsg.ServerHello
	must(t, tlsmsg.ParseInto(&m, raw, tlsmsg.Context{}))

	var alpn tlsmsg.ALPN
	found, err := m.DecodeExtension(&alpn)
	at := bytes.Index(raw, join(4, "h2"))
	want := fmt.Sprintf("ServerHello.extensions[2].application_layer_protocol_negotiation.protocol_name_list.protocol_name[0] at byte %d: "+
		"length 4 exceeds the 2 bytes left", at)
	if !found || err == nil || err.Error() != want {
		t.Errorf("%v, %v\nwant %s", found, err, want)
	}
	if found, err := m.DecodeExtension(new(tlsmsg.ExtendedMasterSecret)); !found || err != nil {
		t.Errorf("extended_master_secret: %v, %v", found, err)
	}
	if found, err := m.DecodeExtension(new(tlsmsg.SessionTicket)); found || err != nil {
		t.Errorf("session_ticket: %v, %v", found, err)
	}

	client := tlsmsg.ClientHello{CipherSuites: make([]tlsmsg.CipherSuite, 3), CompressionMethods: make([]tlsmsg.CompressionMethod, 1)}
	client.Extensions = []tlsmsg.Extension{{Type: 5, Data: []byte{1, 2, 3}}, {Type: 0, Data: []byte{0, 1}}}
	raw = tlsmsg.Append(nil, &client, tlsmsg.Context{})
	_, err = client.DecodeExtension(new(tlsmsg.ServerName))
	want = fmt.Sprintf("ClientHello.extensions[1].server_name.server_name_list at byte %d: length 1 exceeds the 0 bytes left", len(raw)-2)
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestAnAnswerIsHeldToItsOwnForm(t *testing.T) {
	for _, tc := range []struct {
		e    tlsmsg.Extension
		in   tlsmsg.HandshakeType
		want string
	}{
		{tlsmsg.Extension{Type: 16, Data: join(0, 6, 2, "h2", 2, "h3")}, inServer, "2 protocols, expected exactly one in an answer"},
		{tlsmsg.Extension{Type: 0, Data: join(0, 6, 0, 0, 3, "a.b")}, inServer, "8 bytes left over after the last field"},
		{tlsmsg.Extension{Type: 5, Data: join(1, 0, 0, 0, 0)}, inServer, "5 bytes left over after the last field"},
		{tlsmsg.Extension{Type: 43, Data: join(2, 3, 4)}, inServer, "1 byte left over after the last field"},
		{tlsmsg.Extension{Type: 18, Data: join(0, 0)}, inServer, "length 0, expected 1 to 65535"},
		{tlsmsg.Extension{Type: 16, Data: join(0, 0)}, inClient, "length 0, expected 2 to 65535"},
		{tlsmsg.Extension{Type: 23, Data: join(0)}, inClient, "1 byte left over after the last field"},
		{tlsmsg.Extension{Type: 21, Data: join(0, 1)}, inClient, "byte 1 of the padding is 0x01, expected zero"},
	} {
		err := tc.e.Decode(tlsmsg.NewExtensionData(tc.e.Type), tc.in)
		if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("%s in %s: %v\nwant %s", tc.e.Type, tc.in.Heading(), err, tc.want)
		}
	}
	err := tlsmsg.Extension{Type: 16}.Decode(new(tlsmsg.ServerName), inClient)
	if err == nil || !strings.Contains(err.Error(), "expected server_name") {
		t.Errorf("another type: %v", err)
	}
}

func TestDuplicateExtensionsAreFound(t *testing.T) {
	m := tlsmsg.ServerHello{Extensions: []tlsmsg.Extension{{Type: 23}, {Type: 0xFF01, Data: []byte{0}}, {Type: 0}, {Type: 0xFF01}}}
	raw := tlsmsg.Append(nil, &m, tlsmsg.Context{})
	want := fmt.Sprintf("ServerHello.extensions[3].extension_type at byte %d: renegotiation_info a second time, after extensions[1]", len(raw)-4)
	if err := m.CheckExtensions(); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	m.Extensions = m.Extensions[:3]
	if err := m.CheckExtensions(); err != nil {
		t.Errorf("no duplicate: %v", err)
	}
	client := tlsmsg.ClientHello{Extensions: []tlsmsg.Extension{{Type: 0xFFFF}, {Type: 0xFFFF}}}
	if err := client.CheckExtensions(); err == nil || !strings.HasPrefix(err.Error(), "ClientHello.extensions[1]") {
		t.Errorf("%v", err)
	}
}

func TestRecordingShowsExtensionFieldsAndKeepsBadOnesVisible(t *testing.T) {
	m := tlsmsg.ClientHello{
		Version: tlsmsg.VersionTLS12, CipherSuites: []tlsmsg.CipherSuite{0xC02B}, CompressionMethods: []tlsmsg.CompressionMethod{0},
		Extensions: []tlsmsg.Extension{
			{Type: 16, Data: join(0, 9, 2, "h2")}, // malformed
			{Type: 0xABCD, Data: []byte{1, 2}},    // unknown
			{Type: 43, Data: join(2, 0x0A, 0x0A)}, // a GREASE version
			{Type: 34, Data: []byte{1}},           // named, without a typed view
		},
	}
	raw := tlsmsg.Append(nil, &m, tlsmsg.Context{})
	tree, err := tlsmsg.Explain(raw, tlsmsg.Context{})
	must(t, err)
	checkLeaves(t, tree, raw)
	items := tree.Find("extensions").Children[1:]
	if len(items) != 4 {
		t.Fatalf("%d extensions", len(items))
	}
	bad := items[0].Find("application_layer_protocol_negotiation", "malformed")
	if bad == nil || bad.Length != 5 ||
		bad.Meaning != "application_layer_protocol_negotiation.protocol_name_list at byte 51: length 9 exceeds the 3 bytes left" {
		t.Errorf("malformed: %+v", bad)
	}
	if n := items[1].Find("extension_data", "bytes"); n == nil || n.Length != 2 {
		t.Errorf("unknown: %+v", n)
	}
	if n := items[2].Find("supported_versions", "versions", "version"); n == nil || n.Meaning != "GREASE (0x0A0A)" {
		t.Errorf("version: %+v", n)
	}
	if n := items[3].Find("delegated_credential", "bytes"); n == nil {
		t.Error("named extension without a view is not shown")
	}
	var back tlsmsg.ClientHello
	must(t, tlsmsg.ParseInto(&back, raw, tlsmsg.Context{}))
	if !reflect.DeepEqual(back.Extensions, m.Extensions) {
		t.Errorf("decoded %v", back.Extensions)
	}
}

func TestServerNamesThatMayNotBeSentAreRefused(t *testing.T) {
	for host, want := range map[string]string{
		"":                       "empty host name",
		"198.18.0.1":             "is an address",
		"2001:db8::1":            "is an address",
		"example.com.":           "ends with a dot",
		"bücher.example":         "A-label",
		"a b.example":            "A-label",
		strings.Repeat("a", 254): "254 bytes",
	} {
		if _, err := tlsmsg.NewServerName(host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", host, err, want)
		}
	}
	for _, host := range []string{"a.test", "127.0.0.1", "dot.test."} {
		v, err := tlsmsg.NewServerName(host)
		data, appendErr := tlsmsg.AppendHostName([]byte("before"), host)
		if (err == nil) != (appendErr == nil) || err == nil && string(data) != "before"+string(v.AppendData(nil, tlsmsg.TypeClientHello)) {
			t.Errorf("%s: % x, %v; as a typed view %v", host, data, appendErr, err)
		}
	}
	v, err := tlsmsg.NewServerName("xn--bcher-kva.example")
	if err != nil || v.HostName() != "xn--bcher-kva.example" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestALPNListsThatCannotBeSentAreRefused(t *testing.T) {
	for _, list := range [][]string{nil, {""}, {strings.Repeat("a", 256)}, {"h2", ""}} {
		if _, err := tlsmsg.NewALPN(list...); err == nil {
			t.Errorf("%q accepted", list)
		}
	}
	long := make([]string, 300)
	for i := range long {
		long[i] = strings.Repeat("a", 255)
	}
	if _, err := tlsmsg.NewALPN(long...); err == nil {
		t.Error("a list of 76 KB accepted")
	}
}
