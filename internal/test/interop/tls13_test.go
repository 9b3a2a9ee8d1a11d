package interop

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// peers13 speak TLS 1.3 alone.
var peers13 = []peer{
	{"openssl", func(t *testing.T, n *lab.Node, f files, clientAuth bool) {
		args := []string{"s_server", "-tls1_3", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key, "-CAfile", f.ca}
		if clientAuth {
			args = append(args, "-Verify", "1", "-verify_return_error")
		}
		startPeer(t, n, needProgram(t, "openssl"), args...)
	}},
	{"gnutls", func(t *testing.T, n *lab.Node, f files, clientAuth bool) {
		args := []string{"--http", "--port", fmt.Sprint(peerPort), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3",
			"--x509certfile", f.cert, "--x509keyfile", f.key, "--x509cafile", f.ca, "--disable-client-cert"}
		if clientAuth {
			args = append(args[:len(args)-1], "--require-client-cert", "--verify-client-cert")
		}
		startPeer(t, n, needProgram(t, "gnutls-serv"), args...)
	}},
}

// handshakeWith13 lists the messages of a handshake of TLS 1.3 as a client sees
// them.
func handshakeWith13(clientAuth bool) []string {
	if clientAuth {
		return []string{"out client_hello", "in server_hello", "in encrypted_extensions", "in certificate_request", "in certificate",
			"in certificate_verify", "in finished", "out certificate", "out certificate_verify", "out finished"}
	}
	return []string{"out client_hello", "in server_hello", "in encrypted_extensions", "in certificate", "in certificate_verify", "in finished", "out finished"}
}

// A host that speaks TLS 1.3 alone gives its page, over our own TCP, also to a
// client that offers 1.2 beside it, and one that wants a certificate gets it.
func TestFetchFromServersOfTLS13(t *testing.T) {
	for _, p := range peers13 {
		for _, auth := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/client-auth=%v", p.name, auth), func(t *testing.T) {
				l := newLab(t)
				f := newFiles(t, l.Far(), pki.ECDSAP256, "")
				p.start(t, l.Far(), f, auth)
				for _, versions := range []string{"--max-version=1.3", "--min-version=1.3"} {
					args := []string{"connect", "--json", "--get", "/", "--ca", f.ca, versions, "--link", "raw", hostPort(l.Far(), peerPort)}
					if auth {
						args = append(args, "--cert", f.clientCert, "--key", f.clientKey)
					}
					list := entries(t, fetch13(t, l, args...))
					got := slices.DeleteFunc(messages(list), func(m string) bool {
						return strings.HasSuffix(m, " change_cipher_spec") || m == "in new_session_ticket" // before our Finished, of some
					})
					if want := handshakeWith13(auth); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
						t.Errorf("%s: messages\n%q\nwant first\n%q", versions, got, want)
					}
					if res := list[len(list)-1]; !res.OK || !res.PeerVerified || res.Version != "TLS 1.3" || res.Group == "" || !strings.HasPrefix(res.CipherSuite, "TLS_AES_") {
						t.Errorf("%s: result %+v", versions, res)
					}
				}
			})
		}
	}
}

// fetch13 runs a connect that gets a page, and returns its view.
func fetch13(t *testing.T, l *lab.Lab, args ...string) string {
	t.Helper()
	r := rawshake(t, l.Near(), args...).want(t, 0)
	if !strings.HasPrefix(r.stdout, "HTTP/1.") || !strings.Contains(r.stdout, " 200 ") {
		t.Errorf("the reply is not a page:\n%s", r.stdout)
	}
	return r.stderr
}

// Go's server takes the hybrid group that comes first, and names its application
// protocol in what is encrypted.
func TestGoTakesTheHybridGroupOfTLS13(t *testing.T) {
	l := newLab(t)
	p, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{p.Server.TLS()}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	address := serve(t, l, func(c *net.TCPConn) {
		s := tls.Server(c, config)
		s.Read(make([]byte, 1000))
		io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		s.Close()
	})
	r := rawshake(t, l.Near(), "connect", "--json", "--get", "/", "--alpn", "http/1.1", "--ca", writeFile(t, "ca.pem", p.CA.CertPEM()), "--max-version", "1.3", address).want(t, 0)
	list := entries(t, r.stderr)
	if res := list[len(list)-1]; !res.OK || res.Version != "TLS 1.3" || res.Group != "X25519MLKEM768" || res.ALPN != "http/1.1" {
		t.Errorf("result %+v", res)
	}
}

