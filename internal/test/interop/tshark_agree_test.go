package interop

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/fingerprint"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// values are what a decoder says of a capture: for each subject (a packet, or
// one direction of a connection) and field, the values in their order.
type values map[string][]string

func (v values) add(subject, field string, value any) {
	k := subject + " " + field
	v[k] = append(v[k], fmt.Sprint(value))
}

// explained are the differences that have a reason: a capture's name and the
// field's.
var explained = map[string]string{
	"gap.pcap tls.alert_message": "tshark looks at no record behind the gap; here the sequence number after it is found by trying, and the record decrypted",
	"gap.pcap tls.record":        "the same record",
}

// TestValuesAgreeWithTshark compares, for every capture in testdata, what we say
// of IP, TCP and its options, records, messages, suites, extensions, groups,
// schemes and certificates with what tshark says. No difference is unexplained.
func TestValuesAgreeWithTshark(t *testing.T) {
	tshark := needProgram(t, "tshark")
	paths, err := filepath.Glob(filepath.Join(capturesDir, "*.pcap*"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d captures, %v", len(paths), err)
	}
	compared := 0
	for _, path := range paths {
		if strings.HasSuffix(path, ".keys") {
			continue
		}
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			compared += agree(t, name, oursOf(t, path), theirsOf(t, tshark, path))
		})
	}
	t.Logf("%d values agree", compared)
}

