// Certificates that are compressed (RFC 8879): what each side offers to take, and
// how a Certificate becomes a CompressedCertificate and the other way round. The
// transcript covers the message as it is sent.

package handshake

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// DecompressWork asks for the body of a Certificate, without the header of the
// handshake message. Result: DecompressResult.
type DecompressWork struct {
	Algorithm  tlsmsg.CertificateCompressionAlgorithm
	Compressed []byte
	Length     int // of the body, in bytes: the driver makes no more of it, however much there would be
}

// DecompressResult is the outcome of DecompressWork.
type DecompressResult struct {
	Body []byte // the machine's from now on
	Err  error  // wraps ErrCompressed where the peer is at fault
}

// ErrCompressed says that something cannot be decompressed, or is not as long as
// was said.
var ErrCompressed = errors.New("compressed data that cannot be used")

// CompressWork asks for the body of a Certificate to be compressed. Result:
// CompressResult.
type CompressWork struct {
	Algorithm tlsmsg.CertificateCompressionAlgorithm
	Body      []byte
}

// CompressResult is the outcome of CompressWork.
type CompressResult struct {
	Compressed []byte // empty: the Certificate is sent as it is
	Err        error  // why it is empty; nil: nothing would be saved
}

func (DecompressWork) work()     {}
func (CompressWork) work()       {}
func (DecompressResult) result() {}
func (CompressResult) result()   {}

// maxCompressions is how many algorithms fit in compress_certificate (RFC 8879,
// section 3).
const maxCompressions = 127

// checkCompressions says what is wrong with a list to offer, or nil.
func checkCompressions(list []tlsmsg.CertificateCompressionAlgorithm) error {
	if len(list) > maxCompressions || twice(list) {
		return fmt.Errorf("certificate compression by %v: expected at most %d algorithms, each once", list, maxCompressions)
	}
	return nil
}

// twice reports whether a value stands in a list more than once.
func twice[T comparable](list []T) bool {
	for i, v := range list {
		if slices.Contains(list[:i], v) {
			return true
		}
	}
	return false
}

func offerCompressCertificate(c *Client, b []byte) ([]byte, error) {
	if len(c.cfg.CompressCertificates) == 0 || !c.offers13() {
		return nil, nil
	}
	return (&tlsmsg.CompressCertificate{Algorithms: c.cfg.CompressCertificates}).AppendData(b, inHello), nil
}

func (c *Client) offersCompression(a tlsmsg.CertificateCompressionAlgorithm) bool {
	return offered(c, tlsmsg.ExtensionCompressCertificate, c.cfg.CompressCertificates, func(e *tlsmsg.Extension) ([]tlsmsg.CertificateCompressionAlgorithm, error) {
		var v tlsmsg.CompressCertificate
		err := e.Decode(&v, inHello)
		return v.Algorithms, err
	}, a)
}

// compressible reports whether the ClientHello lets the server compress.
func (c *Client) compressible() bool {
	return c.offered&(1<<rowOf(tlsmsg.ExtensionCompressCertificate)) != 0
}

func takeCompressCertificate(s *Server, hello *tlsmsg.ClientHello) (tlsmsg.ExtensionData, error) {
	var v tlsmsg.CompressCertificate
	if err := take(hello, &v); err != nil {
		return nil, err
	}
	if twice(v.Algorithms) {
		return nil, refuse(tlsmsg.AlertIllegalParameter, "ClientHello.compress_certificate", "%v, expected each once", v.Algorithms)
	}
	s.offer.compressions = v.Algorithms
	return nil, nil
}

// commonCompression returns our first algorithm that the peer takes, or 0, which is none.
func commonCompression(ours, theirs []tlsmsg.CertificateCompressionAlgorithm) tlsmsg.CertificateCompressionAlgorithm {
	for _, a := range ours {
		if slices.Contains(theirs, a) {
			return a
		}
	}
	return 0
}

// decompress has the Certificate taken out of a CompressedCertificate; then takes
// it, with a header, as if it had come so. What it may be long is bounded as if it
// had (RFC 8879, section 5).
func (c *conn[S]) decompress(raw []byte, offers func(tlsmsg.CertificateCompressionAlgorithm) bool, then func(S, []byte) error) error {
	var m tlsmsg.CompressedCertificate
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if !offers(m.Algorithm) {
		return refuse(tlsmsg.AlertIllegalParameter, "CompressedCertificate.algorithm", "%v was not offered", m.Algorithm)
	}
	n := int(m.UncompressedLength)
	if n > maxMessage {
		return refuse(tlsmsg.AlertBadCertificate, "CompressedCertificate.uncompressed_length", "%d bytes, expected at most %d", n, maxMessage)
	}
	c.state.Compression = m.Algorithm
	c.yield(DecompressWork{Algorithm: m.Algorithm, Compressed: m.Message, Length: n}, func(self S, r Result) error {
		result, ok := r.(DecompressResult)
		if !ok {
			return wrongResult(result, r)
		}
		if result.Err != nil {
			return peerOrInternal(result.Err, ErrCompressed, tlsmsg.AlertBadCertificate, "CompressedCertificate.compressed_certificate_message", "decompressing Certificate")
		}
		if len(result.Body) != n {
			return refuse(tlsmsg.AlertBadCertificate, "CompressedCertificate.uncompressed_length", "%d bytes, and there are %d", n, len(result.Body))
		}
		return then(self, append([]byte{byte(tlsmsg.TypeCertificate), byte(n >> 16), byte(n >> 8), byte(n)}, result.Body...))
	})
	return nil
}

// sendChain sends a Certificate, compressed if the peer takes an algorithm of
// ours; then goes on.
func (c *conn[S]) sendChain(m *tlsmsg.Certificate, a tlsmsg.CertificateCompressionAlgorithm, then func(S) error) error {
	if a == 0 || len(m.Chain) == 0 {
		if err := c.send(m); err != nil {
			return err
		}
		return then(c.self)
	}
	body := m.AppendBody(nil, c.ctx)
	c.yield(CompressWork{Algorithm: a, Body: body}, func(self S, r Result) error {
		result, ok := r.(CompressResult)
		if !ok {
			return wrongResult(result, r)
		}
		var sent tlsmsg.Message = m
		if len(result.Compressed) > 0 {
			sent = &tlsmsg.CompressedCertificate{Algorithm: a, UncompressedLength: uint32(len(body)), Message: result.Compressed}
		} else {
			c.decide("certificate_uncompressed", "the certificate is sent as it is: %s", notCompressed(result.Err, a))
		}
		if err := c.send(sent); err != nil {
			return err
		}
		return then(self)
	})
	return nil
}

// notCompressed says why a Certificate is sent as it is.
func notCompressed(err error, a tlsmsg.CertificateCompressionAlgorithm) string {
	if err == nil {
		return a.String() + " would save nothing"
	}
	return err.Error()
}
