package docs

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

var update = flag.Bool("update", false, "write the document anew")

const path = "../../../docs/reading-a-handshake.md"

func TestMain(m *testing.M) { os.Exit(netns.RunTests(m)) }

func TestReadingAHandshakeIsTrue(t *testing.T) {
	tr := live.Run(t, live.Case{Server: service.Options{ClientAuth: service.NoClientAuth, MaxVersion: tlsmsg.VersionTLS12}, Adjust: func(o *connect.Options) { o.Goal = goal.Finished }})
	tr13 := live.Run(t, live.Case{Server: service.Options{ClientAuth: service.NoClientAuth}, Adjust: func(o *connect.Options) {
		o.Goal, o.TLS.MaxVersion = goal.Finished, tlsmsg.VersionTLS13
		o.TLS.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupX25519}
	}})
	got := document(t, tr) + chapter13(t, tr13)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fresh, kept := masked(got), masked(string(want))
	for i := range max(len(fresh), len(kept)) {
		if i >= len(fresh) || i >= len(kept) || fresh[i] != kept[i] {
			t.Fatalf("line %d is no longer true: look at what go test ./internal/test/docs -update makes of it\n%q\n%q", i+1, fresh[min(i, len(fresh)-1)], kept[min(i, len(kept)-1)])
		}
	}
}

// raw is where the bytes of a field stand, which may be letters alone.
var raw = regexp.MustCompile(`(?m)^ *\d+ +\d+ +[0-9a-f]+…?`)

// changing is what is another in each handshake: bytes, numbers, dates, and how
// much room they take.
var changing = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f…]*|\s+`)

// masked is a document's lines without what changes.
func masked(s string) []string {
	return strings.Split(changing.ReplaceAllString(raw.ReplaceAllString(s, "#"), "#"), "\n")
}

// A part is one of the thirteen steps: what it is, of which bytes it shows
// which, and what it is compared to.
type part struct {
	title, way string
	flags      wire.Flags // of a segment
	message    string     // or a message's name
	dir        transcript.Dir
	fields     []string
	aside      string
}

var parts = []part{
	{"SYN", "client to server", wire.SYN, "", transcript.Out,
		[]string{"TCP.source_port", "TCP.destination_port", "TCP.sequence_number", "TCP.flags", "TCP.options.maximum_segment_size"},
		"TLS has its own opening word, in step 4: the SYN asks whether anybody is there, the ClientHello who."},
	{"SYN-ACK", "server to client", wire.SYN | wire.ACK, "", transcript.In,
		[]string{"TCP.sequence_number", "TCP.acknowledgment_number", "TCP.flags"},
		"In TLS the server's answer is the ServerHello, in step 5. Both say: I heard you, and here is my own number. TCP's must be hard to guess, TLS's must never come twice."},
	{"ACK", "client to server", wire.ACK, "", transcript.Out,
		[]string{"TCP.acknowledgment_number", "TCP.flags"},
		"This is TCP's Finished: it proves that the answer arrived. It proves no more than that, and to somebody on the path it is no proof at all, since the number can be read there. TLS needs ten more steps for more."},
	{"ClientHello", "client to server", 0, "ClientHello", transcript.Out,
		[]string{"ClientHello.client_version", "ClientHello.random", "ClientHello.cipher_suites", "ClientHello.extensions.server_name.server_name_list.host_name.bytes"}, ""},
	{"ServerHello", "server to client", 0, "ServerHello", transcript.In,
		[]string{"ServerHello.server_version", "ServerHello.random", "ServerHello.cipher_suite"}, ""},
	{"Certificate", "server to client", 0, "Certificate", transcript.In,
		[]string{"Certificate.certificate_list", "tbsCertificate.validity.notAfter.value", "dNSName.value", "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.bits", "x509.signatureValue.bits"}, ""},
	{"ServerKeyExchange", "server to client", 0, "ServerKeyExchange", transcript.In,
		[]string{"ServerKeyExchange.params.named_curve", "ServerKeyExchange.params.public.bytes", "ServerKeyExchange.algorithm", "ServerKeyExchange.signature"}, ""},
	{"ServerHelloDone", "server to client", 0, "ServerHelloDone", transcript.In, []string{"ServerHelloDone.msg_type"}, ""},
	{"ClientKeyExchange", "client to server", 0, "ClientKeyExchange", transcript.Out, []string{"ClientKeyExchange.ecdh_Yc.bytes"},
		"From here on both sides can compute the keys: `--view keys` shows how, with the real values."},
	{"ChangeCipherSpec", "client to server", 0, "ChangeCipherSpec", transcript.Out, []string{"ChangeCipherSpec.type"}, ""},
	{"Finished", "client to server", 0, "Finished", transcript.Out, []string{"Finished.verify_data"}, ""},
	{"ChangeCipherSpec", "server to client", 0, "ChangeCipherSpec", transcript.In, []string{"ChangeCipherSpec.type"}, ""},
	{"Finished", "server to client", 0, "Finished", transcript.In, []string{"Finished.verify_data"},
		"TCP ended with a number sent back. TLS ends with a hash of everything, under a key that only the two have: that is the difference between hearing each other and knowing each other."},
}

// document writes the whole of it.
func document(t *testing.T, tr *transcript.Transcript) string {
	var b strings.Builder
	b.WriteString(`# Reading a handshake