// agree reports how many values are the same.
func agree(t *testing.T, name string, ours, theirs values) (same int) {
	t.Helper()
	var keys []string
	for k := range ours {
		keys = append(keys, k)
	}
	for k := range theirs {
		if _, ok := ours[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	used := map[string]bool{}
	for _, k := range keys {
		if slices.Equal(ours[k], theirs[k]) {
			same += len(ours[k])
			continue
		}
		if reason := reasonFor(name, k, used); reason != "" {
			t.Logf("%s: %q, tshark %q: %s", k, ours[k], theirs[k], reason)
			continue
		}
		t.Errorf("%s: %q, tshark %q", k, ours[k], theirs[k])
	}
	for e := range explained {
		if file, _, _ := strings.Cut(e, " "); file == name && !used[e] {
			t.Errorf("%q is explained and no difference any more", e)
		}
	}
	if same == 0 {
		t.Error("nothing was compared")
	}
	return same
}

func reasonFor(name, key string, used map[string]bool) string {
	for e, reason := range explained {
		file, field, _ := strings.Cut(e, " ")
		if file == name && strings.Contains(key, " "+field) {
			used[e] = true
			return reason
		}
	}
	return ""
}

// oursOf explains each connection of a capture.
func oursOf(t *testing.T, path string) values {
	t.Helper()
	v := values{}
	for conn := 1; ; conn++ {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		o := explain.Options{Filter: explain.Filter{Conn: conn}, Limit: transcript.KeepNothing,
			Listener: func(e *transcript.Entry) { v.entry(e) }}
		if _, err := os.Stat(path + ".keys"); err == nil {
			o.KeyLog = path + ".keys"
		}
		report, err := explain.Reader(t.Context(), f, o)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if report.Shown == nil {
			return v
		}
	}
}

func (v values) entry(e *transcript.Entry) {
	switch e.Type {
	case transcript.TypeSegment, transcript.TypeDecision:
		if e.Frame != nil && (e.Type == transcript.TypeSegment || e.Frame.Segment == nil) {
			v.frame(e.Frame)
		}
	case transcript.TypeRecord:
		who := sender(e.Frame)
		v.add(who, "tls.record.content_type", int(e.Record.Type))
		v.add(who, "tls.record.version", int(e.Record.Version))
		if e.Record.Epoch != 0 && e.Record.Inner != 0 { // of TLS 1.3, opened
			v.add(who, "tls.record.content_type", int(e.Record.Inner))
		}
	case transcript.TypeMessage:
		if !e.Message.Sealed {
			v.message(sender(e.Frame), e.Message)
		}
	}
}

// sender names a direction of a connection by the end that speaks.
func sender(f *transcript.Frame) string {
	return fmt.Sprintf("%v:%d>%d", f.IP.Src, f.Segment.SrcPort, f.Segment.DstPort)
}

func (v values) frame(f *transcript.Frame) {
	who := fmt.Sprintf("#%d", f.Number)
	h := &f.IP
	tree, _ := f.Tree()
	if inner := tree.Find(wire.Root(f.Packet)); inner != nil {
		v.link(who, tree)
		tree = inner
	}
	number := func(field string, path ...string) {
		if n := tree.Find(path...); n != nil {
			v.add(who, field, n.Value)
		}
	}
	v.add(who, "ip.version", h.Version)
	v.add(who, "ip.src", h.Src)
	v.add(who, "ip.dst", h.Dst)
	v.add(who, "ip.ttl", h.HopLimit)
	if h.Version == 4 {
		v.add(who, "ip.len", h.TotalLength)
		v.add(who, "ip.proto", h.Protocol)
		v.add(who, "ip.frag_offset", h.Fragment.Offset/8) // tshark 4.0 shows it as it stands in the header
		number("ip.id", "identification")
		number("ip.checksum", "header_checksum")
		number("ip.dsfield", "type_of_service")
	} else {
		v.add(who, "ip.len", h.TotalLength-wire.IPv6HeaderLen)
		number("ip.proto", "next_header")
	}
	if f.Segment != nil {
		v.segment(who, f.Segment)
	}
}

// linkField are the fields of a link's headers that are compared, by tshark's
// names or, where these differ between links, by names of ours.
var linkField = map[string]string{
	"destination_address": "eth.dst", "source_address": "eth.src", "ether_type": "link.etype", "protocol": "link.etype",
	"identifier": "vlan.id", "priority": "vlan.priority", "drop_eligible": "vlan.dei",
	"packet_type": "sll.pkttype", "address_type": "sll.hatype", "address_length": "sll.halen", "address": "sll.src.eth", "interface_index": "sll.ifindex",
}

// link says what stands before the IP packet.
func (v values) link(who string, n *field.Node) {
	for _, child := range n.Children {
		name := linkField[child.Name]
		switch {
		case strings.HasPrefix(child.Name, "IPv"):
			return
		case name != "" && child.Kind == field.Bytes:
			v.add(who, name, child.Meaning)
		case name != "":
			v.add(who, name, child.Value)
		}
		v.link(who, child)
	}
}

func (v values) segment(who string, s *wire.Segment) {
	v.add(who, "tcp.srcport", s.SrcPort)
	v.add(who, "tcp.dstport", s.DstPort)
	v.add(who, "tcp.seq_raw", uint32(s.Seq))
	v.add(who, "tcp.ack_raw", uint32(s.Ack))
	v.add(who, "tcp.hdr_len", s.HeaderLen())
	v.add(who, "tcp.flags", uint16(s.Flags)|uint16(s.Reserved)<<9)
	v.add(who, "tcp.window_size_value", s.Window)
	v.add(who, "tcp.checksum", s.Checksum)
	v.add(who, "tcp.urgent_pointer", s.Urgent)
	v.add(who, "tcp.len", len(s.Payload))
	for opt := range s.Options.All() {
		v.add(who, "tcp.option_kind", uint8(opt.Kind))
		d := opt.Data
		be := func(b []byte) (n uint64) {
			for _, x := range b {
				n = n<<8 | uint64(x)
			}
			return n
		}
		switch opt.Kind {
		case wire.OptMSS:
			v.add(who, "tcp.options.mss_val", be(d))
		case wire.OptWindowScale:
			v.add(who, "tcp.options.wscale.shift", be(d))
		case wire.OptTimestamps:
			v.add(who, "tcp.options.timestamp.tsval", be(d[:4]))
			v.add(who, "tcp.options.timestamp.tsecr", be(d[4:]))
		default:
			v.later(who, opt)
		}
	}
}

func (v values) message(who string, m *transcript.Message) {
	if m.Content == tlsmsg.ContentAlert {
		if a, err := tlsmsg.ParseAlert(m.Raw); err == nil {
			v.add(who, "tls.alert_message.level", uint8(a.Level))
			v.add(who, "tls.alert_message.desc", uint8(a.Description))
		}
	}
	if m.Content != tlsmsg.ContentHandshake {
		return
	}
	v.add(who, "tls.handshake.type", uint8(m.Type))
	msg, err := m.Handshake()
	if err != nil {
		v.add(who, "undecoded", err)
	}
	switch msg := msg.(type) {
	case *tlsmsg.ClientHello:
		digest, _ := fingerprint.JA3(msg)
		v.add(who, "tls.handshake.ja3", digest)
		v.hello(who, msg.Version, msg.CipherSuites, msg.Extensions, msg.Type())
	case *tlsmsg.ServerHello:
		digest, _ := fingerprint.JA3S(msg)
		v.add(who, "tls.handshake.ja3s", digest)
		v.hello(who, msg.Version, []tlsmsg.CipherSuite{msg.CipherSuite}, msg.Extensions, msg.Form())
	case *tlsmsg.ServerKeyExchange:
		if msg.Group != 0 {
			v.add(who, "tls.handshake.server_named_curve", uint16(msg.Group))
		}
		v.scheme(who, msg.Scheme)
	case *tlsmsg.CertificateVerify:
		v.scheme(who, msg.Scheme)
	case *tlsmsg.CertificateRequest:
		for _, s := range msg.Schemes {
			v.scheme(who, s)
		}
		v.extensions(who, msg.Extensions, msg.Type())
	case *tlsmsg.EncryptedExtensions:
		v.extensions(who, msg.Extensions, msg.Type())
	case *tlsmsg.NewSessionTicket:
		v.extensions(who, msg.Extensions, msg.Type())
	case *tlsmsg.Certificate:
		v.chain(who, msg)
	case *tlsmsg.CompressedCertificate:
		if inside, err := worker.Decompress(msg); err == nil {
			v.chain(who, inside)
		}
	}
}

func (v values) chain(who string, m *tlsmsg.Certificate) {
	for _, der := range m.Chain {
		if c, err := x509.ParseCertificate(der); err == nil {
			v.add(who, "x509af.serialNumber", c.SerialNumber.Text(16))
		}
	}
	for _, list := range m.EntryExtensions {
		v.extensions(who, list, m.Type())
	}
}

func (v values) scheme(who string, s tlsmsg.SignatureScheme) {
	if s != 0 {
		v.add(who, "tls.handshake.sig_hash_alg", uint16(s))
	}
}

func (v values) hello(who string, version tlsmsg.Version, suites []tlsmsg.CipherSuite, extensions []tlsmsg.Extension, in tlsmsg.HandshakeType) {
	v.add(who, "tls.handshake.version", uint16(version))
	for _, s := range suites {
		v.add(who, "tls.handshake.ciphersuite", uint16(s))
	}
	v.extensions(who, extensions, in)
}

func (v values) extensions(who string, extensions []tlsmsg.Extension, in tlsmsg.HandshakeType) {
	for i := range extensions {
		e := &extensions[i]
		v.add(who, "tls.handshake.extension.type", uint16(e.Type))
		data := tlsmsg.NewExtensionData(e.Type)
		if data == nil {
			continue
		}
		if err := e.Decode(data, in); err != nil {
			v.add(who, "undecoded", err)
			continue
		}
		switch x := data.(type) {
		case *tlsmsg.SupportedGroups:
			for _, g := range x.Groups {
				v.add(who, "tls.handshake.extensions_supported_group", uint16(g))
			}
		case *tlsmsg.SignatureAlgorithms:
			for _, s := range x.Schemes {
				v.scheme(who, s)
			}
		case *tlsmsg.SignatureAlgorithmsCert:
			for _, s := range x.Schemes {
				v.scheme(who, s)
			}
		case *tlsmsg.KeyShare:
			for _, s := range x.Shares {
				v.add(who, "tls.handshake.extensions_key_share_group", uint16(s.Group))
			}
		case *tlsmsg.SupportedVersions:
			for _, s := range x.Versions {
				v.add(who, "tls.handshake.extensions.supported_version", uint16(s))
			}
		case *tlsmsg.ServerName:
			if x.HostName() != "" { // a server's answer is empty
				v.add(who, "tls.handshake.extensions_server_name", x.HostName())
			}
		}
	}
}

// theirsOf runs tshark.
func theirsOf(t *testing.T, tshark, path string) values {
	t.Helper()
	args := []string{"-n", "-T", "json", "-J", "eth vlan ieee8021ad sll ip ipv6 tcp tls", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path}
	if _, err := os.Stat(path + ".keys"); err == nil {
		args = append(args, "-o", "tls.keylog_file:"+path+".keys")
	}
	cmd := exec.Command(tshark, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && !strings.HasSuffix(path, "cut-off.pcapng") {
		t.Fatalf("tshark %q: %v\n%s", args, err, &stderr)
	}
	// A file that breaks off ends tshark's list without its bracket.
	var packets []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(out))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		var p json.RawMessage
		if d.Decode(&p) != nil {
			break
		}
		packets = append(packets, p)
	}
	v := values{}
	number := 0
	for _, p := range packets {
		list := pairs(t, p)
		if first(list, "ip.version") == "" && first(list, "ipv6.version") == "" {
			continue // tshark numbers a custom block as a packet
		}
		number++
		v.packet(number, list)
	}
	return v
}

// first is the first value of a name, or "".
func first(list []pair, name string) string {
	for _, p := range list {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// A pair is a name of tshark's JSON with a value that is text, in the order of
// the document, in which names are repeated.
type pair struct{ name, value string }

func pairs(t *testing.T, raw json.RawMessage) (list []pair) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	var name string
	var inArray []bool // for each nesting
	isName := false
	for {
		token, err := d.Token()
		if err != nil {
			return list
		}
		switch x := token.(type) {
		case json.Delim:
			switch x {
			case '{', '[':
				inArray = append(inArray, x == '[')
				isName = x == '{'
				continue
			default:
				inArray = inArray[:len(inArray)-1]
			}
		case string:
			if isName {
				name, isName = x, false
				continue
			}
			list = append(list, pair{name, x})
		}
		isName = len(inArray) > 0 && !inArray[len(inArray)-1]
	}
}

// sameField are tshark's names of fields that are compared, and the names they
// are compared by.
var sameField = map[string]string{
	"eth.dst": "", "eth.src": "", "eth.type": "link.etype", "vlan.etype": "link.etype", "ieee8021ah.etype": "link.etype", "sll.etype": "link.etype",
	"vlan.id": "", "vlan.priority": "", "vlan.dei": "", "ieee8021ad.id": "vlan.id", "ieee8021ad.priority": "vlan.priority", "ieee8021ad.dei": "vlan.dei",
	"sll.pkttype": "", "sll.hatype": "", "sll.halen": "", "sll.src.eth": "", "sll.ifindex": "",
	"ip.version": "ip.version", "ip.src": "ip.src", "ip.dst": "ip.dst", "ip.ttl": "ip.ttl", "ip.len": "ip.len", "ip.proto": "ip.proto",
	"ip.frag_offset": "ip.frag_offset", "ip.id": "ip.id", "ip.checksum": "ip.checksum", "ip.dsfield": "ip.dsfield",
	"ipv6.version": "ip.version", "ipv6.src": "ip.src", "ipv6.dst": "ip.dst", "ipv6.hlim": "ip.ttl", "ipv6.plen": "ip.len", "ipv6.nxt": "ip.proto",
	"tcp.srcport": "", "tcp.dstport": "", "tcp.seq_raw": "", "tcp.ack_raw": "", "tcp.hdr_len": "", "tcp.flags": "", "tcp.window_size_value": "",
	"tcp.checksum": "", "tcp.urgent_pointer": "", "tcp.len": "", "tcp.option_kind": "", "tcp.options.mss_val": "", "tcp.options.wscale.shift": "",
	"tcp.options.timestamp.tsval": "", "tcp.options.timestamp.tsecr": "",
	"tcp.options.md5.digest": "", "tcp.options.ao.keyid": "", "tcp.options.ao.rnextkeyid": "", "tcp.options.ao.mac": "", "tcp.options.tfo.cookie": "",
	"tcp.options.acc_ecn.ee0b": "", "tcp.options.acc_ecn.eceb": "", "tcp.options.acc_ecn.ee1b": "",
	"tcp.options.mptcp.subtype": "", "tcp.options.mptcp.version": "", "tcp.options.mptcp.backup.flag": "", "tcp.options.mptcp.sendkey": "", "tcp.options.mptcp.recvkey": "",
	"tcp.options.mptcp.addrid": "", "tcp.options.mptcp.recvtok": "", "tcp.options.mptcp.sendrand": "",
	"tcp.options.mptcp.rawdataack": "", "tcp.options.mptcp.rawdataseqno": "", "tcp.options.mptcp.subflowseqno": "", "tcp.options.mptcp.datalvllen": "",
	"tcp.options.mptcp.ipv4": "", "tcp.options.mptcp.ipv6": "", "tcp.options.mptcp.port": "", "tcp.options.mptcp.rst_reason": "",
	"tls.record.content_type": "", "tls.record.opaque_type": "tls.record.content_type", "tls.record.version": "",
	"tls.handshake.type": "", "tls.handshake.version": "", "tls.handshake.ciphersuite": "", "tls.handshake.extension.type": "",
	"tls.handshake.extensions_supported_group": "", "tls.handshake.extensions_key_share_group": "",
	"tls.handshake.extensions_key_share_selected_group": "tls.handshake.extensions_key_share_group", "tls.handshake.extensions_server_name": "",
	"tls.handshake.extensions.supported_version": "", "tls.handshake.sig_hash_alg": "", "tls.handshake.server_named_curve": "",
	"tls.alert_message.level": "", "tls.alert_message.desc": "",
	"tls.handshake.ja3": "", "tls.handshake.ja3s": "", "x509af.serialNumber": "",
}

func (v values) packet(number int, list []pair) {
	who := fmt.Sprintf("#%d", number)
	src := first(list, "ip.src")
	if src == "" {
		src = first(list, "ipv6.src")
	}
	stream := fmt.Sprintf("%s:%s>%s", src, first(list, "tcp.srcport"), first(list, "tcp.dstport"))
	six := first(list, "ipv6.version") != ""
	headers := 0 // a packet that ICMP quotes comes second
	for _, p := range list {
		if p.name == "ipv6.version" || p.name == "ip.version" && !six {
			headers++
		}
		as, ok := sameField[p.name]
		if !ok || headers > 1 || six && strings.HasPrefix(p.name, "ip.") {
			continue
		}
		if as == "" {
			as = p.name
		}
		subject := who
		if strings.HasPrefix(as, "tls.") || strings.HasPrefix(as, "x509") {
			subject = stream
		}
		v.add(subject, as, normal(as, p.value))
	}
}

// normal is a value of tshark's as ours are written.
func normal(field, value string) string {
	if field == "x509af.serialNumber" {
		return strings.TrimLeft(strings.ReplaceAll(value, ":", ""), "0")
	}
	if field == "tcp.options.md5.digest" || field == "tcp.options.ao.mac" || field == "tcp.options.tfo.cookie" {
		return strings.ReplaceAll(value, ":", "")
	}
	if n, err := strconv.ParseUint(value, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return value
}
