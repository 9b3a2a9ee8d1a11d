package interop

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// One file is enough: tshark opens our pcapng decrypted, and finds why each
// packet is there in its comments.
func TestTsharkDecryptsOurCaptureWithoutAnyOtherFile(t *testing.T) {
	tshark := needProgram(t, "tshark")
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startNginx(t, l.Far(), f, false)
	for _, suite := range []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-SHA"} {
		pcap := filepath.Join(t.TempDir(), "out.pcapng")
		rawshake(t, l.Near(), "connect", "--get", "/", "--ca", f.ca, "--ciphers", suite, "--pcap", pcap, hostPort(l.Far(), peerPort)).
			want(t, 0).says(t, pcap+" holds the session's secrets", "--no-secrets")
		if info, err := os.Stat(pcap); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a capture with secrets has mode %v, %v; want 0600", info.Mode(), err)
		}
		read := func(path, filter string, fields ...string) string {
			t.Helper()
			args := []string{"-n", "-r", path, "-Y", filter, "-T", "fields"}
			for _, f := range fields {
				args = append(args, "-e", f)
			}
			out, err := l.Near().Command(tshark, args...).Output()
			if err != nil {
				t.Fatalf("tshark %q: %v", args, err)
			}
			return string(out)
		}
		if got := read(pcap, "http", "http.request.method", "http.response.code"); got != "GET\t\n\t200\n" {
			t.Errorf("%s: tshark decrypts %q of the request and its reply", suite, got)
		}
		if got := read(pcap, "tls.handshake.type == 20", "tls.handshake.type"); strings.Count(got, "20") != 2 {
			t.Errorf("%s: tshark decrypts %q of the two Finished", suite, got)
		}
		if bad := read(pcap, "_ws.malformed || _ws.expert.severity == error", "frame.number"); bad != "" {
			t.Errorf("%s: tshark complains about frames %s", suite, bad)
		}
		comments := read(pcap, "frame.comment", "frame.number", "frame.comment")
		for _, want := range []string{"tcp state_changed: SYN-SENT → ESTABLISHED", "tls certificate_verified:", "tls handshake_finished:"} {
			if !strings.Contains(comments, want) {
				t.Errorf("%s: no packet comment says %q:\n%s", suite, want, comments)
			}
		}

		public := filepath.Join(t.TempDir(), "public.pcapng")
		rawshake(t, l.Near(), "explain", "--strip-secrets", "-o", public, pcap).want(t, 0).says(t, "1 block of secrets")
		if got := read(public, "http", "frame.number"); got != "" {
			t.Errorf("%s: without its secrets the capture still decrypts: %s", suite, got)
		}
		if got := read(public, "frame", "frame.number"); got != read(pcap, "frame", "frame.number") {
			t.Errorf("%s: stripping has changed the packets", suite)
		}
	}
}

// --no-secrets leaves the secrets out, and --pcap - is a capture on standard
// output.
func TestACaptureCanDoWithoutSecretsAndGoToAPipe(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	at := hostPort(l.Far(), peerPort)
	r := rawshake(t, l.Near(), "connect", "--ca", f.ca, "--pcap", "-", "--no-secrets", at).want(t, 0)
	if strings.Contains(r.stdout, "CLIENT_RANDOM") || strings.Contains(r.stderr, "secrets") {
		t.Error("--no-secrets left secrets in, or said so")
	}
	for _, want := range []string{"\x0a\x0d\x0d\x0a", "tls handshake_finished: "} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("standard output is no capture with comments: no %q", want)
		}
	}
	if !strings.Contains(r.stderr, "ClientHello") {
		t.Errorf("the ladder is not on standard error:\n%s", r.stderr)
	}
	r = rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--pcap", "-", at).want(t, 0)
	if strings.Count(r.stdout, "CLIENT_RANDOM") != 1 {
		t.Error("the capture on standard output holds no secrets")
	}
	rawshake(t, l.Near(), "connect", "--get", "/", "--pcap", "-", at).want(t, 2).says(t, "-o")
	rawshake(t, l.Near(), "connect", "--no-secrets", at).want(t, 2).says(t, "--pcap")
}

// What a live run shows of frames, records and messages is what explaining its
// capture shows.
func TestLiveAndOfflineShowTheSame(t *testing.T) {
	for _, p := range tlsPeers {
		for _, args := range [][]string{{"--get", "/"}, {"--until", "certificate"}, {"--get", "/", "-6"}, {"--ciphers", "AES128-SHA,ECDHE-RSA-AES256-SHA", "--get", "/"}} {
			t.Run(p.name+" "+strings.Join(args, " "), func(t *testing.T) {
				l := newLab(t)
				f := newFiles(t, l.Far(), pki.RSA2048, "")
				p.start(t, l.Far(), f, false)
				target := hostPort(l.Far(), peerPort)
				if slices.Contains(args, "-6") {
					if p.name == "nginx" {
						t.Skip("this nginx listens on IPv4 alone")
					}
					target = fmt.Sprintf("[%v]:%d", l.Far().Addr6(), peerPort)
				}
				pcap := filepath.Join(t.TempDir(), "out.pcapng")
				live := rawshake(t, l.Near(), append([]string{"connect", "--json", "--ca", f.ca, "--pcap", pcap, target}, args...)...).want(t, 0)
				view := live.stdout
				if slices.Contains(args, "--get") {
					view = live.stderr
				}
				offline := rawshake(t, l.Near(), "explain", "--json", pcap).want(t, 0)
				compareViews(t, view, offline.stdout)
			})
		}
	}
}

