// The key of an encrypted ClientHello, and what a server publishes of it.

package pki

import (
	"crypto/hpke"
	"encoding/pem"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ECH is a server's key for encrypted ClientHellos (RFC 9849), and the configuration of
// one that it has no more.
type ECH struct {
	Config, Old tlsmsg.ECHConfig
	Key         hpke.PrivateKey
}

const (
	echX25519      = 0x20 // RFC 9180, sections 7.1 to 7.3
	echHKDFSHA256  = 1
	echAES128GCM   = 1
	echChaCha20    = 3
	longestLabName = 32
)

func newECH(publicName string) (*ECH, error) {
	kem, err := hpke.NewKEM(echX25519)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	var e ECH
	for id, c := range []*tlsmsg.ECHConfig{&e.Old, &e.Config} { // the later key is kept
		if e.Key, err = kem.GenerateKey(); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		*c = tlsmsg.ECHConfig{
			Version: tlsmsg.ECHVersion, ConfigID: uint8(id + 1), KEM: echX25519, PublicKey: e.Key.PublicKey().Bytes(),
			Suites:     []tlsmsg.HPKESuite{{KDF: echHKDFSHA256, AEAD: echAES128GCM}, {KDF: echHKDFSHA256, AEAD: echChaCha20}},
			MaxNameLen: longestLabName, PublicName: []byte(publicName),
		}
	}
	return &e, nil
}

// ConfigPEM is what the server publishes, as --ech-config reads it (RFC 9934).
func (e *ECH) ConfigPEM() []byte { return configPEM(e.Config) }

// OldPEM is what it published before.
func (e *ECH) OldPEM() []byte { return configPEM(e.Old) }

func configPEM(c tlsmsg.ECHConfig) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "ECHCONFIG", Bytes: tlsmsg.AppendECHConfigList(nil, []tlsmsg.ECHConfig{c})})
}