// The ladder names each message, and says of ChangeCipherSpec that it is for
// those on the way.
func TestTheLadderNamesTheMessagesOfTLS13(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	peers13[0].start(t, l.Far(), f, false)
	view := fetch13(t, l, "connect", "--get", "/", "--ca", f.ca, "--max-version", "1.3", hostPort(l.Far(), peerPort))
	for _, name := range []string{"ClientHello", "ServerHello", "EncryptedExtensions", "Certificate", "CertificateVerify", "Finished", "NewSessionTicket", "ApplicationData"} {
		if !regexp.MustCompile(`│ +` + name + ` +│|│ ` + name + ` +│`).MatchString(view) {
			t.Errorf("no %s:\n%s", name, view)
		}
	}
	if spec := regexp.MustCompile(`ChangeCipherSpec.*`).FindAllString(view, -1); len(spec) != 2 || strings.Contains(view, "all that follows is encrypted") {
		t.Errorf("ChangeCipherSpec: %q", spec)
	} else if !strings.Contains(spec[0], "middleboxes") {
		t.Errorf("ChangeCipherSpec: %q", spec)
	}
}

// The five secrets of TLS 1.3 stand in the key log, and in the capture before
// what they decrypt, so that tshark opens it in one pass: from a file, and from a
// pipe.
func TestTsharkDecryptsOurCaptureOfTLS13(t *testing.T) {
	tshark := needProgram(t, "tshark")
	for _, p := range peers13 {
		for _, key := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048} {
			t.Run(fmt.Sprintf("%s/%s", p.name, key), func(t *testing.T) {
				l := newLab(t)
				f := newFiles(t, l.Far(), key, "")
				p.start(t, l.Far(), f, false)
				dir := t.TempDir()
				pcap, piped, keys := filepath.Join(dir, "out.pcapng"), filepath.Join(dir, "piped.pcapng"), filepath.Join(dir, "keys.txt")
				args := []string{"connect", "-q", "--get", "/", "--ca", f.ca, "--min-version", "1.3", "-o", os.DevNull, hostPort(l.Far(), peerPort)}
				rawshake(t, l.Near(), append(args, "--pcap", pcap, "--keylog", keys)...).want(t, 0)
				b, err := os.ReadFile(keys)
				if err != nil {
					t.Fatal(err)
				}
				var labels []string
				for line := range strings.Lines(string(b)) {
					labels = append(labels, strings.Fields(line)[0])
				}
				want := []string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}
				if slices.Sort(labels); !slices.Equal(labels, want) {
					t.Errorf("key log: %q, want %q", labels, want)
				}
				if err := os.WriteFile(piped, []byte(rawshake(t, l.Near(), append(args, "--pcap", "-")...).want(t, 0).stdout), 0o600); err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{pcap, piped} {
					read := func(filter, field string) string {
						t.Helper()
						out, err := l.Near().Command(tshark, "-n", "-o", "http.desegment_body:FALSE", "-r", path, "-Y", filter, "-T", "fields", "-e", field).Output()
						if err != nil {
							t.Fatal(err)
						}
						return strings.Join(strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == ',' }), " ")
					}
					types := read("tls.handshake.type", "tls.handshake.type")
					if !strings.HasPrefix(types, "1 2 8 11 15 20 ") || strings.Count(types, "20") != 2 || !strings.Contains(types, " 4") {
						t.Errorf("%s: tshark sees messages of types %s", filepath.Base(path), types)
					}
					if get, reply := read("http.request", "http.request.method"), read("http.response", "http.response.code"); get != "GET" || reply != "200" {
						t.Errorf("%s: tshark decrypts %q of the request, %q of the reply", filepath.Base(path), get, reply)
					}
					if bad := read("_ws.malformed || _ws.expert.severity == error", "frame.number"); bad != "" {
						t.Errorf("%s: tshark complains about frames %s", filepath.Base(path), bad)
					}
				}
			})
		}
	}
}