// compareViews compares what two JSON views say of segments, records and
// messages, and of the result what both can know.
func compareViews(t *testing.T, live, offline string) {
	t.Helper()
	a, b := carried(t, live), carried(t, offline)
	for _, typ := range []string{"segment", "record", "message", "result"} {
		if len(a.lines[typ]) == 0 {
			t.Errorf("no %s in the live view:\n%s", typ, live)
		}
		if typ == "record" || typ == "message" {
			b.lines[typ] = untilItStopped(a.lines[typ], b.lines[typ])
		}
		if len(a.lines[typ]) != len(b.lines[typ]) {
			t.Errorf("%d %ss live, %d offline", len(a.lines[typ]), typ, len(b.lines[typ]))
			continue
		}
		for i, line := range a.lines[typ] {
			if line != b.lines[typ][i] {
				t.Errorf("%s %d live\n%s\noffline\n%s", typ, i+1, line, b.lines[typ][i])
			}
		}
	}
	for i := range min(len(a.times), len(b.times)) {
		// Both are rounded to a microsecond, from different beginnings.
		if math.Abs((a.times[i]-a.times[0])-(b.times[i]-b.times[0])) > 0.0021 {
			t.Errorf("segment %d came after %.3f ms live and %.3f ms offline", i+1, a.times[i]-a.times[0], b.times[i]-b.times[0])
		}
	}
}

// untilItStopped leaves out what arrived after the live run had stopped to
// listen, as --until and a failure make it: the frame that brought it is there,
// but nobody took the records out.
func untilItStopped(live, offline []string) (kept []string) {
	count := func(list []string) (n int) {
		for _, line := range list {
			if strings.Contains(line, `"dir":"in"`) {
				n++
			}
		}
		return n
	}
	for _, line := range offline {
		if strings.Contains(line, `"dir":"in"`) && count(kept) == count(live) {
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

// A parsedView is a JSON view taken apart: its lines by type, without what depends on
// when one looks, and the times of the segments.
type parsedView struct {
	lines map[string][]string
	times []float64
}

func carried(t *testing.T, view string) parsedView {
	t.Helper()
	v := parsedView{lines: map[string][]string{}}
	for line := range strings.Lines(jsonLines(view)) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		typ := o["type"].(string)
		switch typ {
		case "segment":
			v.times = append(v.times, o["time_ms"].(float64))
		case "result":
			o = map[string]any{"version": o["version"], "cipher_suite": o["cipher_suite"], "group": o["group"], "alpn": o["alpn"]}
		}
		delete(o, "time_ms")
		b, _ := json.Marshal(o)
		v.lines[typ] = append(v.lines[typ], string(b))
	}
	return v
}

// explain -i shows a connection of others as it happens, without a packet of
// its own, and decrypts it with the key log that their client writes.
func TestExplainListensToTheConnectionsOfOthers(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startNginx(t, l.Far(), f, false)
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for device, link := range map[string]string{l.Near().Interface(): `"link":"Ethernet","link_src":"`, "any": `"link":"Linux cooked v2","link_src":"`} {
		cmd := l.Near().Command(program, "explain", "-i", device, "--port", fmt.Sprint(peerPort), "--keylog", keys, "--json")
		ready := newLineWatch("listening on")
		var out strings.Builder
		cmd.Stderr, cmd.Stdout = ready, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-ready.seen
		client := l.Near().Command(needProgram(t, "curl"), "-sS", "--tls-max", "1.2", "--cacert", f.ca, "https://"+hostPort(l.Far(), peerPort))
		client.Env = append(os.Environ(), "SSLKEYLOGFILE="+keys)
		if page, err := client.CombinedOutput(); err != nil {
			t.Fatalf("curl: %v\n%s", err, page)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("explain -i %s: %v\n%s", device, err, ready)
			}
		case <-time.After(30 * time.Second):
			cmd.Process.Kill()
			t.Fatalf("explain -i %s does not end with the connection", device)
		}
		if !strings.Contains(out.String(), link) {
			t.Errorf("%s: no %s:\n%s", device, link, &out)
		}
		list := entries(t, out.String())
		last := list[len(list)-1]
		if !last.OK || last.Outcome != "data" || last.Version != "TLS 1.2" {
			t.Errorf("%s: result %+v\n%s", device, last, ready)
		}
		if got := messages(list); !slices.Equal(got[:4], []string{"out client_hello", "in server_hello", "in certificate", "in server_key_exchange"}) ||
			!slices.Contains(got, "in application_data") || !strings.Contains(out.String(), `"first_line":"GET / HTTP/1.1"`) {
			t.Errorf("%s: messages %q", device, got)
		}
	}
	rawshake(t, l.Near(), "explain", "-i", "nowhere").want(t, 2).says(t, "no interface", "ip link")
}
