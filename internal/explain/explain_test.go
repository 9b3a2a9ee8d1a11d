package explain

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
)

var captures = filepath.Join("..", "..", "testdata", "captures")

// pipe hides that a file can be read twice.
type pipe struct{ io.Reader }

// explained shows a capture of testdata through a view.
func explained(t testing.TB, file, viewName string, o Options, stream bool) (string, *Report) {
	t.Helper()
	path := file
	if !filepath.IsAbs(file) {
		path = filepath.Join(captures, file)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Stat(path + ".keys"); err == nil {
		o.KeyLog = path + ".keys"
	}
	var from io.Reader = f
	if stream {
		from = pipe{f}
	}
	var out bytes.Buffer
	v, err := view.New(viewName, &out, view.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Listener, o.Limit = v.Entry, transcript.KeepNothing
	r, err := Reader(t.Context(), from, o)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), r
}

// What each capture comes to. In those of one connection, "data" means that
// both Finished were checked and application data was decrypted.
var ends = []struct{ file, end, says string }{
	{"tls12-ecdhe-ecdsa.pcapng", "✔ data: TLS 1.2 with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "GET / HTTP/1.0"},
	{"tls12-curl-nginx.pcapng", "✔ data: TLS 1.2", "HTTP/1.1 200 OK"},
	{"tls12-gnutls-ipv6.pcap", "✔ data: TLS 1.2", "both Finished messages agree"},
	{"tls12-client-auth.pcapng", "✔ data: TLS 1.2", "CertificateVerify"},
	{"tls12-rsa-cbc-etm.pcapng", "✔ data: TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA", "GET / HTTP/1.0"},
	{"tls12-dhe.pcapng", "✔ data: TLS 1.2 with TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "GET / HTTP/1.0"},
	{"tls12-chacha20.pcapng", "✔ data: TLS 1.2", "GET / HTTP/1.0"},
	{"tls12-go-client.pcapng", "✔ data: TLS 1.2", "GET / HTTP/1.0"},
	{"tls12-renegotiation.pcapng", "✔ finished: TLS 1.2", "ClientHello            │  encrypted"},
	{"tls10.pcap", "✔ data: TLS 1.0", "GET / HTTP/1.0"},
	{"tls11.pcap", "✔ data: TLS 1.1", "GET / HTTP/1.0"},
	{"tls13.pcapng", "✔ data: TLS 1.3 with TLS_AES_256_GCM_SHA384, key exchange over x25519", "both Finished messages agree"},
	{"tls13-retry.pcapng", "✔ hello: TLS 1.3", "HelloRetryRequest"},
	{"tls13-retry.pcapng", "✔ hello: TLS 1.3", "this is TLS 1.3, where all that follows the ServerHello is encrypted, and the secrets of this client random are not at hand"},
	{"tls13-hello-retry.pcapng", "✔ data: TLS 1.3 with TLS_AES_256_GCM_SHA384, key exchange over secp521r1", "both Finished messages agree"},
	{"tls13-key-update.pcapng", "✔ data: TLS 1.3", "owt"},
	{"tls13-gnutls.pcap", "✔ data: TLS 1.3", "both Finished messages agree"},
	{"tls13-hybrid.pcapng", "✔ data: TLS 1.3 with TLS_AES_128_GCM_SHA256, key exchange over X25519MLKEM768, protocol http/1.1", "both Finished messages agree"},
	{"rawshake13-ech.pcapng", "✔ data: TLS 1.3", "answers that one: what it asks for is not known here"},
	{"rawshake13.pcapng", "✔ data: TLS 1.3", "GET / HTTP/1.1"},
	{"rawshake.pcapng", "✔ data: TLS 1.2", "GET / HTTP/1.1"},
	{"alert-handshake-failure.pcapng", "✘ alert: the server sent the alert handshake_failure", ""},
	{"alert-unknown-ca.pcapng", "✘ alert: the client sent the alert unknown_ca", ""},
	{"alert-bad-record-mac.pcapng", "✘ alert: the client sent the alert bad_record_mac", "does not decrypt"},
	{"refused.pcapng", "✘ closed: a RST answered the SYN", ""},
	{"plain-http.pcapng", "✘ not tls: what the server says", "HTTP/1.1 400"},
	{"cut-by-reset.pcapng", "✘ reset: the server reset the connection after the server's ServerHello", ""},
	{"loss-and-reordering.pcapng", "✔ data: TLS 1.2", "retransmission"},
	{"fragments.pcapng", "✔ data: TLS 1.2", "completes a segment"},
	{"fragments-ipv6.pcapng", "✔ data: TLS 1.2", "completes a segment"},
	{"gap.pcap", "✔ data: TLS 1.1", "73 bytes of the client are missing"},
	{"middle.pcap", "✘ incomplete: the capture does not hold the beginning", "does not hold the two hellos"},
	{"shuffled.pcapng", "✔ data: TLS 1.2", "not decrypted"},
	{"cooked-v1.pcap", "✔ data: TLS 1.2", "GET / HTTP/1.0"},
	{"cooked-v2.pcap", "✔ data: TLS 1.2", "GET / HTTP/1.0"},
	{"loopback-ipv6.pcapng", "✔ data: TLS 1.2", "GET / HTTP/1.0"},
	{"snaplen-96.pcapng", "✘ incomplete: too much of it is missing", "handshake  TLS 1.0  len 30  291 not captured"},
	{"vlan.pcap", "✔ data: TLS 1.2", "no secret for this client random"},
	{"qinq.pcap", "✔ data: TLS 1.2", "not decrypted"},
	{"null.pcap", "✔ data: TLS 1.2", "not decrypted"},
	{"loop.pcap", "✔ data: TLS 1.2", "not decrypted"},
	{"raw.pcap", "✔ data: TLS 1.2", "not decrypted"},
	{"big-endian.pcapng", "✔ data: TLS 1.2", "not decrypted"},
	{"cut-off.pcapng", "✘ incomplete: the capture does not hold the end of it. The file is broken: block ", "SYN"},
}

func TestEachCaptureIsExplained(t *testing.T) {
	for _, tc := range ends {
		for _, stream := range []bool{false, true} {
			out, _ := explained(t, tc.file, "ladder", Options{}, stream)
			flat := strings.Join(strings.Fields(out), " ")
			for _, want := range []string{tc.end, tc.says} {
				if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("%s (stream: %v): the ladder does not say %q:\n%s", tc.file, stream, want, out)
				}
			}
		}
	}
}

// A stream that cannot be read twice gives what a file gives, in each view.
func TestAStreamIsExplainedAsAFileIs(t *testing.T) {
	for _, file := range []string{"tls12-client-auth.pcapng", "loss-and-reordering.pcapng", "cut-off.pcapng", "many.pcapng"} {
		for _, name := range view.Names {
			a, ra := explained(t, file, name, Options{}, false)
			b, rb := explained(t, file, name, Options{}, true)
			if a != b || fmt.Sprint(ra.Broken) != fmt.Sprint(rb.Broken) || len(ra.Matching) != len(rb.Matching) {
				t.Errorf("%s, %s: a stream gives\n%s\na file\n%s", file, name, b, a)
			}
		}
	}
}

func TestSeveralConnectionsAreListedAndChosen(t *testing.T) {
	for _, tc := range []struct {
		filter Filter
		want   string // names of the connections that are meant
	}{
		{Filter{}, " three.lab.test two.lab.test one.lab.test six.lab.test"},
		{Filter{Conn: 3}, "two.lab.test"},
		{Filter{ServerName: "ONE.lab.test"}, "one.lab.test"},
		{Filter{ServerName: "*.lab.test"}, "three.lab.test two.lab.test one.lab.test six.lab.test"},
		{Filter{Port: 9443}, "six.lab.test"},
		{Filter{Host: netip.MustParsePrefix("2001:db8::/32")}, "six.lab.test"},
		{Filter{Host: netip.MustParsePrefix("198.18.0.1/32"), ServerName: "two.lab.test"}, "two.lab.test"},
		{Filter{Conn: 6}, ""},
	} {
		for _, stream := range []bool{false, true} {
			out, r := explained(t, "many.pcapng", "ladder", Options{Filter: tc.filter}, stream)
			var names []string
			for _, s := range r.Matching {
				names = append(names, s.ServerName)
			}
			if got := strings.Join(names, " "); got != tc.want || r.Total != 5 {
				t.Errorf("%v (stream: %v): %q of %d, want %q of 5", tc.filter, stream, got, r.Total, tc.want)
			}
			if (r.Shown != nil) != (len(names) == 1) || (out != "") != (len(names) == 1) {
				t.Errorf("%v (stream: %v): shown %v:\n%s", tc.filter, stream, r.Shown, out)
			}
		}
	}
}

// What a link put before a packet is told in every view that shows bytes, and to
// programs.
func TestTheLinksHeadersAreShown(t *testing.T) {
	for _, tc := range []struct{ file, view, want string }{
		{"qinq.pcap", "hex", "VLAN.tag_control"}, {"qinq.pcap", "fields", "identifier: 7"},
		{"qinq.pcap", "json", `"link":"Ethernet","link_src":"02:00:c6:12:00:01","link_dst":"02:00:c6:12:00:02","vlan":[7,5]`},
		{"cooked-v2.pcap", "fields", "interface_index: 2"}, {"cooked-v1.pcap", "json", `"link":"Linux cooked v1","link_src":"02:00:c6:12:00:01"`},
		{"null.pcap", "fields", "family: 2, in big-endian order"},
	} {
		if out, _ := explained(t, tc.file, tc.view, Options{}, false); !strings.Contains(out, tc.want) {
			t.Errorf("%s: the %s view does not say %q", tc.file, tc.view, tc.want)
		}
	}
}

// A broken file says where, and gives what stands before.
func TestABrokenFileSaysWhere(t *testing.T) {
	_, r := explained(t, "cut-off.pcapng", "none", Options{}, false)
	var broken *capture.BrokenError
	if !errors.As(r.Broken, &broken) || broken.Offset == 0 || r.Packets == 0 || r.Shown == nil {
		t.Errorf("broken: %v after %d packets", r.Broken, r.Packets)
	}
}

// Whatever a file holds, it is explained without a panic, in every view.
func FuzzExplain(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(captures, "*.pcap*"))
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8000 && !strings.HasSuffix(path, ".keys") {
			f.Add(b)
		}
	}
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) { explainAnything(t, b) })
}

