package interop

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/peers"
	"github.com/rawshake/rawshake/tlsmsg"
)

// handshakeSpecimens are handshakes that succeed, of all kinds.
var handshakeSpecimens = []specimen{
	{"tls12-ecdhe-ecdsa.pcapng", "OpenSSL's `s_client` and `s_server`, TLS 1.2, ECDHE_ECDSA_AES_128_GCM with X25519, a page fetched; DSB", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2")
		r.capture(func() { r.sClient("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256") }, r.veth()...)
		r.inject()
	}},
	{"tls12-curl-nginx.pcapng", "`curl` from nginx, TLS 1.2, RSA certificate, ALPN http/1.1; DSB", func(r *recording) {
		f := r.files(pki.RSA2048)
		startNginx(r.t, r.lab.Far(), f, false)
		r.capture(func() {
			r.run("", "curl", "-sS", "--http1.1", "--tls-max", "1.2", "--cacert", f.ca, "--resolve",
				fmt.Sprintf("%s:%d:%s", pki.ServerName, peerPort, r.lab.Far().Addr()), fmt.Sprintf("https://%s:%d/", pki.ServerName, peerPort))
		}, r.veth()...)
		r.inject()
	}},
	{"tls12-gnutls-ipv6.pcap", "GnuTLS's client and server over IPv6, TLS 1.2; a classic pcap, key log beside", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		startGnuTLS(r.t, r.lab.Far(), f, false)
		r.capture(func() {
			r.run(request, "gnutls-cli", "--x509cafile", f.ca, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "--no-ca-verification",
				"--port", fmt.Sprint(peerPort), r.lab.Far().Addr6().String())
		}, r.veth()...)
		r.keepKeys()
	}},
	{"tls12-client-auth.pcapng", "OpenSSL's client with a certificate to nginx, which demands one; DSB", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		startNginx(r.t, r.lab.Far(), f, true)
		r.capture(func() { r.sClient("-tls1_2", "-cert", f.clientCert, "-key", f.clientKey) }, r.veth()...)
		r.inject()
	}},
	{"tls12-resumed-ticket.pcapng", "two connections of OpenSSL's client, the second resumes by ticket; DSB", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2")
		r.twice("-tls1_2")
	}},
	{"tls12-resumed-id.pcapng", "two connections of OpenSSL's client, the second resumes by session ID; DSB", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2", "-no_ticket")
		r.twice("-tls1_2")
	}},
	{"tls12-rsa-cbc-etm.pcapng", "OpenSSL, RSA key exchange, AES-CBC with encrypt-then-MAC; DSB", func(r *recording) {
		r.openSSL(r.files(pki.RSA2048), "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
		r.capture(func() { r.sClient("-cipher", "AES128-SHA:@SECLEVEL=0") }, r.veth()...)
		r.inject()
	}},
	{"tls12-dhe.pcapng", "OpenSSL, DHE_RSA with a 2048-bit group, AES-256-GCM; DSB", func(r *recording) {
		r.openSSL(r.files(pki.RSA2048), "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384")
		r.capture(func() { r.sClient("-cipher", "DHE-RSA-AES256-GCM-SHA384") }, r.veth()...)
		r.inject()
	}},
	{"tls12-chacha20.pcapng", "OpenSSL's client to `crypto/tls`, ChaCha20-Poly1305 over secp384r1, client certificate asked for and not given; DSB", func(r *recording) {
		s, err := r.lab.StartTLSServer(service.Options{Key: pki.RSA2048, CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
			Groups: []tlsmsg.NamedGroup{tlsmsg.NamedGroup(tls.CurveP384)}, ALPN: []string{"http/1.1"}})
		if err != nil {
			r.t.Fatal(err)
		}
		r.capture(func() { r.sClient("-connect", s.Addr().String(), "-alpn", "h2,http/1.1", "-status") }, r.veth()...)
		r.inject()
	}},
	{"tls12-go-client.pcapng", "`crypto/tls` as client of OpenSSL, Ed25519 certificate; DSB", func(r *recording) {
		r.openSSL(r.files(pki.Ed25519), "-tls1_2")
		r.capture(func() { r.goClient(tls.VersionTLS12) }, r.veth()...)
		r.inject()
	}},
	{"tls12-renegotiation.pcapng", "OpenSSL's client asks for a second handshake inside the first connection; DSB", func(r *recording) {
		r.openSSL(r.files(pki.RSA2048), "-tls1_2", "-client_renegotiation")
		r.capture(func() {
			r.run("R\n"+request, "openssl", "s_client", "-connect", hostPort(r.lab.Far(), peerPort), "-tls1_2", "-keylogfile", r.keys)
		}, r.veth()...)
		r.inject()
	}},
	{"tls10.pcap", "OpenSSL, TLS 1.0, ECDHE_RSA with AES-CBC; a classic pcap, key log beside", func(r *recording) { r.old("tls1") }},
	{"tls11.pcap", "the same with TLS 1.1", func(r *recording) { r.old("tls1_1") }},
	{"tls13.pcapng", "OpenSSL, TLS 1.3; DSB", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_3")
		r.capture(func() { r.sClient("-tls1_3") }, r.veth()...)
		r.inject()
	}},
	{"tls13-retry.pcapng", "`crypto/tls` to OpenSSL, TLS 1.3 with a HelloRetryRequest; no secrets", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_3", "-groups", "P-521")
		r.capture(func() { r.goClient(tls.VersionTLS13) }, r.veth()...)
	}},
	{"tls13-hello-retry.pcapng", "OpenSSL, TLS 1.3 with a HelloRetryRequest, RSA certificate, client certificate asked for and given; DSB", func(r *recording) {
		f := r.files(pki.RSA2048)
		r.openSSL(f, "-tls1_3", "-groups", "P-521", "-Verify", "1", "-CAfile", f.ca)
		r.capture(func() { r.sClient("-tls1_3", "-groups", "X25519:P-521", "-cert", f.clientCert, "-key", f.clientKey) }, r.veth()...)
		r.inject()
	}},
	{"tls13-resumed.pcapng", "two connections of OpenSSL's client, TLS 1.3, ChaCha20-Poly1305; the second resumes by ticket; DSB", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
		r.twice("-tls1_3")
	}},
	{"tls13-early-data.pcapng", "three connections of OpenSSL's client, TLS 1.3: the second with early data, the third with early data that the server refuses; DSB", func(r *recording) { r.earlyData() }},
	{"tls13-key-update.pcapng", "OpenSSL, TLS 1.3: the client updates its keys, and asks the server to do so; DSB", func(r *recording) {
		startOpenSSLPlainly(r.t, r.lab.Far(), r.files(pki.ECDSAP256), "-rev")
		r.capture(func() { r.sClientSaying("one\n", "K\n", "two\n", "k\n", "three\n", "Q\n") }, r.veth()...)
		r.inject()
	}},
	{"tls13-gnutls.pcap", "GnuTLS's client and server, TLS 1.3; a classic pcap, key log beside", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		peers13[1].start(r.t, r.lab.Far(), f, false)
		r.capture(func() {
			r.run(request, "gnutls-cli", "--x509cafile", f.ca, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--no-ca-verification",
				"--port", fmt.Sprint(peerPort), r.lab.Far().Addr().String())
		}, r.veth()...)
		r.keepKeys()
	}},
	{"tls13-hybrid.pcapng", "`crypto/tls` to `crypto/tls`, TLS 1.3 over X25519MLKEM768, ALPN http/1.1; DSB", func(r *recording) {
		s, err := r.lab.StartTLSServer(service.Options{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13, ALPN: []string{"http/1.1"}})
		if err != nil {
			r.t.Fatal(err)
		}
		r.capture(func() { r.goClientTo(s.Addr().String(), tls.VersionTLS13) }, r.veth()...)
		r.inject()
	}},
	{"tls13-compressed.pcapng", "Chromium to the lab's server, TLS 1.3 with a certificate compressed by brotli; DSB", func(r *recording) {
		s, err := r.lab.StartOurServer(service.Options{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13,
			CompressCertificate: []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionBrotli}})
		if err != nil {
			r.t.Fatal(err)
		}
		r.capture(func() {
			r.run("", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-features=PostQuantumKyber",
				"--user-data-dir="+r.t.TempDir(), "--ignore-certificate-errors", "--dump-dom", "https://"+s.Addr().String()+"/")
		}, r.veth()...)
		r.inject()
	}},
	{"rawshake13-ech.pcapng", "`rawshake connect --ech-config --get / --pcap` itself to `crypto/tls`: the ClientHello is encrypted; the DSBs are its own", func(r *recording) {
		s, err := r.lab.StartTLSServer(service.Options{ECH: "public.lab.test", ClientAuth: service.NoClientAuth})
		if err != nil {
			r.t.Fatal(err)
		}
		config := writeFile(r.t, "ech.pem", s.PKI.ECH.ConfigPEM())
		ca := writeFile(r.t, "ca.pem", s.PKI.CA.CertPEM())
		rawshake(r.t, r.lab.Near(), "connect", "-q", "--get", "/", "--ca", ca, "--servername", pki.ServerName, "--ech-config", config, "--groups", "x25519", "--pcap", r.path, s.Addr().String()).want(r.t, 0)
		os.Chmod(r.path, 0o644)
	}},
	{"rawshake13.pcapng", "`rawshake connect --get / --min-version 1.3 --pcap` itself to OpenSSL; the DSBs are its own", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		peers13[0].start(r.t, r.lab.Far(), f, false)
		rawshake(r.t, r.lab.Near(), "connect", "-q", "--get", "/", "--ca", f.ca, "--min-version", "1.3", "--pcap", r.path, hostPort(r.lab.Far(), peerPort)).want(r.t, 0)
		os.Chmod(r.path, 0o644)
	}},
	{"rawshake.pcapng", "`rawshake connect --get / --keylog` itself to nginx; DSB added by editcap", func(r *recording) {
		f := r.files(pki.ECDSAP256)
		startNginx(r.t, r.lab.Far(), f, false)
		rawshake(r.t, r.lab.Near(), "connect", "-q", "--get", "/", "--ca", f.ca, "--pcap", r.path, "--keylog", r.keys, hostPort(r.lab.Far(), peerPort)).want(r.t, 0)
		os.Chmod(r.path, 0o644)
		r.inject()
	}},
}

