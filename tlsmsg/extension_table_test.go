package tlsmsg_test

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// rfc9846Places is the table of RFC 9846, section 4.3, as it stands there.
const rfc9846Places = `
server_name CH, EE, CR
status_request CH, CR, CT
supported_groups CH, EE
signature_algorithms CH, CR
use_srtp CH, EE
heartbeat CH, EE
application_layer_protocol_negotiation CH, EE
client_certificate_type CH, EE
server_certificate_type CH, EE
padding CH
compress_certificate CH, CR
record_size_limit CH, EE
delegated_credential CH, CR, CT
supported_ekt_ciphers CH, EE
pre_shared_key CH, SH
early_data CH, EE, NST
supported_versions CH, SH, HRR
cookie CH, HRR
psk_key_exchange_modes CH
certificate_authorities CH, CR
oid_filters CR
post_handshake_auth CH
signature_algorithms_cert CH, CR
key_share CH, SH, HRR
transparency_info CH, CR, CT
external_id_hash CH, EE
external_session_id CH, EE
quic_transport_parameters CH, EE
ticket_request CH, EE
ech_outer_extensions CH
encrypted_client_hello CH, HRR, EE
`

var placeNames = map[tlsmsg.HandshakeType]string{
	inClient: "CH", inServer: "SH", inRetry: "HRR", inAnswer: "EE", inChain: "CT", inAsked: "CR", inTicket: "NST",
}

func TestExtensionsStandWhereRFC9846LetsThem(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(rfc9846Places)) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), " ")
		typ, err := tlsmsg.ParseExtensionType(name)
		must(t, err)
		allowed := map[string]bool{}
		for place := range strings.SplitSeq(list, ", ") {
			allowed[place] = true
		}
		for _, in := range everywhere {
			may, known := typ.MayStandIn(in, tlsmsg.VersionTLS13)
			if want := allowed[placeNames[in]]; may != want || !known {
				t.Errorf("%s in %s: %v, %v; want %v", name, in.Heading(), may, known, want)
			}
		}
	}
}

// What belongs to TLS 1.2 alone may stand in a ClientHello, which is of no
// version yet, and in no answer of TLS 1.3.
func TestExtensionsOfTLS12HaveNoPlaceInAnAnswerOfTLS13(t *testing.T) {
	for _, typ := range []tlsmsg.ExtensionType{tlsmsg.ExtensionECPointFormats, tlsmsg.ExtensionEncryptThenMAC,
		tlsmsg.ExtensionExtendedMasterSecret, tlsmsg.ExtensionSessionTicket, tlsmsg.ExtensionRenegotiationInfo} {
		for _, in := range everywhere {
			may13, _ := typ.MayStandIn(in, tlsmsg.VersionTLS13)
			may12, _ := typ.MayStandIn(in, tlsmsg.VersionTLS12)
			if may13 != (in == inClient) || may12 != (in == inClient || in == inServer) {
				t.Errorf("%s in %s: %v in TLS 1.3, %v in TLS 1.2", typ, in.Heading(), may13, may12)
			}
		}
	}
	for _, typ := range []tlsmsg.ExtensionType{tlsmsg.ExtensionKeyShare, tlsmsg.ExtensionPreSharedKey, tlsmsg.ExtensionSupportedVersions} {
		if may, known := typ.MayStandIn(inServer, tlsmsg.VersionTLS12); may || !known {
			t.Errorf("%s in a ServerHello of TLS 1.2: %v, %v", typ, may, known)
		}
	}
}

func TestOfAnUnknownExtensionNothingIsSaid(t *testing.T) {
	for _, typ := range []tlsmsg.ExtensionType{0x0A0A, 12345, 0xFFFF, 62} {
		for _, in := range everywhere {
			if may, known := typ.MayStandIn(in, tlsmsg.VersionTLS13); may || known {
				t.Errorf("%s in %s: %v, %v", typ, in.Heading(), may, known)
			}
		}
	}
	if may, _ := tlsmsg.ExtensionServerName.MayStandIn(tlsmsg.TypeFinished, tlsmsg.VersionTLS13); may {
		t.Error("server_name in Finished")
	}
}

// The bytes that binders are computed of end where BindersLen says.
func TestBindersStandAtTheEndOfTheClientHello(t *testing.T) {
	psk := tlsmsg.PreSharedKey{Identities: []tlsmsg.PSKIdentity{{Identity: []byte("a")}, {Identity: []byte("b")}}, Binders: [][]byte{binder, make([]byte, 48)}}
	hello := tlsmsg.ClientHello{Extensions: []tlsmsg.Extension{{Type: 43, Data: join(2, 3, 4)}, tlsmsg.NewExtension(&psk, inClient)}}
	raw := tlsmsg.Append(nil, &hello, tlsmsg.Context{})
	rest := raw[len(raw)-psk.BindersLen():]
	if want := join(0, 33+49, 32, binder, 48, make([]byte, 48)); string(rest) != string(want) {
		t.Errorf("% x\nwant\n% x", rest, want)
	}
}

func TestKeySharesHaveTheFormOfTheirMessage(t *testing.T) {
	for _, tc := range []struct {
		in   tlsmsg.HandshakeType
		data []byte
		want string
	}{
		{inServer, join(0, 23), "needs 2 bytes, 0 left"},
		{inRetry, join(0, 29, 0, 1, 1), "3 bytes left over after the last field"},
		{inClient, join(0, 4, 0, 29, 0, 0), "length 0, expected 1 to 65535"},
	} {
		err := tlsmsg.Extension{Type: 51, Data: tc.data}.Decode(new(tlsmsg.KeyShare), tc.in)
		if err == nil || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("in %s: %v, want %s", tc.in.Heading(), err, tc.want)
		}
	}
}
