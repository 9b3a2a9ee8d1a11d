package tlsmsg_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

func TestRecordedMessagesEncodeToTheSameBytes(t *testing.T) {
	seen := map[string]int{}
	eachRecording(t, func(t *testing.T, all []content) {
		for _, c := range all {
			seen[c.String()]++
			if again := reencode(t, c); !bytes.Equal(again, c.raw) {
				t.Errorf("%s\n% x\nbecame\n% x", c, c.raw, again)
			}
		}
	})
	for _, name := range []string{
		"ClientHello", "ServerHello", "Certificate", "CertificateStatus", "ServerKeyExchange",
		"CertificateRequest", "ServerHelloDone", "ClientKeyExchange", "CertificateVerify",
		"NewSessionTicket", "ChangeCipherSpec", "Alert",
	} {
		if seen[name] == 0 && !t.Failed() {
			t.Errorf("no recording has a %s", name)
		}
	}
}

// reencode decodes a content and encodes it again; known messages must be.
func reencode(t *testing.T, c content) []byte {
	t.Helper()
	switch c.content {
	case tlsmsg.ContentChangeCipherSpec:
		m, err := tlsmsg.ParseChangeCipherSpec(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		return m.Append(nil)
	case tlsmsg.ContentAlert:
		m, err := tlsmsg.ParseAlert(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		return m.Append(nil)
	}
	m, err := tlsmsg.ParseMessage(c.raw, c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	switch m := m.(type) {
	case *tlsmsg.UnknownMessage:
		t.Errorf("%s is not decoded", c)
	case *tlsmsg.ServerKeyExchange:
		if m.Raw != nil {
			t.Errorf("%s is not decoded under %s", c, c.ctx.KeyExchange)
		}
		m.Params = nil // encode from the fields
	}
	return tlsmsg.Append(nil, m, c.ctx)
}

func TestRecordedExtensionsEncodeToTheSameBytes(t *testing.T) {
	seen := map[tlsmsg.ExtensionType]int{}
	eachRecording(t, func(t *testing.T, all []content) {
		for _, c := range all {
			list, in := extensionsOf(t, c)
			for _, e := range list {
				v := tlsmsg.NewExtensionData(e.Type)
				if v == nil {
					continue
				}
				seen[e.Type]++
				if err := e.Decode(v, in); err != nil {
					t.Errorf("%s: %v", c, err)
				} else if again := v.AppendData(nil, in); !bytes.Equal(again, e.Data) {
					t.Errorf("%s in %s\n% x\nbecame\n% x", e.Type, c, e.Data, again)
				}
			}
		}
	})
	if len(seen) < 15 && !t.Failed() {
		t.Errorf("only %d kinds of extension in all recordings", len(seen))
	}
}

func extensionsOf(t *testing.T, c content) ([]tlsmsg.Extension, tlsmsg.HandshakeType) {
	t.Helper()
	if c.content != tlsmsg.ContentHandshake {
		return nil, 0
	}
	m, err := tlsmsg.ParseMessage(c.raw, c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		return m.Extensions, m.Type()
	case *tlsmsg.ServerHello:
		return m.Extensions, m.Form()
	}
	return nil, 0
}

func TestEveryRecordedByteBelongsToOneLeaf(t *testing.T) {
	eachRecording(t, func(t *testing.T, all []content) {
		for _, c := range all {
			tree, err := tlsmsg.ExplainContent(c.content, c.raw, c.ctx)
			if err != nil {
				t.Errorf("%s: %v", c, err)
			}
			checkLeaves(t, tree, c.raw)
			if unsound := find(tree, func(n *field.Node) bool { return n.Name == "malformed" }); unsound != nil {
				t.Errorf("%s: %s", c, unsound.Meaning)
			}
		}
	})
}

// checkLeaves demands that the leaves follow one another without a gap and
// cover all of raw, and that every group spans what it holds.
func checkLeaves(t testing.TB, tree *field.Node, raw []byte) {
	t.Helper()
	next := 0
	for leaf := range tree.Leaves() {
		if leaf.Offset != next {
			t.Fatalf("%s: leaf %s begins at %d, expected %d", tree.Name, leaf.Name, leaf.Offset, next)
		}
		next += leaf.Length
	}
	if next != len(raw) {
		t.Fatalf("%s: leaves end at %d of %d", tree.Name, next, len(raw))
	}
	find(tree, func(n *field.Node) bool {
		for _, child := range n.Children {
			if child.Offset < n.Offset || child.Offset+child.Length > n.Offset+n.Length {
				t.Fatalf("%s: %s leaves %s", tree.Name, child.Name, n.Name)
			}
		}
		return false
	})
}

// find returns the first node of the tree that f accepts.
func find(n *field.Node, f func(*field.Node) bool) *field.Node {
	if f(n) {
		return n
	}
	for _, child := range n.Children {
		if found := find(child, f); found != nil {
			return found
		}
	}
	return nil
}

func TestEveryTruncationIsAnErrorAndNoPanic(t *testing.T) {
	eachRecording(t, func(t *testing.T, all []content) {
		for _, c := range all {
			for n := range len(c.raw) {
				cut := c.raw[:n:n]
				tree, err := tlsmsg.ExplainContent(c.content, cut, c.ctx)
				if err == nil {
					t.Fatalf("%s cut to %d of %d bytes: no error", c, n, len(c.raw))
				}
				if n < 300 || n%97 == 0 { // the tree is the slow part
					checkLeaves(t, tree, cut)
				}
				if c.content == tlsmsg.ContentHandshake && n >= tlsmsg.HeaderLen {
					checkCutBody(t, c, n)
				}
			}
		}
	})
}

// checkCutBody cuts a message whose header tells the truth about the cut. What
// is accepted then must be whole: a ClientHello may end before its extensions.
func checkCutBody(t *testing.T, c content, n int) {
	t.Helper()
	cut := bytes.Clone(c.raw[:n])
	size := n - tlsmsg.HeaderLen
	cut[1], cut[2], cut[3] = byte(size>>16), byte(size>>8), byte(size)
	m, err := tlsmsg.ParseMessage(cut, c.ctx)
	if err != nil {
		return
	}
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		if m.HasExtensions {
			t.Fatalf("%s cut to %d of %d bytes: no error", c, n, len(c.raw))
		}
	case *tlsmsg.ServerHello:
		if m.HasExtensions {
			t.Fatalf("%s cut to %d of %d bytes: no error", c, n, len(c.raw))
		}
	default:
		t.Fatalf("%s cut to %d of %d bytes: no error", c, n, len(c.raw))
	}
}

// What a word in the name of a client's recording says of what was negotiated:
// OpenSSL was told to take just that. Which recordings there are, and of what,
// is for each release of Go to choose, and its servers' names promise less.
var (
	recordedVersions = map[string]tlsmsg.Version{
		"TLSv10": tlsmsg.VersionTLS10, "TLSv11": tlsmsg.VersionTLS11,
		"TLSv12": tlsmsg.VersionTLS12, "TLSv13": tlsmsg.VersionTLS13,
	}
	recordedGroups = map[string]tlsmsg.NamedGroup{"P256": tlsmsg.GroupSecp256r1, "X25519": tlsmsg.GroupX25519}
	suiteWords     = map[string]string{ // a part of the suite's name
		"RC4": "RC4_128", "3DES": "3DES_EDE", "AES": "AES_", "AES128": "AES_128", "AES256": "AES_256", "GCM": "_GCM_",
		"CHACHA20": "CHACHA20", "POLY1305": "POLY1305", "SHA256": "_SHA256", "SHA384": "_SHA384",
	}
	exchangeWords = map[string]string{"ECDHE": "_ECDHE_", "ECDSA": "_ECDSA_", "RSA": "_RSA_"} // in suites before TLS 1.3
)

func TestGoRecordingsNegotiateWhatTheirNamesSay(t *testing.T) {
	said := map[string]int{}
	for _, file := range goTranscripts(t, "Client-TLSv1*") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			words := strings.Split(filepath.Base(file), "-")[1:] // after Client
			version := recordedVersions[words[0]]
			got := negotiated(t, file)
			if got.version != version {
				t.Errorf("%s was negotiated", got.version)
			}
			said[words[0]]++
			for _, word := range words[1:] {
				part, ok := suiteWords[word]
				if !ok && version != tlsmsg.VersionTLS13 {
					part, ok = exchangeWords[word]
				}
				group, grouped := recordedGroups[word]
				switch {
				case ok && !strings.Contains(got.suite.String(), part):
					t.Errorf("the suite is %s", got.suite)
				case grouped && version != tlsmsg.VersionTLS13 && got.group != group:
					t.Errorf("the group is %s", got.group)
				case !ok && !grouped:
					return // of certificates, resumption and the like
				}
				said[word]++
			}
		})
	}
	for _, word := range []string{"TLSv10", "TLSv11", "TLSv12", "TLSv13", "RC4", "GCM", "CHACHA20", "ECDHE", "P256", "X25519"} {
		if said[word] == 0 && !t.Failed() {
			t.Errorf("no recording's name says %s", word)
		}
	}
}

