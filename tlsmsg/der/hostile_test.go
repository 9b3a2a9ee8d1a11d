package der_test

import (
	"bytes"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/der"
)

func element(tag byte, content []byte) []byte {
	n := len(content)
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
}

// most is the longest certificate that is tried: longer than a chain may be.
const most = 256 << 10

// hostileCertificates are long, and have as many of one thing as fit.
func hostileCertificates() map[string][]byte {
	fill := func(unit []byte) []byte { return bytes.Repeat(unit, most/len(unit)) }
	certificate := func(issuer, subject, extensions []byte) []byte {
		algorithm := []byte{0x30, 3, 6, 1, 42}
		times := []byte("\x30\x1e\x17\x0d250101000000Z\x17\x0d350101000000Z")
		key := []byte{0x30, 9, 0x30, 3, 6, 1, 42, 3, 2, 0, 1}
		tbs := bytes.Join([][]byte{{0xa0, 3, 2, 1, 2, 2, 1, 5}, algorithm, issuer, times, subject, key, element(0xa3, element(0x30, extensions))}, nil)
		return element(0x30, bytes.Join([][]byte{element(0x30, tbs), algorithm, {3, 2, 0, 1}}, nil))
	}
	empty := []byte{0x30, 0}
	open := bytes.Repeat([]byte{0x30, 0x80}, 15)
	attribute := []byte("\x31\x09\x30\x07\x06\x02\x2a\x03\x0c\x01a")
	names := element(0x30, []byte("\x06\x03\x55\x1d\x11"+string(element(4, element(0x30, fill([]byte{0x82, 0}))))))
	policies := element(0x30, []byte("\x06\x03\x55\x1d\x20"+string(element(4, element(0x30, fill([]byte{0x30, 3, 6, 1, 42}))))))
	usages := element(0x30, []byte("\x06\x03\x55\x1d\x25"+string(element(4, element(0x30, fill([]byte{6, 1, 42}))))))
	return map[string][]byte{
		"lengths that are not stated": append(append(bytes.Clone(open), fill([]byte{5, 0})...), make([]byte, 30)...),
		"and never end":               append(bytes.Clone(open), fill([]byte{5, 0})...),
		"nothing but beginnings":      fill([]byte{0x30, 0x80}),
		"attributes":                  certificate(element(0x30, fill(attribute)), empty, nil),
		"sets":                        certificate(empty, element(0x30, fill([]byte{0x31, 0})), nil),
		"extensions":                  certificate(empty, empty, fill([]byte("\x30\x06\x06\x01\x2a\x04\x01a"))),
		"alternative names":           certificate(empty, empty, names),
		"policies":                    certificate(empty, empty, policies),
		"purposes":                    certificate(empty, empty, usages),
		"numbers":                     element(0x30, element(0x30, fill([]byte{2, 1, 5}))),
		"pieces":                      certificate(empty, empty, element(0x30, []byte("\x06\x03\x55\x1d\x11"+string(element(0x24, fill([]byte{4, 0})))))),
	}
}

// However a certificate is made up, describing it takes memory, and so work, in
// proportion to its length.
func TestAHostileCertificateTakesWorkInProportion(t *testing.T) {
	for name, cert := range hostileCertificates() {
		n := testing.AllocsPerRun(1, func() { der.Describe(cert) })
		if limit := float64(2 * len(cert)); n > limit {
			t.Errorf("%s: %v allocations for %d bytes", name, n, len(cert))
		}
		if says := der.Describe(cert); len(says.Anomalies) == 0 || len(says.Anomalies) > 64 {
			t.Errorf("%s: %d anomalies", name, len(says.Anomalies))
		}
	}
}

// What it costs to describe the worst certificates.
func BenchmarkDescribeHostile(b *testing.B) {
	for name, cert := range hostileCertificates() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(cert)))
			for b.Loop() {
				der.Describe(cert)
			}
		})
	}
}