// explainAnything shows the first connection of a file in every view at once,
// and reads it as a stream.
func explainAnything(t *testing.T, b []byte) {
	var views []view.View
	for _, name := range view.Names {
		v, _ := view.New(name, io.Discard, view.Options{Verbose: true})
		views = append(views, v)
	}
	o := Options{Filter: Filter{Conn: 1}, Limit: transcript.KeepNothing, Listener: func(e *transcript.Entry) {
		for _, v := range views {
			v.Entry(e)
		}
	}}
	r, err := Reader(t.Context(), bytes.NewReader(b), o)
	if err == nil && r.Shown == nil && len(r.Matching) == 1 {
		t.Fatal("a connection that is meant is not shown")
	}
	Reader(t.Context(), pipe{bytes.NewReader(b)}, Options{Listener: func(*transcript.Entry) {}})
}

var mutations = flag.Int("mutations", 5, "how many times each capture is damaged")

// TestDamagedCapturesAreExplained damages every capture, so that most of it can
// still be read: what a fuzzer seldom finds.
func TestDamagedCapturesAreExplained(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(captures, "*.pcap*"))
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range *mutations {
			rng := rand.New(rand.NewPCG(uint64(seed), 6))
			damaged := bytes.Clone(b)
			for range 1 + rng.IntN(8) {
				i := 24 + rng.IntN(len(damaged)-24)
				switch rng.IntN(3) {
				case 0:
					damaged[i] ^= 1 << rng.IntN(8)
				case 1:
					damaged[i] = byte(rng.Uint32())
				default:
					n := min(rng.IntN(64), len(damaged)-i)
					copy(damaged[i:i+n], damaged[24:])
				}
			}
			t.Run(fmt.Sprintf("%s %d", filepath.Base(path), seed), func(t *testing.T) { explainAnything(t, damaged) })
		}
	}
}
