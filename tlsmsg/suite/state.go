// One direction's connection state: keys, sequence number, and the protection
// of records.

package suite

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ErrBadRecordMAC says that a record did not authenticate: the answer is the
// alert bad_record_mac (RFC 5246, section 7.2.2).
var ErrBadRecordMAC = errors.New("the record does not authenticate")

// ErrSequenceNumber says that a direction has used up its 2^64-1 sequence
// numbers: they must not wrap (RFC 5246, section 6.1).
var ErrSequenceNumber = errors.New("sequence numbers are used up")

// recordCipher protects and unprotects fragments: one kind of cipher, in a file
// of its own. The sequence number comes to it in the additional data.
type recordCipher interface {
	// seal appends the protected fragment to dst.
	seal(dst []byte, a *additionalData, plaintext []byte) []byte
	// open unprotects a fragment in place. The header's length in a is its to
	// write, and where the record holds a type of its own, the type.
	open(a *additionalData, fragment []byte) ([]byte, error)
	// overhead returns the most bytes that seal adds to a fragment.
	overhead() int
}

// additionalData is what a record's authentication covers besides its
// fragment: seq_num + type + version + length (RFC 5246, section 6.2.3.3).
type additionalData [13]byte

func (a *additionalData) seq() []byte                     { return a[:8] }
func (a *additionalData) contentType() tlsmsg.ContentType { return tlsmsg.ContentType(a[8]) }
func (a *additionalData) setLength(n int)                 { binary.BigEndian.PutUint16(a[11:], uint16(n)) }

// A State is one direction's connection state: its keys and its sequence
// number (RFC 5246, section 6.1). It is not safe for concurrent use.
type State struct {
	cipher recordCipher
	seq    uint64
	splits bool
	limit  uint64         // of records; 0: none but that of the sequence numbers
	ad     additionalData // here, not on the stack: it passes through an interface
}

// NewState returns the connection state that a ChangeCipherSpec activates, or
// in TLS 1.3 the next keys, at sequence number 0. It serves one direction:
// either Seal or Open is called. encryptThenMAC says that the two sides agreed
// on RFC 7366; it must be false for suites without [Suite.CBC].
func (s *Suite) NewState(k DirectionKeys, encryptThenMAC bool) (*State, error) {
	c, err := s.newCipher(k, encryptThenMAC)
	if err != nil {
		return nil, err
	}
	return &State{cipher: c, splits: s.CBC() && s.Version == tlsmsg.VersionTLS10, limit: s.protection.limit}, nil
}

// Splits reports whether application data is to be sent as a record of one byte
// and one of the rest. In TLS 1.0 a record's IV is the last block of the record
// before, which everybody has seen; whoever can choose plaintexts then learns
// others. The MAC of the one byte makes the next IV unpredictable (BEAST).
func (s *State) Splits() bool { return s.splits }

// Overhead returns the most bytes that Seal adds to a fragment.
func (s *State) Overhead() int { return s.cipher.overhead() }

// Seal appends to dst the protected form of a fragment, without the record's
// header, and counts the record. The plaintext must not overlap dst's room.
func (s *State) Seal(dst []byte, typ tlsmsg.ContentType, version tlsmsg.Version, plaintext []byte) ([]byte, error) {
	if err := s.next(typ, version); err != nil {
		return dst, err
	}
	s.ad.setLength(len(plaintext))
	return s.cipher.seal(dst, &s.ad, plaintext), nil
}

// Open unprotects a fragment, the record's content without its header, and
// counts the record. It returns the type of what the record holds, which is the
// header's before TLS 1.3, and the plaintext, which lies inside fragment; after
// a failure fragment's bytes are undefined.
func (s *State) Open(typ tlsmsg.ContentType, version tlsmsg.Version, fragment []byte) (inner tlsmsg.ContentType, plaintext []byte, err error) {
	if err := s.next(typ, version); err != nil {
		return typ, nil, err
	}
	plaintext, err = s.cipher.open(&s.ad, fragment)
	return s.ad.contentType(), plaintext, err
}

// Uncount undoes the counting of the last record, if it was not a record for
// this state (RFC 9846, section 4.3.10).
func (s *State) Uncount() { s.seq-- }

// next fills in the additional data but for its length and takes a sequence
// number. The last number is never used, so that none can come twice.
func (s *State) next(typ tlsmsg.ContentType, version tlsmsg.Version) error {
	if s.seq == math.MaxUint64 {
		return ErrSequenceNumber
	}
	binary.BigEndian.PutUint64(s.ad[:8], s.seq)
	s.ad[8] = byte(typ)
	binary.BigEndian.PutUint16(s.ad[9:], uint16(version))
	s.seq++
	return nil
}
