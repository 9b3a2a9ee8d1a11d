package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/rawshake/rawshake/internal/view"
)

// chains knows certificates again, so that each is read once.
type chains struct {
	objects map[[sha256.Size]byte][]byte
	written map[[sha256.Size]byte]struct{}
}

// Bounds on what is remembered. When full, it begins anew.
const (
	mostObjects = 4096    // some 2 KB each
	mostWritten = 1 << 20 // 32 bytes each
)

// object is what a certificate says, as a JSON object.
func (c *chains) object(der []byte) []byte {
	sum := sha256.Sum256(der)
	if o, ok := c.objects[sum]; ok {
		return o
	}
	if c.objects == nil || len(c.objects) >= mostObjects {
		c.objects = make(map[[sha256.Size]byte][]byte)
	}
	o := view.CertificateJSON(der)
	c.objects[sum] = o
	return o
}

// appendWhole appends a certificate's own line, if it was not written yet.
func (c *chains) appendWhole(b []byte, der []byte) []byte {
	sum := sha256.Sum256(der)
	if _, ok := c.written[sum]; ok {
		return b
	}
	if c.written == nil || len(c.written) >= mostWritten {
		c.written = make(map[[sha256.Size]byte]struct{})
	}
	c.written[sum] = struct{}{}
	b = append(b, `{"type":"certificate","sha256":"`...)
	b = hex.AppendEncode(b, sum[:])
	b = append(b, `","der":"`...)
	b = base64.StdEncoding.AppendEncode(b, der)
	return append(b, '"', '}', '\n')
}
