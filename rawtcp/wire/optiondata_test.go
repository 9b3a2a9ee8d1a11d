package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// laterOptions are options that are only read, each with the names of its fields and
// what they hold.
var laterOptions = []struct{ name, option, want string }{
	{"MD5", "\x13\x12" + hmac[:16], "MD5_digest"},
	{"MD5, cut", "\x13\x04ab", "data"},
	{"AO", "\x1d\x10\x01\x02" + hmac[:12], "key_ID=1 receive_next_key_ID=2 MAC"},
	{"AO without a MAC", "\x1d\x04\x01\x02", "key_ID=1 receive_next_key_ID=2"},
	{"AO too short", "\x1d\x03\x01", "data"},
	{"a request for a cookie", "\x22\x02", ""},
	{"a cookie", "\x22\x0a" + hmac[:8], "fast_open_cookie"},
	{"a cookie of odd length", "\x22\x07" + hmac[:5], "data"},
	{"AccECN, order 0", "\xac\x0b\x00\x00\x01\x00\x00\x02\x00\x00\x03", "EE0B=1 ECEB=2 EE1B=3"},
	{"AccECN, order 1, two", "\xae\x08\x00\x00\x01\x01\x00\x00", "EE1B=1 ECEB=65536"},
	{"AccECN, empty", "\xae\x02", ""},
	{"AccECN, half a counter", "\xac\x04\x00\x01", "data"},
	{"MP_CAPABLE of a SYN", "\x1e\x04\x01\x81", "subtype=MP_CAPABLE version=1 checksum_required=1 extensibility=0 no_subflow_to_source=0 other_algorithms=0 HMAC_SHA256=1"},
	{"MP_CAPABLE with data", "\x1e\x18\x01\x01" + hmac[:16] + "\x00\x05\xab\xcd", "sender_key receiver_key data_level_length=5 data_checksum=43981"},
	{"MP_CAPABLE of no known length", "\x1e\x05\x01\x01\x01", "version=1 data"},
	{"MP_JOIN of a SYN", "\x1e\x0c\x11\x05" + hmac[:8], "subtype=MP_JOIN backup=1 address_ID=5 receiver_token sender_random"},
	{"MP_JOIN of a SYN-ACK", "\x1e\x10\x10\x05" + hmac[:12], "backup=0 address_ID=5 truncated_HMAC sender_random"},
	{"MP_JOIN of an ACK", "\x1e\x18\x10\x00" + hmac, "reserved=0 HMAC"},
	{"DSS", "\x1e\x14\x20\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x04\x00\x05", "mapping_present=1 long_data_ACK=0 data_ACK_present=1 data_ACK=1 data_sequence_number=2 subflow_sequence_number=3 data_level_length=4 data_checksum=5"},
	{"DSS, long, without a checksum", "\x1e\x1a\x20\x1f" + hmac[:8] + "\x00\x00\x00\x00\x00\x00\x00\x07" + "\x00\x00\x00\x03\x00\x04", "DATA_FIN=1 long_data_sequence_number=1 mapping_present=1 long_data_ACK=1 data_ACK_present=1 data_ACK=72623859790382856 data_sequence_number=7 subflow_sequence_number=3 data_level_length=4"},
	{"DSS, too short for its flags", "\x1e\x06\x20\x04\x00\x00", "data_ACK_present=0 data"},
	{"ADD_ADDR", "\x1e\x10\x30\x09\xc6\x12\x00\x07" + hmac[:8], "subtype=ADD_ADDR echo=0 address_ID=9 address=198.18.0.7 truncated_HMAC"},
	{"ADD_ADDR with a port, confirmed", "\x1e\x0a\x31\x09\xc6\x12\x00\x07\x01\xbb", "echo=1 address_ID=9 address=198.18.0.7 port=443"},
	{"ADD_ADDR of IPv6", "\x1e\x1e\x30\x09\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb" + hmac[:8], "address=2001:db8::1 port=443 truncated_HMAC"},
	{"ADD_ADDR of no known length", "\x1e\x06\x30\x09\x01\x02", "echo=0 data"},
	{"REMOVE_ADDR", "\x1e\x05\x40\x01\x02", "subtype=REMOVE_ADDR address_ID=1 address_ID=2"},
	{"MP_PRIO", "\x1e\x03\x51", "subtype=MP_PRIO backup=1"},
	{"MP_FAIL", "\x1e\x0c\x60\x00\x00\x00\x00\x00\x00\x00\x00\x08", "subtype=MP_FAIL reserved=0 data_sequence_number=8"},
	{"MP_FASTCLOSE", "\x1e\x0c\x70\x00" + hmac[:8], "subtype=MP_FASTCLOSE reserved=0 receiver_key"},
	{"MP_TCPRST", "\x1e\x04\x81\x05", "subtype=MP_TCPRST transient=1 reason=5"},
	{"MPTCP of a later subtype", "\x1e\x04\xf0\x05", "subtype=subtype 15 data"},
	{"MPTCP of nothing", "\x1e\x02", ""},
}

