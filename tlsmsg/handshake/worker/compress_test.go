package worker_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// through has a program turn bytes into others.
func through(t *testing.T, in []byte, program string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed: scripts/setup.sh installs it", program)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(program, err)
	}
	return out
}

// chainBody is something like a Certificate: in part the same again and again.
func chainBody() (body []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		body = append(body, "subjectPublicKeyInfo of an issuer"...)
		body = binary.BigEndian.AppendUint64(body, random.Uint64())
	}
	return body
}

// What others have compressed is decompressed, and what this side has compressed
// others decompress.
func TestOthersCompressAsThisSideDoes(t *testing.T) {
	body := chainBody()
	var w worker.Worker
	const deflate = "import sys,zlib;sys.stdout.buffer.write(zlib.%s(sys.stdin.buffer.read()))"
	for _, tc := range []struct {
		by         tlsmsg.CertificateCompressionAlgorithm
		pack, open []string
	}{
		{tlsmsg.CompressionZstd, []string{"zstd", "-c", "-q"}, []string{"zstd", "-d", "-c", "-q"}},
		{tlsmsg.CompressionZstd, []string{"zstd", "-c", "-q", "-19", "--no-check"}, []string{"zstd", "-d", "-c", "-q"}},
		{tlsmsg.CompressionZlib, []string{"python3", "-c", fmt.Sprintf(deflate, "compress")}, []string{"python3", "-c", fmt.Sprintf(deflate, "decompress")}},
	} {
		t.Run(tc.by.String(), func(t *testing.T) {
			theirs := through(t, body, tc.pack[0], tc.pack[1:]...)
			got := w.Do(handshake.DecompressWork{Algorithm: tc.by, Compressed: theirs, Length: len(body)}).(handshake.DecompressResult)
			if got.Err != nil || !bytes.Equal(got.Body, body) {
				t.Errorf("theirs: %d bytes, %v", len(got.Body), got.Err)
			}
			ours := w.Do(handshake.CompressWork{Algorithm: tc.by, Body: body}).(handshake.CompressResult)
			if ours.Err != nil || !bytes.Equal(through(t, ours.Compressed, tc.open[0], tc.open[1:]...), body) {
				t.Errorf("ours: %v", ours.Err)
			}
		})
	}
}

// Each algorithm gives back what went in; one that is not known is this side's
// fault, or the peer's; and what would become longer is left as it is.
func TestWhatIsCompressedComesBack(t *testing.T) {
	body := chainBody()
	var w worker.Worker
	for _, a := range worker.Compressions() {
		packed := w.Do(handshake.CompressWork{Algorithm: a, Body: body}).(handshake.CompressResult)
		got := w.Do(handshake.DecompressWork{Algorithm: a, Compressed: packed.Compressed, Length: len(body)}).(handshake.DecompressResult)
		if packed.Err != nil || len(packed.Compressed) == 0 || len(packed.Compressed) >= len(body) || got.Err != nil || !bytes.Equal(got.Body, body) {
			t.Errorf("%v: %d bytes of %d, %v, %v", a, len(packed.Compressed), len(body), packed.Err, got.Err)
		}
		if short := w.Do(handshake.CompressWork{Algorithm: a, Body: []byte("x")}).(handshake.CompressResult); short.Err != nil || short.Compressed != nil {
			t.Errorf("%v: one byte becomes %x, %v", a, short.Compressed, short.Err)
		}
	}
	unknown := w.Do(handshake.CompressWork{Algorithm: 4, Body: body}).(handshake.CompressResult)
	of := w.Do(handshake.DecompressWork{Algorithm: 4, Compressed: body, Length: len(body)}).(handshake.DecompressResult)
	if unknown.Err == nil || unknown.Compressed != nil || !errors.Is(of.Err, handshake.ErrCompressed) || of.Body != nil {
		t.Errorf("an unknown algorithm: %v, %v", unknown.Err, of.Err)
	}
}