// twice connects, and resumes the session.
func (r *recording) twice(version string) {
	r.t.Helper()
	session := filepath.Join(r.t.TempDir(), "session")
	r.capture(func() {
		r.sClient(version, "-sess_out", session)
		r.sClient(version, "-sess_in", session)
	}, r.veth()...)
	r.inject()
}

// startOpenSSLPlainly serves TLS 1.3 without pages, as early data wants it.
func startOpenSSLPlainly(t *testing.T, n *lab.Node, f files, args ...string) {
	all := []string{"s_server", "-tls1_3", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key}
	startPeer(t, n, needProgram(t, "openssl"), append(all, args...)...)
}

// sClientSaying lets OpenSSL's client read its input piece by piece, so that it
// takes letters for commands.
func (r *recording) sClientSaying(pieces ...string) {
	r.t.Helper()
	cmd := r.lab.Near().CommandContext(r.t.Context(), needProgram(r.t, "openssl"), "s_client", "-tls1_3",
		"-connect", hostPort(r.lab.Far(), peerPort), "-servername", pki.ServerName, "-keylogfile", r.keys)
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range pieces {
		time.Sleep(300 * time.Millisecond)
		io.WriteString(in, p)
	}
	in.Close()
	cmd.Wait()
}

// earlyData resumes with early data, and once more with the same ticket, which the
// server takes once only.
func (r *recording) earlyData() {
	r.t.Helper()
	startOpenSSLPlainly(r.t, r.lab.Far(), r.files(pki.ECDSAP256), "-early_data", "-max_early_data", "16384")
	dir := r.t.TempDir()
	session, early := filepath.Join(dir, "session"), writeFile(r.t, "early", []byte("said before the server has answered"))
	r.capture(func() {
		say := func(args ...string) {
			r.run("", "sh", append([]string{"-c", `(echo hello; sleep 1) | openssl s_client "$@"`, "sh", "-tls1_3",
				"-connect", hostPort(r.lab.Far(), peerPort), "-servername", pki.ServerName, "-keylogfile", r.keys}, args...)...)
		}
		say("-sess_out", session)
		say("-sess_in", session, "-early_data", early)
		say("-sess_in", session, "-early_data", early)
	}, r.veth()...)
	r.inject()
}

