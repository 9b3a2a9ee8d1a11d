// How certificates are compressed and decompressed (RFC 8879, section 3).

package worker

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Compressions are the algorithms that a Worker knows, as a Config's
// CompressCertificates: the one that makes least of a chain first.
func Compressions() []tlsmsg.CertificateCompressionAlgorithm {
	return []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionBrotli, tlsmsg.CompressionZstd, tlsmsg.CompressionZlib}
}

// decompress makes as many bytes as are asked for, and not one more.
func decompress(work handshake.DecompressWork) handshake.Result {
	body, err := decompressed(work)
	if err != nil {
		err = fmt.Errorf("%w: %v: %w", handshake.ErrCompressed, work.Algorithm, err)
	}
	return handshake.DecompressResult{Body: body, Err: err}
}

func decompressed(work handshake.DecompressWork) ([]byte, error) {
	in := bytes.NewReader(work.Compressed)
	switch work.Algorithm {
	case tlsmsg.CompressionZlib:
		r, err := zlib.NewReader(in)
		if err != nil {
			return nil, err
		}
		return exactly(r, in, work.Length)
	case tlsmsg.CompressionBrotli:
		return exactly(brotli.NewReader(in), in, work.Length)
	case tlsmsg.CompressionZstd:
		return unzstd(work)
	}
	return nil, errUnknown
}

var errUnknown = errors.New("it is not known here")

// exactly reads n bytes, after which nothing may come, neither of what r makes nor
// of what it is made of.
func exactly(r io.Reader, in *bytes.Reader, n int) ([]byte, error) {
	body := make([]byte, n)
	if got, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("%d bytes of %d: %w", got, n, err)
	}
	var more [1]byte
	switch got, err := io.ReadFull(r, more[:]); {
	case got > 0:
		return nil, fmt.Errorf("more than %d bytes", n)
	case err != io.EOF:
		return nil, err // a checksum, say
	case in.Len() > 0:
		return nil, fmt.Errorf("%d bytes after its end", in.Len())
	}
	return body, nil
}

func unzstd(work handshake.DecompressWork) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := r.DecodeAll(work.Compressed, make([]byte, 0, work.Length))
	if err == nil && len(body) != work.Length {
		err = fmt.Errorf("%d bytes, expected %d", len(body), work.Length)
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// Decompress takes the Certificate out of a CompressedCertificate of TLS 1.3, for
// who watches a connection: the machines ask for it by [handshake.DecompressWork].
// What it claims to be long, and is, is bounded as a Certificate's own length is.
// The error wraps [handshake.ErrCompressed].
func Decompress(m *tlsmsg.CompressedCertificate) (*tlsmsg.Certificate, error) {
	n := int(m.UncompressedLength)
	if n > maxCertificate {
		return nil, fmt.Errorf("%w: %d bytes, expected at most %d", handshake.ErrCompressed, n, maxCertificate)
	}
	body, err := decompressed(handshake.DecompressWork{Algorithm: m.Algorithm, Compressed: m.Message, Length: n})
	if err != nil {
		return nil, fmt.Errorf("%w: %v: %w", handshake.ErrCompressed, m.Algorithm, err)
	}
	raw := append([]byte{byte(tlsmsg.TypeCertificate), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
	c := new(tlsmsg.Certificate)
	return c, tlsmsg.ParseInto(c, raw, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
}

// maxCertificate is as long as a Certificate may be, in bytes.
const maxCertificate = 128 << 10

// compress makes nothing of what would not become shorter.
func compress(work handshake.CompressWork) handshake.Result {
	var out bytes.Buffer
	w, err := compressor(work.Algorithm, &out)
	if err == nil {
		_, err = w.Write(work.Body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return handshake.CompressResult{Err: fmt.Errorf("%v: %w", work.Algorithm, err)}
	}
	if out.Len() >= len(work.Body) {
		return handshake.CompressResult{}
	}
	return handshake.CompressResult{Compressed: out.Bytes()}
}

func compressor(a tlsmsg.CertificateCompressionAlgorithm, to io.Writer) (io.WriteCloser, error) {
	switch a {
	case tlsmsg.CompressionZlib:
		return zlib.NewWriterLevel(to, zlib.BestCompression)
	case tlsmsg.CompressionBrotli:
		return brotli.NewWriterLevel(to, brotli.DefaultCompression), nil
	case tlsmsg.CompressionZstd:
		return zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(zstdWindow))
	}
	return nil, errUnknown
}

// zstdWindow holds the longest chain that is taken, in bytes.
const zstdWindow = maxCertificate
