package view

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The options that are only read are told apart in the ladder, and shown field by field
// as JSON; so are the marks of congestion.
func TestLaterOptionsAreNamedInEveryView(t *testing.T) {
	synACK := wire.SYN | wire.ACK
	for _, tc := range []struct {
		flags        wire.Flags
		kind         wire.OptionKind
		data         string
		ladder, json string
	}{
		{wire.SYN, wire.OptFastOpen, "", "fast open request", `{"kind":34,"name":"fast_open"}`},
		{wire.SYN, wire.OptFastOpen, "\x01\x02\x03\x04", "fast open cookie", `{"kind":34,"name":"fast_open","fast_open_cookie":"01020304"}`},
		{synACK, wire.OptMD5, strings.Repeat("\xab", 16), "MD5 signature", `{"kind":19,"name":"md5_signature","md5_digest":"` + strings.Repeat("ab", 16) + `"}`},
		{synACK, wire.OptAO, "\x07\x08\x01\x02", "TCP-AO key 7 next 8", `{"kind":29,"name":"tcp_ao","key_id":7,"receive_next_key_id":8,"mac":"0102"}`},
		{wire.ACK, wire.OptAccECN1, "\x00\x00\x01\x00\x01\x00", "AccECN EE1B 1 ECEB 256", `{"kind":174,"name":"accecn_order_1","ee1b":1,"eceb":256}`},
		{wire.SYN, wire.OptMPTCP, "\x01\x81", "MP_CAPABLE", `{"kind":30,"name":"mptcp","subtype":"MP_CAPABLE","version":1,"checksum_required":true,"extensibility":false,"no_subflow_to_source":false,"other_algorithms":0,"hmac_sha256":true}`},
		{wire.ACK, wire.OptMPTCP, "\x40\x02\x01\x02", "REMOVE_ADDR", `{"kind":30,"name":"mptcp","subtype":"REMOVE_ADDR","address_ids":[2,1,2]}`},
		{wire.ACK, wire.OptMPTCP, "\x31\x09\xc6\x12\x00\x07", "ADD_ADDR", `{"kind":30,"name":"mptcp","subtype":"ADD_ADDR","echo":true,"address":"198.18.0.7","address_id":9}`},
		{wire.ACK, wire.OptMPTCP, "\x20\x03\xff\xff\xff\xff\xff\xff\xff\xff", "DSS", `"data_ack":"18446744073709551615"}`},
		{wire.ACK, wire.OptMPTCP, "", "MPTCP", `{"kind":30,"name":"mptcp"}`},
	} {
		play := func(s *script) {
			s.open()
			seg := s.segment(transcript.In, tc.flags, nil)
			seg.Options.Add(tc.kind, []byte(tc.data)...)
			s.send(transcript.In, seg)
		}
		if got := draw(t, "ladder", play, Options{Width: 200, Verbose: true}); !strings.Contains(got, tc.ladder) {
			t.Errorf("no %q in the ladder:\n%s", tc.ladder, got)
		}
		lines := draw(t, "json", play, Options{})
		if !strings.Contains(lines, tc.json) {
			t.Errorf("no %s:\n%s", tc.json, lines)
		}
		schema := eventSchema(t)
		for line := range strings.Lines(lines) {
			if err := allows(schema, line); err != nil {
				t.Errorf("%v\n%s", err, line)
			}
		}
	}
}

func TestMarksOfCongestionAreShown(t *testing.T) {
	for mark, ladder := range map[uint8]string{0: "", 1: "ECT(1)", 2: "ECT(0)", 3: "congestion marked"} {
		play := func(s *script) {
			s.open()
			seg := s.segment(transcript.In, wire.ACK|wire.ECE|wire.CWR|wire.AE, []byte("x"))
			b := s.packet(transcript.In, seg)
			b[1] = mark
			sum := wire.Checksum(append(append([]byte{}, b[:10]...), append([]byte{0, 0}, b[12:20]...)...))
			b[10], b[11] = byte(sum>>8), byte(sum)
			s.rec.Packet(s.at, transcript.In, b, false)
		}
		drawn, lines := draw(t, "ladder", play, Options{Width: 200, Verbose: true}), draw(t, "json", play, Options{})
		if !strings.Contains(drawn, ladder) || !strings.Contains(drawn, "ECE-CWR-AE-ACK") {
			t.Errorf("no %q:\n%s", ladder, drawn)
		}
		if want := `"ecn":"` + wire.ECN(mark).String() + `"`; strings.Contains(lines, want) != (mark != 0) || !strings.Contains(lines, `["ECE","CWR","AE","ACK"]`) {
			t.Errorf("%s:\n%s", want, lines)
		}
	}
}

func TestTheLadderSaysWhatIsAgreedOfECN(t *testing.T) {
	for flags, want := range map[wire.Flags]string{
		wire.SYN | wire.ECE | wire.CWR: "ECN classic", wire.SYN | wire.ECNFlags: "ECN accurate",
		wire.SYN | wire.ACK | wire.AE: "ECN accurate, the SYN came as ECT(0)", wire.SYN | wire.ACK | wire.ECNFlags: "ECN reflected",
	} {
		got := draw(t, "ladder", func(s *script) {
			seg := s.syn(transcript.In)
			seg.Flags = flags
			s.send(transcript.In, seg)
		}, Options{Width: 200})
		if !strings.Contains(got, want) {
			t.Errorf("no %q:\n%s", want, got)
		}
	}
}
