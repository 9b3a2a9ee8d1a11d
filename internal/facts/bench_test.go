package facts

import (
	"testing"

	"github.com/rawshake/rawshake/internal/test/oddcert"
)

// What it costs to describe a certificate that was not met before.
func BenchmarkCertificateJSON(b *testing.B) {
	cert := oddcert.Kinds()[0].DER
	b.ReportAllocs()
	for b.Loop() {
		CertificateJSON(cert)
	}
}
