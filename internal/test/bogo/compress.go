// The runner's own ways to compress certificates, which nobody else has.

package main

import (
	"bytes"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

const (
	shrinking tlsmsg.CertificateCompressionAlgorithm = 0xff01 + iota // leaves out two bytes that are known
	expanding                                                        // puts four bytes before it
	random                                                           // puts a byte before it that is another each time
)

// runnersCompressions is in the order that the runner expects.
var runnersCompressions = []tlsmsg.CertificateCompressionAlgorithm{expanding, shrinking, random}

var (
	leftOut = []byte{0, 0}
	before  = []byte{1, 2, 3, 4}
)

// runnersCompression does work of these kinds, and returns nil for other work.
func runnersCompression(w handshake.Work) handshake.Result {
	switch w := w.(type) {
	case handshake.CompressWork:
		return handshake.CompressResult{Compressed: runnersForm(w.Algorithm, w.Body)}
	case handshake.DecompressWork:
		return runnersBody(w)
	}
	return nil
}

func runnersForm(a tlsmsg.CertificateCompressionAlgorithm, body []byte) []byte {
	switch a {
	case shrinking:
		return bytes.TrimPrefix(body, leftOut)
	case expanding:
		return append(bytes.Clone(before), body...)
	}
	some := random32()
	return append(some[:1], body...)
}

func runnersBody(w handshake.DecompressWork) (r handshake.DecompressResult) {
	switch {
	case w.Algorithm == shrinking:
		r.Body = append(bytes.Clone(leftOut), w.Compressed...)
	case w.Algorithm == expanding && bytes.HasPrefix(w.Compressed, before):
		r.Body = w.Compressed[len(before):]
	case w.Algorithm == random:
		r.Body = w.Compressed[1:]
	default:
		r.Err = fmt.Errorf("%w: %x", handshake.ErrCompressed, w.Compressed)
	}
	return r
}
