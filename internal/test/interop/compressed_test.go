package interop

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A compressed certificate is shown and judged as one that is not, while it
// happens and from its capture.
func TestACompressedCertificateIsReadAndJudged(t *testing.T) {
	l := newLab(t)
	for _, a := range []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionZlib, tlsmsg.CompressionBrotli, tlsmsg.CompressionZstd} {
		t.Run(a.String(), func(t *testing.T) {
			s, err := l.StartOurServer(service.Options{ClientAuth: service.NoClientAuth, CompressCertificate: []tlsmsg.CertificateCompressionAlgorithm{a}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			pcap := filepath.Join(t.TempDir(), "out.pcapng")
			live := rawshake(t, l.Near(), "connect", "--ca", s.CAFile(), "--compress-certificate", a.String(), "--pcap", pcap, s.Addr().String()).want(t, 0)
			read := rawshake(t, l.Near(), "explain", "--ca", s.CAFile(), pcap).want(t, 0)
			for _, r := range []run{live, read} {
				for _, word := range []string{"CompressedCertificate", "CN=server.lab.test", a.String(), "verified"} {
					if !strings.Contains(r.stdout, word) {
						t.Errorf("the ladder does not show %q:\n%s", word, r.stdout)
					}
				}
			}
			plain := rawshake(t, l.Near(), "connect", "--json", "--ca", s.CAFile(), s.Addr().String()).want(t, 0)
			if list := messages(entries(t, plain.stdout)); !slices.Contains(list, "in certificate") || slices.Contains(list, "in compressed_certificate") {
				t.Errorf("without the flag: %q", list)
			}
		})
	}
}
