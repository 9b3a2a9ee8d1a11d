package worker_test

import (
	"crypto"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A key and certificate for RSA-PSS alone, as OpenSSL makes them, become a
// credential that signs by the schemes of its hash.
func TestAPSSKeyOfOpenSSLsBecomesACredential(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("openssl is not installed: scripts/setup.sh installs it")
	}
	for _, tc := range []struct {
		options []string
		hash    crypto.Hash
		schemes int
	}{
		{nil, 0, 3},
		{[]string{"-pkeyopt", "rsa_pss_keygen_md:sha384", "-pkeyopt", "rsa_pss_keygen_mgf1_md:sha384"}, crypto.SHA384, 1},
	} {
		keyPath, certPath := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "cert")
		run := func(args ...string) {
			if out, err := exec.Command(openssl, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		run(append([]string{"genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", keyPath}, tc.options...)...)
		run("req", "-x509", "-new", "-key", keyPath, "-out", certPath, "-subj", "/CN=pss")
		key, err := worker.ParsePKCS8(der(t, keyPath))
		if err != nil {
			t.Fatal(err)
		}
		if pss, ok := key.(*suite.PSSSigner); !ok || pss.Hash != tc.hash {
			t.Fatalf("key %T for %v, expected one of PSS for %v", key, pss.Hash, tc.hash)
		}
		cred, err := worker.NewCredential([][]byte{der(t, certPath)}, key)
		if err != nil || len(cred.Schemes) != tc.schemes {
			t.Fatalf("schemes %v, %v", cred.Schemes, err)
		}
		for _, scheme := range cred.Schemes {
			sig, err := suite.Sign(key, scheme, []byte("signed"), rand.Reader)
			if err == nil {
				err = suite.Verify(key.Public(), scheme, []byte("signed"), sig)
			}
			if err != nil {
				t.Errorf("%v: %v", scheme, err)
			}
		}
		// The same key under another certificate's hash is another key.
		other := &suite.PSSSigner{Key: key.(*suite.PSSSigner).Key, Hash: crypto.SHA512}
		if _, err := worker.NewCredential([][]byte{der(t, certPath)}, other); err == nil {
			t.Error("a certificate took a key that is tied to another hash")
		}
	}
}

// What is not a key is refused, not more: no panic, no key.
func TestWhatIsNoPrivateKeyIsRefused(t *testing.T) {
	for _, bad := range []string{"", "0", "\x30\x00", "\x30\x80", "\x30\x03\x02\x01\x00", "\x30\x05\x02\x01\x00\x30\x00",
		"\x30\x14\x02\x01\x00\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x04\x02\x30\x00"} {
		if key, err := worker.ParsePKCS8([]byte(bad)); err == nil || key != nil {
			t.Errorf("%x: %v, %v", bad, key, err)
		}
	}
}

func der(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	return block.Bytes
}
