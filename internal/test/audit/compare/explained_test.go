// What the tools disagree about, who is right, and how that was found out.

package compare

import (
	"regexp"
	"strings"
	"sync"
)

// An explanation is a difference whose cause was found.
type explanation struct {
	tool   *tool
	server string // a regular expression for its name and configuration
	what   string // a regular expression for all of the difference

	at, says, why string // the same for people, and who is right
}

var explanations = []explanation{
	{sslscan, `(OpenSSL|Apache|HAProxy|GnuTLS|Go|Java), client certificates|stunnel, client certificates`, `TLS 1.2 suite: -.*`, "that ask for client certificates", "no suites of TLS 1.2, or only some",
		"The audit is right. sslscan counts a suite of TLS 1.2 once the handshake is finished, and these servers end it for want of a client certificate. " +
			"Their ServerHello names the suite (openssl s_client shows it, with the alert that follows)."},
	{sslscan, `(stunnel|GnuTLS), client certificates`, `certificate: -.*`, "stunnel and GnuTLS that ask for client certificates, without TLS 1.3", "no certificate",
		"The audit is right, for the same reason: sslscan shows a certificate after a finished handshake, and this server speaks no TLS 1.3, which the client finishes first."},
	{sslscan, `^(OpenSSL, ECDSA|nginx, one group|HAProxy, (client certificates|RSA and ECDSA))`, `TLS 1.2 group: -(secp384r1|secp521r1|x25519|x448)`, "with an ECDSA certificate, and groups other than its own", "fewer groups of TLS 1.2",
		"The audit is right. sslscan offers each group alone. A server of TLS 1.2 whose certificate is on P-256 then has none to show, since RFC 8422, section 5.1.1, " +
			"holds for certificates too; with P-256 behind it in the offer the group is used (openssl s_client -tls1_2 -groups P-384:P-256)."},
	{sslscan, `Go`, `TLS 1.3 group: -.*MLKEM.*`, "Go", "no hybrid groups", "The audit is right. This sslscan knows no groups with ML-KEM."},
	{sslscan, `Go`, `TLS 1.2 first: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ours TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`, "Go", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is preferred, and not ChaCha20",
		"Both are right. Go puts AES-GCM before ChaCha20 for clients whose first suite is of AES-GCM, as sslscan's is and ours is not. The audit says so besides (chacha_by_client)."},
	{sslscan, `HAProxy, RSA and ECDSA`, `TLS 1.2 suite: -TLS_(ECDHE_)?RSA_.*`, "HAProxy with RSA and ECDSA", "no suites for RSA in TLS 1.2",
		"The audit is right. HAProxy shows its ECDSA certificate to who offers any suite for one, whether it has that suite or not, and sslscan always does."},
	{sslscan, `Java`, `SSL 3.0 suite: -.*`, "Java", "no suites of SSL 3.0", "The audit is right. The OpenSSL that sslscan is linked with has no SSL 3.0, so that it sees the version alone."},
	{sslscan, `Java`, `dh bits: -512`, "Java", "no group of 512 bits", "The audit is right: they are of export suites, which the OpenSSL of sslscan does not have. sslscan finds these suites by hellos of its own, which show no sizes."},

	{nmap, `ChaCha20 by the client's wish|HAProxy|Go`, `TLS 1.[23] preference: client, ours server`, "with ChaCha20 by the client's wish: OpenSSL, nginx, HAProxy, Go", "the client's order decides",
		"The audit is right. nmap compares the first two suites by name in both orders. One of them is of ChaCha20, to which these servers yield if the client puts it first " +
			"(OpenSSL's PrioritizeChaCha, which HAProxy sets by itself; Go has a rule of that kind); all others stay in the server's order."},
	{nmap, `GnuTLS, RSA and ECDSA, everything`, `dh bits: (\+2048|-1024)`, "GnuTLS with a group of its own", "2048 bits, and not 1024",
		"Both are right. GnuTLS uses a group of RFC 7919 if the client offers one, as nmap does, and else that of its administrator, which the audit is after."},
	{nmap, `HAProxy, RSA and ECDSA`, `TLS 1.2 suite: -TLS_ECDHE_RSA_.*`, "HAProxy with RSA and ECDSA", "fewer suites for RSA in TLS 1.2",
		"The audit is right. HAProxy shows its ECDSA certificate to who offers any suite for one, whether it has that suite or not. nmap offers 64 suites at a time, and these stand among such."},

	{testssl, `HAProxy, RSA and ECDSA`, `TLS 1.2 suite: -TLS_(ECDHE_)?RSA_.*`, "HAProxy with RSA and ECDSA", "no suites for RSA in TLS 1.2",
		"The audit is right, for the reason that holds for sslscan."},
	{testssl, `Go`, `curve: -.*MLKEM.*`, "Go", "no hybrid groups", "The audit is right. This testssl.sh knows no groups with ML-KEM."},
	{testssl, `Ed25519`, `certificate: -.*`, "with an Ed25519 certificate", "no certificate", "The audit is right. testssl.sh says that it cannot retrieve the certificate of a server that speaks TLS 1.3 alone."},
}

var (
	metMu sync.Mutex
	met   = map[int]bool{} // explanations that were needed
)

// explain reports whether a difference is explained.
func explain(o *tool, s *server, difference string) bool {
	known := false
	for i, e := range explanations {
		if e.tool == o && regexp.MustCompile(e.server).MatchString(s.String()) && regexp.MustCompile("^(?:"+e.what+")$").MatchString(difference) {
			metMu.Lock()
			met[i] = true
			metMu.Unlock()
			known = true
		}
	}
	return known
}

// unmet are the explanations of these tools that nothing needed.
func unmet(these []*tool) (list []string) {
	for i, e := range explanations {
		for _, o := range these {
			if o == e.tool && !met[i] {
				list = append(list, strings.Join([]string{e.tool.name, e.server, e.what}, " | "))
			}
		}
	}
	return list
}