type negotiation struct {
	version tlsmsg.Version
	suite   tlsmsg.CipherSuite
	group   tlsmsg.NamedGroup // 0 where ServerKeyExchange names none
}

// negotiated reads the first handshake of a recording.
func negotiated(t *testing.T, file string) (got negotiation) {
	t.Helper()
	for _, c := range clear(t, loadTranscript(t, file)) {
		switch c.String() {
		case "ServerHello":
			var hello tlsmsg.ServerHello
			must(t, tlsmsg.ParseInto(&hello, c.raw, c.ctx))
			got.version, got.suite = c.ctx.Version, hello.CipherSuite
		case "ServerKeyExchange":
			var kx tlsmsg.ServerKeyExchange
			must(t, tlsmsg.ParseInto(&kx, c.raw, c.ctx))
			got.group = kx.Group
		}
	}
	return got
}

func TestGoRecordingsOfALPNAndSCTDecode(t *testing.T) {
	all := clear(t, loadTranscript(t, goTranscripts(t, "Client-TLSv12-ALPN")[0]))
	var offer, answer tlsmsg.ALPN
	var client tlsmsg.ClientHello
	var server tlsmsg.ServerHello
	must(t, tlsmsg.ParseInto(&client, all[0].raw, all[0].ctx))
	must(t, tlsmsg.ParseInto(&server, all[1].raw, all[1].ctx))
	if found, err := client.DecodeExtension(&offer); err != nil || !found {
		t.Fatalf("offer: found %v, %v", found, err)
	}
	if found, err := server.DecodeExtension(&answer); err != nil || !found {
		t.Fatalf("answer: found %v, %v", found, err)
	}
	if got := strings.Join(offer.Protocols, " ") + " / " + strings.Join(answer.Protocols, " "); got != "proto2 proto1 / proto1" {
		t.Errorf("ALPN %s", got)
	}

	all = clear(t, loadTranscript(t, goTranscripts(t, "Client-TLSv12-SCT")[0]))
	must(t, tlsmsg.ParseInto(&server, all[1].raw, all[1].ctx))
	var scts tlsmsg.SignedCertificateTimestamps
	if found, err := server.DecodeExtension(&scts); err != nil || !found || len(scts.List) != 3 {
		t.Errorf("%d timestamps, found %v, %v; want 3", len(scts.List), found, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecordedCertificatesAreDER(t *testing.T) {
	for _, file := range goTranscripts(t, "Client-TLSv12-*") {
		for _, c := range clear(t, loadTranscript(t, file)) {
			if c.String() != "Certificate" {
				continue
			}
			var m tlsmsg.Certificate
			must(t, tlsmsg.ParseInto(&m, c.raw, c.ctx))
			for _, der := range m.Chain {
				if len(der) < 4 || der[0] != 0x30 || int(der[2])<<8+int(der[3])+4 != len(der) {
					t.Errorf("%s: a certificate of %d bytes begins % x", filepath.Base(file), len(der), der[:4])
				}
			}
		}
	}
}

func TestRecordedFragmentsAreThoseOfOneMessageInManyRecords(t *testing.T) {
	flows := loadTranscript(t, "testdata/openssl/many-fragments.txt")
	handshakes := 0
	for b := flows[1].data; len(b) > 0; {
		rec, n, err := tlsmsg.NextRecord(b)
		must(t, err)
		if rec.Type == tlsmsg.ContentHandshake {
			handshakes++
		}
		b = b[n:]
	}
	messages := 0
	for _, c := range clear(t, flows[:2]) {
		if !c.fromClient {
			messages++
		}
	}
	if handshakes <= messages {
		t.Errorf("%d messages in %d records: none is split", messages, handshakes)
	}
}

func TestOpenSSLRecordingsDecodeToWhatWasAskedFor(t *testing.T) {
	load := func(name string) []content { return clear(t, loadTranscript(t, "testdata/openssl/"+name+".txt")) }

	var hello tlsmsg.ClientHello
	var name tlsmsg.ServerName
	all := load("ecdhe-ecdsa")
	must(t, tlsmsg.ParseInto(&hello, all[0].raw, all[0].ctx))
	if _, err := hello.DecodeExtension(&name); err != nil || name.HostName() != "rawshake.test" {
		t.Errorf("server_name %q, %v", name.HostName(), err)
	}
	var answer tlsmsg.ServerHello
	var alpn tlsmsg.ALPN
	must(t, tlsmsg.ParseInto(&answer, all[1].raw, all[1].ctx))
	if _, err := answer.DecodeExtension(&alpn); err != nil || len(alpn.Protocols) != 1 || alpn.Protocols[0] != "http/1.1" {
		t.Errorf("ALPN %q, %v", alpn.Protocols, err)
	}

	var dhe tlsmsg.ServerKeyExchange
	for _, c := range load("dhe-rsa") {
		if c.String() == "ServerKeyExchange" {
			must(t, tlsmsg.ParseInto(&dhe, c.raw, c.ctx))
		}
	}
	if len(dhe.DHPrime) != 256 || !bytes.Equal(dhe.DHGenerator, []byte{2}) || dhe.Scheme != tlsmsg.SchemeRSAPSSRSAESHA256 {
		t.Errorf("a prime of %d bytes, generator % x, %s", len(dhe.DHPrime), dhe.DHGenerator, dhe.Scheme)
	}

	var status tlsmsg.CertificateStatus
	for _, c := range load("status-request") {
		if c.String() == "CertificateStatus" {
			must(t, tlsmsg.ParseInto(&status, c.raw, c.ctx))
		}
	}
	if status.StatusType != tlsmsg.StatusTypeOCSP || len(status.Response) < 100 || status.Response[0] != 0x30 {
		t.Errorf("status of type %s: % x", status.StatusType, status.Response)
	}

	for recording, want := range map[string]tlsmsg.AlertDescription{
		"no-shared-cipher": tlsmsg.AlertHandshakeFailure,
		"tls13-only":       tlsmsg.AlertProtocolVersion,
	} {
		all := load(recording)
		alert, err := tlsmsg.ParseAlert(all[len(all)-1].raw)
		if err != nil || alert != (tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: want}) {
			t.Errorf("%s ends with %s, %v; want fatal %s", recording, alert, err, want)
		}
	}
}
