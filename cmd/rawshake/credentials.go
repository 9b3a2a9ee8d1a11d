//go:build linux

// The files that trust and identity come from: CA certificates, the client's
// certificate and its key.

package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

var rootsSaid sync.Once

// planRoots sets whom to trust: the CAs of a file if one is named; otherwise,
// if certificates will be verified, the usual ones.
func planRoots(w *worker.Worker, file string, verifies bool) (err error) {
	switch {
	case file != "":
		w.Roots, err = loadRoots(file)
	case verifies:
		notes := io.Writer(io.Discard)
		rootsSaid.Do(func() { notes = os.Stderr }) // also where many scans follow each other
		w.Roots = trustedRoots(x509.SystemCertPool, notes)
	}
	return err
}

// loadCredential reads a client certificate chain and its private key.
func loadCredential(certPath, keyPath string) (chain [][]byte, key crypto.Signer, err error) {
	certData, err := os.ReadFile(certPath)
	if err != nil {
		return nil, nil, usageError("--cert: %v", err)
	}
	for block, rest := pem.Decode(certData); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return nil, nil, usageError("--cert: no certificate in %s", certPath)
	}
	keyData := certData
	if keyPath != "" {
		if keyData, err = os.ReadFile(keyPath); err != nil {
			return nil, nil, usageError("--key: %v", err)
		}
	} else {
		keyPath = certPath
	}
	if key, err = parseKey(keyData); err != nil {
		return nil, nil, usageError("--key: %s: %v", keyPath, err)
	}
	return chain, key, nil
}

// keyError says why a key cannot be read, in place of the library's words about
// the structure that it expected.
func keyError(kind string, err error) error {
	if text := err.Error(); !strings.Contains(text, "asn1") && !strings.Contains(text, "x509") {
		return err
	}
	return fmt.Errorf("the block %s holds no private key that can be read: openssl pkey -in FILE -noout says more", kind)
}

// parseKey reads the first private key of PEM data: PKCS #8, PKCS #1 or SEC 1.
func parseKey(data []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = worker.ParsePKCS8(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			err = errors.New("the private key is encrypted; decrypt it first: openssl pkey -in FILE -out PLAIN")
		default:
			continue
		}
		if err != nil {
			return nil, keyError(block.Type, err)
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, errors.New("the private key is of a kind that cannot sign: RSA, ECDSA and Ed25519 keys can")
	}
	return nil, errors.New("no private key found: it must hold a PEM block of type PRIVATE KEY")
}
