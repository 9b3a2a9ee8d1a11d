// The key schedule of TLS 1.3 (RFC 9846, section 7).

package suite

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
)

// The names that secrets go by in a key log (RFC 9850), and so in events.
const (
	SecretMaster            = "CLIENT_RANDOM" // of TLS 1.2 and before
	SecretClientEarly       = "CLIENT_EARLY_TRAFFIC_SECRET"
	SecretEarlyExporter     = "EARLY_EXPORTER_SECRET"
	SecretClientHandshake   = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	SecretServerHandshake   = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	SecretClientApplication = "CLIENT_TRAFFIC_SECRET_0"
	SecretServerApplication = "SERVER_TRAFFIC_SECRET_0"
	SecretExporter          = "EXPORTER_SECRET"
)

// A Schedule13 is the key schedule of one connection of TLS 1.3. It goes from
// the Early Secret to the Handshake Secret ([Schedule13.Agreed]) and on to the
// Main Secret ([Schedule13.Main]). From each, secrets are derived for the
// transcript up to then; there is no way back.
type Schedule13 struct {
	hash   Hash
	secret []byte
}

// NewSchedule13 returns a schedule at its Early Secret. A nil psk stands for none.
func (s *Suite) NewSchedule13(psk []byte) *Schedule13 {
	if psk == nil {
		psk = zeros[:s.Hash.Size()]
	}
	return &Schedule13{s.Hash, extract(s.Hash, psk, nil)}
}

// zeros is what RFC 9846, section 7.1, calls 0.
var zeros [MaxHashSize]byte

// BinderKey returns binder_key, of a PSK from outside TLS or of a ticket's: [Suite.VerifyData13]
// of it is the binder (RFC 9846, section 4.3.11.2).
func (k *Schedule13) BinderKey(external bool) []byte {
	label := "res binder"
	if external {
		label = "ext binder"
	}
	return k.derive(label, k.hash.empty())
}

// ImportedBinderKey is BinderKey of a PSK that was imported (RFC 9258, section 5.2).
func (k *Schedule13) ImportedBinderKey() []byte { return k.derive("imp binder", k.hash.empty()) }

// Early returns client_early_traffic_secret and early_exporter_secret for the
// hash of ClientHello.
func (k *Schedule13) Early(hash []byte) (traffic, exporter []byte) {
	return k.derive("c e traffic", hash), k.derive("e exp master", hash)
}

// Agreed goes on to the Handshake Secret with the secret that was agreed on;
// nil if there is none, with a PSK alone.
func (k *Schedule13) Agreed(secret []byte) {
	if secret == nil {
		secret = zeros[:k.hash.Size()]
	}
	k.next(secret)
}

// Handshake returns both sides' handshake_traffic_secret for the hash up to
// ServerHello.
func (k *Schedule13) Handshake(hash []byte) (client, server []byte) {
	return k.derive("c hs traffic", hash), k.derive("s hs traffic", hash)
}

// Main goes on to the Main Secret.
func (k *Schedule13) Main() { k.next(zeros[:k.hash.Size()]) }

// Application returns both sides' application_traffic_secret_0 and
// exporter_secret, for the hash up to the server's Finished.
func (k *Schedule13) Application(hash []byte) (client, server, exporter []byte) {
	return k.derive("c ap traffic", hash), k.derive("s ap traffic", hash), k.derive("exp master", hash)
}

// Resumption returns resumption_secret for the hash up to the client's Finished.
func (k *Schedule13) Resumption(hash []byte) []byte { return k.derive("res master", hash) }

// Secret returns a copy of the secret that the schedule has come to, for who shows how
// it goes.
func (k *Schedule13) Secret() []byte { return bytes.Clone(k.secret) }

// DerivedSalt returns what the next secret is extracted with: Derive-Secret of this one
// for the label "derived" and no messages.
func (k *Schedule13) DerivedSalt() []byte { return k.derive("derived", k.hash.empty()) }

// next extracts the next of the three secrets, and erases the last.
func (k *Schedule13) next(material []byte) {
	next := extract(k.hash, material, k.DerivedSalt())
	clear(k.secret)
	k.secret = next
}

// derive is Derive-Secret for the hash of Messages.
func (k *Schedule13) derive(label string, hash []byte) []byte {
	return expandLabel(k.hash, k.secret, label, hash, k.hash.Size())
}

