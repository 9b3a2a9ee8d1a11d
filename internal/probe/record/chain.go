// Certificates in results: each is read, and written whole, only once.

package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"

	"github.com/rawshake/rawshake/internal/facts"
)

// chains knows certificates again, so that each is read once.
type chains struct {
	objects map[[sha256.Size]byte][]byte
	bytes   int // of the objects
}

// A Written knows which certificates stand in a file. Encoders that write to
// the same file share one. The zero value is ready.
type Written struct {
	mu  sync.Mutex
	set map[[sha256.Size]byte]struct{}
}

// add takes note of a certificate, and reports whether it is new.
func (w *Written) add(sum [sha256.Size]byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.set[sum]; ok {
		return false
	}
	if w.set == nil || len(w.set) >= maxWritten {
		w.set = make(map[[sha256.Size]byte]struct{})
	}
	w.set[sum] = struct{}{}
	return true
}

// Bounds on what is remembered. When full, it begins anew.
const (
	maxObjects     = 4096     // some 2 KB each
	maxObjectBytes = 16 << 20 // of them all: a certificate may be long
	maxWritten     = 1 << 20  // 32 bytes each
)

// object is what a certificate says, as a JSON object.
func (c *chains) object(der []byte) []byte {
	sum := sha256.Sum256(der)
	if o, ok := c.objects[sum]; ok {
		return o
	}
	o := facts.CertificateJSON(der)
	if c.objects == nil || len(c.objects) >= maxObjects || c.bytes+len(o) > maxObjectBytes {
		c.objects, c.bytes = make(map[[sha256.Size]byte][]byte), 0
	}
	c.objects[sum] = o
	c.bytes += len(o)
	return o
}

// appendWhole appends a certificate's own line, if it was not written yet.
func (w *Written) appendWhole(b []byte, der []byte) []byte {
	sum := sha256.Sum256(der)
	if !w.add(sum) {
		return b
	}
	b = append(b, `{"type":"certificate","sha256":"`...)
	b = hex.AppendEncode(b, sum[:])
	b = append(b, `","der":"`...)
	b = base64.StdEncoding.AppendEncode(b, der)
	return append(b, '"', '}', '\n')
}