func (r *recording) old(version string) {
	r.t.Helper()
	r.openSSL(r.files(pki.RSA2048), "-"+version, "-cipher", "ALL:@SECLEVEL=0")
	r.capture(func() { r.sClient("-"+version, "-cipher", "ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0") }, r.veth()...)
	r.keepKeys()
}

// goClient fetches a page with crypto/tls.
func (r *recording) goClient(version uint16) {
	r.t.Helper()
	r.goClientTo(hostPort(r.lab.Far(), peerPort), version)
}

func (r *recording) goClientTo(address string, version uint16) {
	r.t.Helper()
	keys, err := os.OpenFile(r.keys, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer keys.Close()
	raw, err := r.lab.Near().Dial(r.t.Context(), "tcp", address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer raw.Close()
	c := tls.Client(raw, &tls.Config{ServerName: pki.ServerName, InsecureSkipVerify: true, KeyLogWriter: keys,
		MinVersion: version, MaxVersion: version, NextProtos: []string{"http/1.1"}})
	if _, err := io.WriteString(c, request); err != nil {
		r.t.Fatal(err)
	}
	io.Copy(io.Discard, c)
}

// endSpecimens are connections that come to a bad end.
var endSpecimens = []specimen{
	{"alert-handshake-failure.pcapng", "OpenSSL's client and server without a common cipher suite", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
		r.capture(func() { r.sClient("-tls1_2", "-cipher", "AES128-SHA") }, r.veth()...)
	}},
	{"alert-unknown-ca.pcapng", "OpenSSL's client refuses the server's certificate", func(r *recording) {
		r.openSSL(r.files(pki.ECDSAP256), "-tls1_2")
		stranger := r.files(pki.ECDSAP256).ca
		r.capture(func() { r.sClient("-tls1_2", "-verify_return_error", "-verify", "1", "-CAfile", stranger) }, r.veth()...)
	}},
	{"alert-bad-record-mac.pcapng", "OpenSSL's client, `crypto/tls` behind a relay that flips a bit of its Finished; DSB", func(r *recording) {
		s, err := r.lab.StartTLSServer(service.Options{})
		if err != nil {
			r.t.Fatal(err)
		}
		p := peers.StartRelay(r.t, r.lab, s.Addr(), peers.FlipFinished())
		r.capture(func() { r.sClient("-connect", p.String(), "-tls1_2") }, r.veth()...)
		r.inject()
	}},
	{"refused.pcapng", "a SYN to a closed port and its RST", func(r *recording) {
		r.capture(func() { r.sClient() }, r.veth()...)
	}},
	{"prohibited.pcapng", "a SYN that the far host's nftables rejects with ICMP, administratively prohibited; and one over IPv6", func(r *recording) {
		for _, args := range [][]string{
			{"add", "table", "inet", "f"},
			{"add", "chain", "inet", "f", "i", "{ type filter hook input priority 0; }"},
			{"add", "rule", "inet", "f", "i", "tcp", "dport", fmt.Sprint(peerPort), "reject", "with", "icmpx", "type", "admin-prohibited"},
		} {
			if out, err := r.lab.Far().Command(needProgram(r.t, "nft"), args...).CombinedOutput(); err != nil {
				r.t.Fatalf("nft %q: %v\n%s", args, err, out)
			}
		}
		r.capture(func() {
			r.run("", "curl", "-m", "2", "-sk", "https://"+hostPort(r.lab.Far(), peerPort))
			r.run("", "curl", "-m", "2", "-sk", "https://"+r.far6())
		}, r.veth()...)
	}},
	{"plain-http.pcapng", "OpenSSL's client to a server of plain HTTP", func(r *recording) {
		p := peers.Start(r.t, r.lab, service.HTTP)
		r.capture(func() { r.sClient("-connect", p.String()) }, r.veth()...)
	}},
	{"cut-by-reset.pcapng", "a relay before `crypto/tls` cuts the connection with a RST after the ServerHello", func(r *recording) {
		s, err := r.lab.StartTLSServer(service.Options{})
		if err != nil {
			r.t.Fatal(err)
		}
		p := peers.StartRelay(r.t, r.lab, s.Addr(), peers.CutAfterMessages(1).ByReset())
		r.capture(func() { r.sClient("-connect", p.String(), "-tls1_2") }, r.veth()...)
	}},
}