// TrafficKeys returns the keys that follow from a traffic secret (RFC 9846,
// section 7.3).
func (s *Suite) TrafficKeys(secret []byte) DirectionKeys {
	return DirectionKeys{
		Key: expandLabel(s.Hash, secret, "key", nil, s.KeyLen),
		IV:  expandLabel(s.Hash, secret, "iv", nil, s.FixedIVLen),
	}
}

// NextTraffic returns the application_traffic_secret after a key update (RFC
// 9846, section 7.2).
func (s *Suite) NextTraffic(secret []byte) []byte {
	return expandLabel(s.Hash, secret, "traffic upd", nil, s.Hash.Size())
}

// FinishedKey13 returns finished_key of a traffic secret, or of a binder_key (RFC 9846,
// section 4.5.3).
func (s *Suite) FinishedKey13(secret []byte) []byte {
	return expandLabel(s.Hash, secret, "finished", nil, s.Hash.Size())
}

// Extract13 is HKDF-Extract with the suite's hash (RFC 5869, section 2.2).
func (s *Suite) Extract13(material, salt []byte) []byte { return extract(s.Hash, material, salt) }

// VerifyData13 returns Finished.verify_data of the side whose traffic secret this
// is, or the binder of a binder_key, for the hash of the transcript (RFC 9846,
// section 4.5.3).
func (s *Suite) VerifyData13(secret, hash []byte) []byte {
	mac := hmac.New(s.Hash.New, s.FinishedKey13(secret))
	mac.Write(hash)
	return mac.Sum(nil)
}

// TicketPSK returns the PSK of a ticket (RFC 9846, section 4.7.1).
func (s *Suite) TicketPSK(resumption, nonce []byte) []byte {
	return expandLabel(s.Hash, resumption, "resumption", nonce, s.Hash.Size())
}

// Export returns n bytes of keying material for a label and a context (RFC 9846,
// section 7.5), of an exporter_secret.
func (s *Suite) Export(exporter []byte, label string, context []byte, n int) []byte {
	of := make([]byte, s.Hash.Size())
	s.Hash.sum(of, context)
	return expandLabel(s.Hash, expandLabel(s.Hash, exporter, label, s.Hash.empty(), s.Hash.Size()), "exporter", of, n)
}

// ImportPSK makes the PSK for an imported identity of a key from outside TLS that
// goes with the hash h, for suites with the hash of target (RFC 9258, section 5.1).
func ImportPSK(h, target Hash, key, identity []byte) []byte {
	of := make([]byte, h.Size())
	h.sum(of, identity)
	return expandLabel(h, extract(h, key, nil), "derived psk", of, target.Size())
}

// empty is the hash of nothing.
func (h Hash) empty() []byte {
	b := make([]byte, h.Size())
	h.sum(b, nil)
	return b
}

// extract is HKDF-Extract (RFC 5869, section 2.2): HMAC of the material, with the salt
// for its key.
func extract(h Hash, material, salt []byte) []byte {
	var mac prfMAC
	mac.setKey(h, salt)
	b := make([]byte, h.Size())
	mac.sum(b, material)
	return b
}

// expandLabel is HKDF-Expand-Label (RFC 9846, section 7.1). Neither label nor
// context comes from a peer: their lengths fit.
func expandLabel(h Hash, secret []byte, label string, context []byte, n int) []byte {
	info := make([]byte, 0, 128)
	info = append(info, byte(n>>8), byte(n), byte(len("tls13 ")+len(label)))
	info = append(append(info, "tls13 "...), label...)
	return expand(h, secret, append(append(info, byte(len(context))), context...), n)
}

// expand is HKDF-Expand (RFC 5869, section 2.3). Info may be written behind.
func expand(h Hash, secret, info []byte, n int) []byte {
	if n <= h.Size() { // of one block
		var mac prfMAC
		var block [MaxHashSize]byte
		mac.setKey(h, secret)
		mac.sum(block[:h.Size()], append(info, 1))
		return append(make([]byte, 0, n), block[:n]...)
	}
	b, err := hkdf.Expand(h.New, secret, string(info), n)
	if err != nil {
		panic("hkdf: " + err.Error()) // more than 255 hashes
	}
	return b
}
