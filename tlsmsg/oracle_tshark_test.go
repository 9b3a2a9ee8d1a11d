package tlsmsg_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/rawshake/rawshake/tlsmsg"
)

// sharkFields are what is compared with tshark, and how to find the same in a
// decoded message.
var sharkFields = []string{
	"tls.handshake.type",
	"tls.handshake.ciphersuite",
	"tls.handshake.extension.type",
	"tls.handshake.extensions_supported_group",
	"tls.handshake.sig_hash_alg",
	"tls.handshake.extensions_alpn_str",
	"tls.handshake.certificate_length",
	"tls.handshake.server_named_curve",
	"tls.handshake.session_ticket_lifetime_hint",
	"tls.handshake.cert_type",
}

// TestDecodedFieldsAreThoseThatTsharkSees puts every recording into one
// capture, a TCP stream each, and compares field by field.
func TestDecodedFieldsAreThoseThatTsharkSees(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		missing(t, "no tshark to compare with")
	}
	files := append(opensslTranscripts(t), goTranscripts(t, "*-TLSv1*")...)
	capture := filepath.Join(t.TempDir(), "recordings.pcap")
	f, err := os.Create(capture)
	must(t, err)
	w := pcapgo.NewWriter(f)
	must(t, w.WriteFileHeader(1<<16, layers.LinkTypeRaw))
	for i, file := range files {
		writeStream(t, w, 10000+i, loadTranscript(t, file))
	}
	must(t, f.Close())

	args := []string{"-r", capture, "-d", "tcp.port==443,tls", "-T", "fields", "-E", "occurrence=a", "-e", "tcp.stream"}
	for _, name := range sharkFields {
		args = append(args, "-e", name)
	}
	out, err := exec.Command("tshark", args...).Output()
	must(t, err)
	theirs := make([][]string, len(files))
	for i := range theirs {
		theirs[i] = make([]string, len(sharkFields))
	}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		columns := strings.Split(s.Text(), "\t")
		stream, err := strconv.Atoi(columns[0])
		must(t, err)
		for k, v := range columns[1:] {
			if v != "" {
				theirs[stream][k] += normal(v) + ","
			}
		}
	}
	for i, file := range files {
		ours := make([]string, len(sharkFields))
		for _, c := range clear(t, loadTranscript(t, file)) {
			for k, v := range sharkView(t, c) {
				ours[k] += v
			}
		}
		for k, name := range sharkFields {
			if ours[k] != theirs[i][k] {
				t.Errorf("%s: %s\nours   %s\ntshark %s", filepath.Base(file), name, ours[k], theirs[i][k])
			}
		}
	}
}

// normal writes tshark's hexadecimal numbers in decimal.
func normal(list string) string {
	words := strings.Split(list, ",")
	for i, word := range words {
		if v, err := strconv.ParseUint(word, 0, 32); err == nil {
			words[i] = strconv.FormatUint(v, 10)
		}
	}
	return strings.Join(words, ",")
}

func writeStream(t *testing.T, w *pcapgo.Writer, port int, flows []flow) {
	t.Helper()
	client, server := net.IPv4(198, 18, 0, 1), net.IPv4(198, 18, 0, 2)
	seq := map[bool]uint32{true: 1, false: 1}
	for _, f := range flows {
		for data := f.data; len(data) > 0; {
			n := min(len(data), 1400)
			ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: server, DstIP: client}
			tcp := &layers.TCP{SrcPort: 443, DstPort: layers.TCPPort(port), ACK: true, PSH: true, Window: 65535}
			if f.fromClient {
				ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
				tcp.SrcPort, tcp.DstPort = tcp.DstPort, tcp.SrcPort
			}
			tcp.Seq, tcp.Ack = seq[f.fromClient], seq[!f.fromClient]
			must(t, tcp.SetNetworkLayerForChecksum(ip))
			buf := gopacket.NewSerializeBuffer()
			opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
			must(t, gopacket.SerializeLayers(buf, opts, ip, tcp, gopacket.Payload(data[:n])))
			b := buf.Bytes()
			must(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(b), Length: len(b)}, b))
			seq[f.fromClient] += uint32(n)
			data = data[n:]
		}
	}
}

// sharkView returns what tshark shows of a message, a list for each of
// sharkFields.
func sharkView(t *testing.T, c content) []string {
	t.Helper()
	out := make([]string, len(sharkFields))
	if c.content != tlsmsg.ContentHandshake {
		return out
	}
	add := func(name string, v any) {
		for k := range sharkFields {
			if sharkFields[k] == "tls.handshake."+name {
				out[k] += fmt.Sprintf("%v,", v)
			}
		}
	}
	decoded, err := tlsmsg.ParseMessage(c.raw, c.ctx)
	must(t, err)
	add("type", uint8(decoded.Type()))
	switch m := decoded.(type) {
	case *tlsmsg.ClientHello:
		for _, s := range m.CipherSuites {
			add("ciphersuite", uint16(s))
		}
	case *tlsmsg.ServerHello:
		add("ciphersuite", uint16(m.CipherSuite))
	case *tlsmsg.Certificate:
		for _, der := range m.Chain {
			add("certificate_length", len(der))
		}
	case *tlsmsg.ServerKeyExchange:
		if m.CurveType == tlsmsg.CurveNamed {
			add("server_named_curve", uint16(m.Group))
		}
		if m.Scheme != 0 {
			add("sig_hash_alg", uint16(m.Scheme))
		}
	case *tlsmsg.CertificateVerify:
		if m.Scheme != 0 {
			add("sig_hash_alg", uint16(m.Scheme))
		}
	case *tlsmsg.CertificateRequest:
		for _, typ := range m.CertificateTypes {
			add("cert_type", uint8(typ))
		}
		for _, s := range m.Schemes {
			add("sig_hash_alg", uint16(s))
		}
	case *tlsmsg.NewSessionTicket:
		add("session_ticket_lifetime_hint", m.LifetimeHint)
	}
	list, in := extensionsOf(t, c)
	for _, e := range list {
		add("extension.type", uint16(e.Type))
		v := tlsmsg.NewExtensionData(e.Type)
		if v == nil {
			continue
		}
		must(t, e.Decode(v, in))
		switch v := v.(type) {
		case *tlsmsg.SupportedGroups:
			for _, g := range v.Groups {
				add("extensions_supported_group", uint16(g))
			}
		case *tlsmsg.SignatureAlgorithms:
			for _, s := range v.Schemes {
				add("sig_hash_alg", uint16(s))
			}
		case *tlsmsg.SignatureAlgorithmsCert:
			for _, s := range v.Schemes {
				add("sig_hash_alg", uint16(s))
			}
		case *tlsmsg.SignedCertificateTimestamps:
			for _, sct := range v.List { // tshark looks inside (RFC 6962, section 3.2)
				const extensions = 1 + 32 + 8
				at := extensions + 2 + int(sct[extensions])<<8 + int(sct[extensions+1])
				add("sig_hash_alg", int(sct[at])<<8|int(sct[at+1]))
			}
		case *tlsmsg.ALPN:
			for _, p := range v.Protocols {
				add("extensions_alpn_str", p)
			}
		}
	}
	return out
}
