// Keys that both sides were given outside TLS.

package handshake

import (
	"bytes"
	"encoding/binary"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A PSK is an external pre-shared key with a name (RFC 9846, section 2.2).
// Whoever has it can act as either side.
type PSK struct {
	Identity []byte     // goes unencrypted over the network
	Key      []byte     // at least 16 bytes that nobody can guess, so not a password
	Hash     suite.Hash // 0: SHA-256; only suites with this hash can use it
	Imported bool       // by ImportPSK
}

// ImportPSK makes of one key the PSKs that go with each hash of TLS 1.3, under
// identities that name its context and what they are for (RFC 9258). The hash is the
// key's own; 0: SHA-256.
func ImportPSK(k PSK, context []byte) (list []PSK) {
	for i, target := range []suite.Hash{suite.SHA256, suite.SHA384} {
		id := binary.BigEndian.AppendUint16(nil, uint16(len(k.Identity)))
		id = binary.BigEndian.AppendUint16(append(id, k.Identity...), uint16(len(context)))
		id = binary.BigEndian.AppendUint16(append(id, context...), uint16(tlsmsg.VersionTLS13))
		id = binary.BigEndian.AppendUint16(id, uint16(i+1)) // HKDF_SHA256, HKDF_SHA384
		list = append(list, PSK{Identity: id, Key: suite.ImportPSK(k.hash(), target, k.Key, id), Hash: target, Imported: true})
	}
	return list
}

// binderKey is the schedule's for the PSK; nil: for a session's.
func (k *PSK) binderKey(s *suite.Schedule13) []byte {
	if k != nil && k.Imported {
		return s.ImportedBinderKey()
	}
	return s.BinderKey(k != nil)
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