// A client of TLS 1.2 is told how to offer what the server wants.
func TestAServerOfTLS13AloneIsReachedByTheRemedy(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	peers13[0].start(t, l.Far(), f, false)
	at := hostPort(l.Far(), peerPort)
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--max-version", "1.2", at).want(t, 6).says(t, "protocol_version", "--max-version 1.3")
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--max-version", "1.3", at).want(t, 0)
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--min-version", "1.3", "--max-version", "1.2", at).want(t, 2).says(t, "is more than")
}

// A ticket of one run is used by the next, by a key exchange and without a
// certificate, with real servers.
func TestASessionFileResumesTLS13(t *testing.T) {
	for _, p := range peers13 {
		t.Run(p.name, func(t *testing.T) {
			l := newLab(t)
			f := newFiles(t, l.Far(), pki.RSA2048, "")
			p.start(t, l.Far(), f, false)
			path := filepath.Join(t.TempDir(), "sessions")
			for run := range 3 {
				list := entries(t, fetch13(t, l, "connect", "--json", "--get", "/", "--ca", f.ca, "--max-version", "1.3", "--session-file", path, hostPort(l.Far(), peerPort)))
				if full := slices.Contains(messages(list), "in certificate"); full != (run == 0) {
					t.Errorf("run %d: a certificate came: %v", run, full)
				}
				if res := list[len(list)-1]; !res.OK || !res.PeerVerified || res.Version != "TLS 1.3" {
					t.Errorf("run %d: result %+v", run, res)
				}
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("session file: %v, %v", info.Mode(), err)
			}
			// Without a request the ticket still comes, while the connection ends.
			other := filepath.Join(t.TempDir(), "sessions")
			for run := range 2 {
				list := entries(t, rawshake(t, l.Near(), "connect", "--json", "--ca", f.ca, "--max-version", "1.3", "--session-file", other, hostPort(l.Far(), peerPort)).want(t, 0).stdout)
				if full := slices.Contains(messages(list), "in certificate"); full != (run == 0) {
					t.Errorf("run %d without a request: a certificate came: %v", run, full)
				}
			}
		})
	}
}

// In TLS 1.3 a server looks at the client's certificate after the client is done: an
// alert about it is told as what it is all the same, live and from the capture.
func TestAClientCertificateOfTLS13ThatIsWantedIsSaid(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	peers13[0].start(t, l.Far(), f, true)
	pcap := filepath.Join(t.TempDir(), "out.pcapng")
	rawshake(t, l.Near(), "connect", "-q", "--get", "/", "--ca", f.ca, "--min-version", "1.3", "--pcap", pcap, hostPort(l.Far(), peerPort)).
		want(t, 6).says(t, "certificate_required", "--cert")
	if r := rawshake(t, l.Near(), "explain", pcap); !strings.Contains(r.stdout, "client_certificate_required") || strings.Contains(r.stdout, "nothing to do with it") {
		t.Errorf("from the capture:\n%s", r.stdout)
	}
}

// What a live run shows of TLS 1.3 is what explaining its capture shows.
func TestLiveAndOfflineShowTheSameOfTLS13(t *testing.T) {
	for _, p := range peers13 {
		for _, args := range [][]string{{"--get", "/"}, {"--until", "certificate"}, {"--get", "/", "--groups", "x25519,secp521r1"}} {
			t.Run(p.name+" "+strings.Join(args, " "), func(t *testing.T) {
				l := newLab(t)
				f := newFiles(t, l.Far(), pki.RSA2048, "")
				p.start(t, l.Far(), f, false)
				pcap := filepath.Join(t.TempDir(), "out.pcapng")
				live := rawshake(t, l.Near(), append([]string{"connect", "--json", "--ca", f.ca, "--max-version", "1.3", "--pcap", pcap, hostPort(l.Far(), peerPort)}, args...)...).want(t, 0)
				view := live.stdout
				if slices.Contains(args, "--get") {
					view = live.stderr
				}
				compareViews(t, view, rawshake(t, l.Near(), "explain", "--json", pcap).want(t, 0).stdout)
			})
		}
	}
}
