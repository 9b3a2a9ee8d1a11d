package handshake_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A certificate for RSA-PSS alone has a key that crypto/x509 does not give, and
// signs by the schemes that are named for it.
func TestAnRSAPSSCertificateOfOpenSSLsIsTaken(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) {
		if out, err := exec.Command(needProgram(t, "openssl"), args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, hash := range []string{"", "sha256", "sha384"} {
		t.Run("hash="+hash, func(t *testing.T) {
			key, cert := filepath.Join(dir, "key"+hash), filepath.Join(dir, "cert"+hash)
			args := []string{"genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key}
			if hash != "" {
				args = append(args, "-pkeyopt", "rsa_pss_keygen_md:"+hash, "-pkeyopt", "rsa_pss_keygen_mgf1_md:"+hash)
			}
			run(args...)
			run("req", "-x509", "-new", "-key", key, "-out", cert, "-subj", "/CN=pss", "-addext", "subjectAltName=DNS:"+serverName)
			server := startOpenSSLArgs(t, append([]string{"-cert", cert, "-key", key}, openAll...)...)
			got := server.visit(t, handshake.Config{AllowUnverified: true,
				CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}})
			want := tlsmsg.SchemeRSAPSSPSSSHA256
			if hash == "sha384" {
				want = tlsmsg.SchemeRSAPSSPSSSHA384
			}
			if got.Scheme != want || got.Verified() {
				t.Errorf("scheme %v, verified %v", got.Scheme, got.Verified())
			}
		})
	}
}

// A certificate that crypto/x509 refuses does not hinder a look at the server:
// the handshake is finished, the verdict says why, and nothing is sent.
func TestAHandshakeGoesOnWithACertificateThatDoesNotParse(t *testing.T) {
	for _, kind := range []string{"rsa", "ecdsa256", "ed25519"} {
		cert := theAuthority().cert(kind)
		bad := negativeSerial(t, cert)
		server := theAuthority().server(kind)
		server.Certificates = []tls.Certificate{bad}
		stream, _ := serve(t, server)
		d := &driver{c: handshake.NewClient(handshake.Config{Random: randomBytes(), ServerName: serverName}), w: theAuthority().worker(), stream: stream}
		if err := d.handshake(); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		var v *worker.Verdict
		if s := d.c.State(); !errors.As(s.Verdict, &v) || v.Reason != worker.Unparseable || d.c.CanWrite() || len(s.Chain) != 1 {
			t.Errorf("%s: verdict %v, CanWrite %v", kind, s.Verdict, d.c.CanWrite())
		}
	}
}

// negativeSerial makes the serial number of a test's leaf, 2, negative.
func negativeSerial(t *testing.T, cert tls.Certificate) tls.Certificate {
	t.Helper()
	der := append([]byte(nil), cert.Certificate[0]...)
	for i := range len(der) - 3 {
		if string(der[i:i+3]) == "\x02\x01\x02" && i < 32 && string(der[i-2:i]) != "\xa0\x03" {
			der[i+2] = 0x82
			if _, err := x509.ParseCertificate(der); err == nil {
				t.Fatal("it parses")
			}
			cert.Certificate = [][]byte{der}
			return cert
		}
	}
	t.Fatal(fmt.Errorf("no serial number in %x", der[:32]))
	return cert
}