Thirteen steps lead from nothing to an encrypted connection: three of TCP, ten of TLS 1.2. Here they are, with the bytes of a real handshake in the lab (` + "`rawshake lab demo`" + ` makes one like it) and what the program says about them. To see every byte of your own: ` + "`rawshake connect --html page.html HOST`" + `, or ` + "`--view fields`" + `, or ` + "`--step`" + ` to stop at each.

This document is made by ` + "`go test ./internal/test/docs -update`" + `, and a test compares it with a new handshake each time.

| | TCP | TLS |
| --- | --- | --- |
| asks | SYN (1) | ClientHello (4) |
| answers | SYN-ACK (2) | ServerHello (5) |
| who is it? | whoever receives at that address | Certificate (6), ServerKeyExchange (7) |
| a number of each side | initial sequence numbers, hard to guess | randoms, never the same twice |
| a secret | none | ServerKeyExchange (7), ClientKeyExchange (9) |
| ends with | ACK (3): your answer arrived | Finished (11, 13): we saw the same, and have the same secret |
| protects from | accidents, and people who cannot see the packets | people who can see, change and send packets |

`)
	tell(t, &b, tr, "##", 1, parts)
	return b.String()
}

// tell writes parts as sections, numbered from first on.
func tell(t *testing.T, b *strings.Builder, tr *transcript.Transcript, heading string, first int, parts []part) {
	a := dissect.Of(tr)
	for i, p := range parts {
		s := find(t, tr, a, p)
		fmt.Fprintf(b, "%s %d. %s\n\n*%s*, in frame %d", heading, first+i, p.title, p.way, s.Frame.Number)
		if s.Message != nil && s.Message.Encrypted {
			b.WriteString(", encrypted; shown decrypted")
		}
		b.WriteString("\n\n")
		root := p.title
		if p.message == "" {
			root = "TCP"
		}
		b.WriteString(words(t, root, s.Situation).Text + "\n\n```\n")
		facts := view.SegmentFacts(s.Frame)
		if s.Message != nil {
			facts = view.MessageFacts(s.Message)
		}
		fmt.Fprintf(b, "%s\n", strings.TrimRight(p.title+"  "+strings.Join(facts, "  "), " "))
		said := excerpt(t, b, s, p.fields)
		b.WriteString("```\n\n")
		for _, line := range said {
			b.WriteString(line + "\n")
		}
		if p.aside != "" {
			b.WriteString("\n" + p.aside + "\n")
		}
		b.WriteString("\n")
	}
}

// find is the packet or message that a part is about.
func find(t *testing.T, tr *transcript.Transcript, a *dissect.Anatomy, p part) *dissect.Specimen {
	t.Helper()
	for _, e := range tr.Entries {
		switch {
		case e.Dir != p.dir:
		case e.Message != nil && p.message != "" && e.Message.Name() == p.message:
			return a.Message(e.Frame, e.Message)
		case e.Type == transcript.TypeSegment && p.message == "" && e.Frame.Segment.Flags == p.flags:
			return a.Frame(e.Frame)
		}
	}
	t.Fatalf("no %s", p.title)
	return nil
}

func words(t *testing.T, key, situation string) dictionary.Entry {
	t.Helper()
	e, ok := dictionary.English().Find(key, situation)
	if !ok {
		t.Fatalf("nothing is said of %s", key)
	}
	return e
}

// content is the end of a field's name that only says that it is what is inside:
// the words are those of the whole.
var content = regexp.MustCompile(`\.(bytes|value|bits)$`)

// excerpt writes chosen fields as --view fields does, and returns what is said
// of each.
func excerpt(t *testing.T, b *strings.Builder, s *dissect.Specimen, keys []string) (said []string) {
	t.Helper()
	for _, key := range keys {
		found := slices.Collect(s.Rows(nil))
		i := slices.IndexFunc(found, func(r dissect.Row) bool { return r.Key == key || strings.HasSuffix(r.Key, "."+key) })
		if i < 0 {
			t.Fatalf("%s is not there", key)
		}
		n, octets := found[i].Node, ""
		if n.Kind != field.Group {
			value := s.Value(n)
			octets = hex.EncodeToString(value[:min(len(value), 8)])
			if len(value) > 8 {
				octets += "…"
			}
		}
		value := view.Value(n, s.Data)
		if value != "" {
			value = ": " + value
		}
		fmt.Fprintf(b, "%6d %5d  %-18s %s%s\n", n.Offset, n.Length, octets, key, value)
		e := words(t, content.ReplaceAllString(found[i].Key, ""), s.Situation)
		said = append(said, fmt.Sprintf("* **%s** %s *(%s)*", content.ReplaceAllString(key, ""), strings.ReplaceAll(e.Text, "*", `\*`), e.Source))
	}
	return said
}
