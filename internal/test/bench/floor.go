// The floor: the cryptography and parsing that a handshake cannot avoid, timed
// alone.

package main

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"runtime"
)

// The parts of the floor: what a verified ECDHE handshake cannot avoid.
const (
	partKey   = "key generation, P-256"
	partECDH  = "ECDH, P-256"
	partCheck = "signature check, ECDSA P-256"
	partChain = "chain and name check"
	partSign  = "signing, ECDSA P-256" // of a server's floor
	// partParse does not belong to it, since both sides keep parsed
	// certificates. It is timed to show what that saves.
	partParse = "certificate parse, spared"
)

var floorParts = []string{partKey, partECDH, partCheck, partChain}

// floor times each part alone.
func floor(t *task) (*report, error) {
	ops, err := floorOperations(t)
	if err != nil {
		return nil, err
	}
	r := &report{Parts: make(map[string]float64)}
	for _, name := range append(floorParts, partParse) {
		for range t.Warmup {
			if err := ops[name](); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		runtime.GC()
		before := cpuTime()
		for range t.Handshakes {
			if err := ops[name](); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		r.Parts[name] = float64(cpuTime()-before) / float64(t.Handshakes)
		if name != partParse {
			r.CPU += r.Parts[name]
		}
	}
	return r, nil
}

func floorOperations(t *task) (map[string]func() error, error) {
	roots, err := t.roots()
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(t.Cert)
	if err != nil {
		return nil, err
	}
	signer, err := x509.ParsePKCS8PrivateKey(t.Key)
	if err != nil {
		return nil, err
	}
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	point := peer.PublicKey().Bytes()
	// As long as ServerKeyExchange's signed bytes: two randoms, four bytes of
	// parameters and the point (RFC 8422, section 5.4).
	signed := make([]byte, 32+32+4+len(point))
	digest := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, signer.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		return nil, err
	}
	return map[string]func() error{
		partKey: func() error {
			key, err := ecdh.P256().GenerateKey(rand.Reader)
			if err == nil {
				key.PublicKey().Bytes()
			}
			return err
		},
		partECDH: func() error {
			peer, err := ecdh.P256().NewPublicKey(point)
			if err == nil {
				_, err = own.ECDH(peer)
			}
			return err
		},
		partCheck: func() error {
			digest := sha256.Sum256(signed)
			if !ecdsa.VerifyASN1(leaf.PublicKey.(*ecdsa.PublicKey), digest[:], signature) {
				return fmt.Errorf("a good signature does not verify")
			}
			return nil
		},
		partSign: func() error {
			digest := sha256.Sum256(signed)
			_, err := signer.(*ecdsa.PrivateKey).Sign(rand.Reader, digest[:], crypto.SHA256)
			return err
		},
		partParse: func() error {
			_, err := x509.ParseCertificate(t.Cert)
			return err
		},
		partChain: func() error {
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), DNSName: t.ServerName})
			return err
		},
	}, nil
}