const hmac = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"

// Every option is read by the names of its RFC, and as plain data where its length does
// not fit; every octet belongs to a field, in a segment and by itself.
func TestLaterOptionsAreReadFieldByField(t *testing.T) {
	for _, tc := range laterOptions {
		recordsEveryByte(t, "TCP", withOptions(tc.option), func(c *field.Cursor) { new(wire.Segment).Decode(c) })
		s, err := decodeSegment(withOptions(tc.option))
		if err != nil {
			t.Fatal(err)
		}
		for opt := range s.Options.All() {
			if got := told(opt.Fields()); !strings.HasSuffix(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
			}
			if strings.HasPrefix(opt.Kind.String(), "option") {
				t.Errorf("%s: kind %d has no name", tc.name, opt.Kind)
			}
		}
	}
}

// told is the fields in a line.
func told(n *field.Node) string {
	var words []string
	for leaf := range n.Leaves() {
		parts := leaf.Children
		if len(parts) == 0 {
			parts = []*field.Node{leaf}
		}
		for _, p := range parts {
			switch {
			case p.Meaning != "":
				words = append(words, p.Name+"="+p.Meaning)
			case p.Kind == field.Bytes:
				words = append(words, p.Name)
			default:
				words = append(words, fmt.Sprintf("%s=%d", p.Name, p.Value))
			}
		}
	}
	return strings.Join(words, " ")
}

// AE stands apart from the other flags, beside bits that have no meaning yet.
func TestAEIsAFlagAndNoReservedBit(t *testing.T) {
	for _, s := range []wire.Segment{{Flags: wire.AE | wire.ECE | wire.CWR | wire.SYN}, {Flags: wire.SYN, Reserved: 7}, {Flags: wire.AE, Reserved: 2}} {
		b := s.AppendTo(nil, testSrc, testDst)
		got, err := decodeSegment(b)
		if err != nil || got.Flags != s.Flags || got.Reserved != s.Reserved || b[12]&1 == 1 != s.Flags.Has(wire.AE) {
			t.Errorf("%v and %d became %v and %d: % x, %v", s.Flags, s.Reserved, got.Flags, got.Reserved, b[12:14], err)
		}
	}
}

func TestTheCodepointsOfIPAreNamed(t *testing.T) {
	for class, want := range map[uint8]string{0: "Not-ECT", 1: "ECT(1)", 2: "ECT(0)", 3: "CE", 0xfc: "Not-ECT"} {
		h := wire.IP{TrafficClass: class}
		if got := h.ECN().String(); got != want {
			t.Errorf("%#x is %s, want %s", class, got, want)
		}
		four, six := wire.IPv4{TOS: class, Protocol: wire.ProtocolTCP, Src: testSrc, Dst: testDst}, wire.IPv6{TrafficClass: class, NextHeader: wire.ProtocolTCP, Src: testSrc6, Dst: testDst6}
		c4, c6 := field.Record("IPv4", four.AppendTo(nil, 0)), field.Record("IPv6", six.AppendTo(nil, 0))
		four.Decode(&c4)
		six.Decode(&c6)
		for _, n := range []*field.Node{c4.Tree().Find("type_of_service", "ECN"), c6.Tree().Find("version_class_flow", "ECN")} {
			if n == nil || n.Meaning != want {
				t.Errorf("%#x: %+v", class, n)
			}
		}
	}
}

// RFC 9768, section 3.1.2, table 2, and RFC 3168, section 6.1.1.
func TestWhatASYNAndItsAnswerSayOfECN(t *testing.T) {
	syn, answer := wire.SYN, wire.SYN|wire.ACK
	for flags, want := range map[wire.Flags]string{
		syn: "none Not-ECT", syn | wire.ECE: "none Not-ECT", syn | wire.ECE | wire.CWR: "classic Not-ECT", syn | wire.ECNFlags: "accurate Not-ECT",
		answer: "none Not-ECT", answer | wire.ECE: "classic Not-ECT", answer | wire.CWR: "accurate Not-ECT", answer | wire.CWR | wire.ECE: "accurate ECT(1)",
		answer | wire.AE: "accurate ECT(0)", answer | wire.AE | wire.CWR: "accurate CE", answer | wire.AE | wire.ECE: "nonce Not-ECT",
		answer | wire.ECNFlags: "reflected Not-ECT", wire.ACK | wire.ECNFlags: "none Not-ECT",
	} {
		if mode, arrived := flags.ECN(); fmt.Sprint(mode, " ", arrived) != want {
			t.Errorf("%v: %v %v, want %s", flags, mode, arrived, want)
		}
	}
}
