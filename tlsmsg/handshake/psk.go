package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A PSK is a key that both sides were given by other means, under a name (RFC 9846,
// section 2.2). Whoever has it can be either side.
type PSK struct {
	Identity []byte     // goes unencrypted over the network
	Key      []byte     // at least 16 bytes that nobody can guess: a password is none
	Hash     suite.Hash // 0: SHA-256; suites with another do not go with it
}

func (k *PSK) hash() suite.Hash {
	if k.Hash == 0 {
		return suite.SHA256
	}
	return k.Hash
}

func findPSK(list []PSK, identity []byte) *PSK {
	for i := range list {
		if bytes.Equal(list[i].Identity, identity) {
			return &list[i]
		}
	}
	return nil
}
