// TCP sequence numbers and their arithmetic.

package wire

import "strconv"

// A Seq is a TCP sequence number. Its arithmetic is modulo 2^32 (RFC 9293,
// section 3.4): compare with the methods, never with < on the raw values.
type Seq uint32

// Add returns the sequence number n octets after s.
func (s Seq) Add(n int) Seq { return s + Seq(uint32(n)) }

// Minus returns the signed distance from t to s, positive when s is later.
func (s Seq) Minus(t Seq) int { return int(int32(s - t)) }

// Less reports whether s comes before t.
func (s Seq) Less(t Seq) bool { return int32(s-t) < 0 }

// LessEq reports whether s comes before t or is t.
func (s Seq) LessEq(t Seq) bool { return int32(s-t) <= 0 }

// InWindow reports whether first ≤ s < first+size.
func (s Seq) InWindow(first Seq, size uint32) bool { return uint32(s-first) < size }

// String returns the number in decimal.
func (s Seq) String() string { return strconv.FormatUint(uint64(s), 10) }
