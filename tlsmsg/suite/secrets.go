// TLS 1.2's secrets: master secret, verify_data and key block.

package suite

// MasterSecretLen is the length of every master secret (RFC 5246, section 8.1).
const MasterSecretLen = 48

// VerifyDataLen is the length of Finished.verify_data in every suite of the
// table (RFC 5246, section 7.4.9).
const VerifyDataLen = 12

// MasterSecret derives the master secret from a pre_master_secret (RFC 5246,
// section 8.1).
func (s *Suite) MasterSecret(preMaster []byte, clientRandom, serverRandom *[32]byte) (m [MasterSecretLen]byte) {
	PRF(s.Hash, m[:], preMaster, "master secret", clientRandom[:], serverRandom[:])
	return m
}

// ExtendedMasterSecret derives the master secret from a pre_master_secret and
// the hash of the handshake up to and including ClientKeyExchange (RFC 7627,
// section 4).
func (s *Suite) ExtendedMasterSecret(preMaster, sessionHash []byte) (m [MasterSecretLen]byte) {
	PRF(s.Hash, m[:], preMaster, "extended master secret", sessionHash)
	return m
}

// VerifyData returns Finished.verify_data for the hash of the handshake before
// that Finished (RFC 5246, section 7.4.9).
func (s *Suite) VerifyData(master []byte, client bool, handshakeHash []byte) (v [VerifyDataLen]byte) {
	label := "server finished"
	if client {
		label = "client finished"
	}
	PRF(s.Hash, v[:], master, label, handshakeHash)
	return v
}

// DirectionKeys are the keys of one direction. The slices alias the block that
// [Suite.Keys] made.
type DirectionKeys struct{ MACKey, Key, IV []byte }

// Keys partitions the key block (RFC 5246, section 6.3) into what the client
// and what the server writes with.
func (s *Suite) Keys(master []byte, clientRandom, serverRandom *[32]byte) (client, server DirectionKeys) {
	block := make([]byte, 2*(s.MACKeyLen+s.KeyLen+s.FixedIVLen))
	PRF(s.Hash, block, master, "key expansion", serverRandom[:], clientRandom[:])
	take := func(n int) (b []byte) {
		b, block = block[:n:n], block[n:]
		return b
	}
	client.MACKey, server.MACKey = take(s.MACKeyLen), take(s.MACKeyLen)
	client.Key, server.Key = take(s.KeyLen), take(s.KeyLen)
	client.IV, server.IV = take(s.FixedIVLen), take(s.FixedIVLen)
	return client, server
}
