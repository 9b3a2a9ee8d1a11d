package interop

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// laterField are the fields of the options that are only read, by tshark's names.
var laterField = map[string]string{
	"MD5_digest": "md5.digest", "key_ID": "ao.keyid", "receive_next_key_ID": "ao.rnextkeyid", "MAC": "ao.mac", "fast_open_cookie": "tfo.cookie",
	"EE0B": "acc_ecn.ee0b", "ECEB": "acc_ecn.eceb", "EE1B": "acc_ecn.ee1b",
	"subtype": "mptcp.subtype", "version": "mptcp.version", "backup": "mptcp.backup.flag", "sender_key": "mptcp.sendkey", "receiver_key": "mptcp.recvkey",
	"address_ID": "mptcp.addrid", "receiver_token": "mptcp.recvtok", "sender_random": "mptcp.sendrand",
	"data_ACK": "mptcp.rawdataack", "data_sequence_number": "mptcp.rawdataseqno", "subflow_sequence_number": "mptcp.subflowseqno", "data_level_length": "mptcp.datalvllen",
	"address": "mptcp.ipv4", "port": "mptcp.port", "reason": "mptcp.rst_reason",
}

// later says what such an option holds.
func (v values) later(who string, opt wire.Option) {
	for leaf := range opt.Fields().Leaves() {
		parts := leaf.Children
		if len(parts) == 0 {
			parts = []*field.Node{leaf}
		}
		for _, n := range parts {
			name := "tcp.options." + laterField[n.Name]
			octets := opt.Data[n.Offset : n.Offset+n.Length]
			switch {
			case laterField[n.Name] == "":
			case n.Name == "address" && n.Length == 16:
				v.add(who, "tcp.options.mptcp.ipv6", n.Meaning)
			case n.Name == "address":
				v.add(who, name, n.Meaning)
			case n.Kind == field.Bytes && (n.Length <= 8 && leafIsNumber[n.Name]):
				var number [8]byte
				copy(number[8-n.Length:], octets)
				v.add(who, name, binary.BigEndian.Uint64(number[:]))
			case n.Kind == field.Bytes:
				v.add(who, name, hex.EncodeToString(octets))
			default:
				v.add(who, name, n.Value)
			}
		}
	}
}

// leafIsNumber are octets that tshark shows as a number.
var leafIsNumber = map[string]bool{"sender_key": true, "receiver_key": true, "receiver_token": true, "sender_random": true}

// TestLaterOptionsAgreeWithTshark compares what we and tshark find in the options that
// are only read, and in the flags of accurate ECN.
func TestLaterOptionsAgreeWithTshark(t *testing.T) {
	tshark := needProgram(t, "tshark")
	const octets = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"
	for name, tc := range map[string]struct {
		flags wire.Flags
		kind  wire.OptionKind
		data  string
	}{
		"AE":               {wire.SYN | wire.ECE | wire.CWR | wire.AE, wire.OptNOP, ""},
		"MD5":              {wire.ACK, wire.OptMD5, octets[:16]},
		"AO":               {wire.ACK, wire.OptAO, "\x07\x09" + octets[:12]},
		"cookie":           {wire.SYN, wire.OptFastOpen, octets[:8]},
		"AccECN 0":         {wire.ACK, wire.OptAccECN0, "\x00\x00\x01\x00\x00\x02\x00\x00\x03"},
		"AccECN 1":         {wire.ACK, wire.OptAccECN1, "\x00\x00\x01\x00\x00\x02\x00\x00\x03"},
		"AccECN 1, partly": {wire.ACK, wire.OptAccECN1, "\x00\x00\x01\x00\x01\x00"},
		"capable, SYN":     {wire.SYN, wire.OptMPTCP, "\x01\x81"},
		"capable, SYN-ACK": {wire.SYN | wire.ACK, wire.OptMPTCP, "\x01\x01" + octets[:8]},
		"capable, ACK":     {wire.ACK, wire.OptMPTCP, "\x01\x01" + octets[:16]},
		"join, SYN":        {wire.SYN, wire.OptMPTCP, "\x11\x05" + octets[:8]},
		"DSS":              {wire.ACK, wire.OptMPTCP, "\x20\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x04\x00\x05"},
		"DSS, long":        {wire.ACK, wire.OptMPTCP, "\x20\x0f" + octets[:16] + "\x00\x00\x00\x03\x00\x04\x00\x05"},
		"address":          {wire.ACK, wire.OptMPTCP, "\x30\x09\xc6\x12\x00\x07" + octets[:8]},
		"address and port": {wire.ACK, wire.OptMPTCP, "\x30\x09\xc6\x12\x00\x07\x01\xbb" + octets[:8]},
		"address, echoed":  {wire.ACK, wire.OptMPTCP, "\x31\x09\xc6\x12\x00\x07"},
		"remove":           {wire.ACK, wire.OptMPTCP, "\x40\x01"},
		"priority":         {wire.ACK, wire.OptMPTCP, "\x51"},
		"fail":             {wire.ACK, wire.OptMPTCP, "\x60\x00" + octets[:8]},
		"fast close":       {wire.ACK, wire.OptMPTCP, "\x70\x00" + octets[:8]},
		"reset":            {wire.RST, wire.OptMPTCP, "\x81\x05"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "one.pcap")
			writeOne(t, path, tc.flags, tc.kind, tc.data)
			agree(t, name, oursOf(t, path), theirsOf(t, tshark, path))
		})
	}
}

// writeOne writes a capture of a single segment.
func writeOne(t *testing.T, path string, flags wire.Flags, kind wire.OptionKind, data string) {
	t.Helper()
	src, dst := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	s := wire.Segment{SrcPort: 40000, DstPort: 443, Seq: 7, Flags: flags, Window: 100}
	s.Options.Add(kind, []byte(data)...)
	for len(s.Options.Raw())%4 != 0 {
		s.Options.Add(wire.OptNOP) // tshark takes each octet of the padding for the end of the list
	}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src, Dst: dst}
	packet := s.AppendTo(h.AppendTo(nil, s.HeaderLen()), src, dst)
	order := binary.LittleEndian
	b := order.AppendUint32([]byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 65535)
	b = order.AppendUint32(b, 101) // raw IP
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, uint32(len(packet))), uint32(len(packet)))
	if err := os.WriteFile(path, append(b, packet...), 0o600); err != nil {
		t.Fatal(err)
	}
}
