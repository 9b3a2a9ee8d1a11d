// What matters in a certificate, in words and as JSON.

package facts

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Chain returns facts about a chain's first certificate, the one that counts, and in
// JSON about the others as well.
func Chain(chain [][]byte) []Fact {
	if len(chain) == 0 {
		return []Fact{{"certificates", 0, "none"}}
	}
	facts := leafFacts(chain[0])
	if _, err := x509.ParseCertificate(chain[0]); err != nil {
		facts = append(facts, Fact{"der", base64.StdEncoding.EncodeToString(chain[0]), ""})
	}
	if len(chain) == 1 {
		return append(facts, Fact{"certificates", 1, ""})
	}
	others := make([]plain.Object, 0, min(len(chain)-1, maxIssuers))
	for _, cert := range chain[1 : 1+cap(others)] {
		others = append(others, Object(leafFacts(cert)))
	}
	return append(facts, Fact{"certificates", len(chain), plain.Plural(len(chain), "certificate")}, Fact{"issuers", others, ""})
}

// compressedFacts are how a chain is compressed, and what is in it.
func compressedFacts(m *tlsmsg.CompressedCertificate) []Fact {
	how := []Fact{
		{"compression", m.Algorithm, m.Algorithm.String()},
		{"uncompressed_len", m.UncompressedLength, fmt.Sprintf("%d of %s", len(m.Message), plain.Octets(int(m.UncompressedLength)))},
	}
	c, err := worker.Decompress(m)
	if err != nil {
		return append(how, undecoded(err)...)
	}
	return append(Chain(c.Chain), how...)
}

// maxIssuers bounds the certificates after the first that are described in
// words: a chain of 128 KiB may hold thousands.
const maxIssuers = 16

func leafFacts(raw []byte) []Fact {
	sum := sha256.Sum256(raw)
	fingerprint := Fact{Key: "sha256", Value: hex.EncodeToString(sum[:])}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return append(oddFacts(raw, err), fingerprint)
	}
	return []Fact{
		{"subject", cert.Subject.String(), subjectText(cert)},
		{"not_after", timestamp(cert.NotAfter), "expires " + cert.NotAfter.UTC().Format(time.DateOnly)},
		{"not_before", timestamp(cert.NotBefore), ""},
		{"issuer", cert.Issuer.String(), issuerText(cert)},
		{"dns_names", append([]string{}, cert.DNSNames...), ""},
		{"ip_addresses", addresses(cert.IPAddresses), ""},
		{"serial", cert.SerialNumber.Text(16), ""},
		{"public_key", keyName(cert), ""},
		{"signature_algorithm", signatureName(cert), ""},
		fingerprint,
	}
}

// signatureName is the algorithm of a certificate's signature, or its
// identifier if crypto/x509 does not know it.
func signatureName(cert *x509.Certificate) string {
	if id := der.SignatureAlgorithm(cert.Raw); cert.SignatureAlgorithm == x509.UnknownSignatureAlgorithm && id != "" {
		return id
	}
	return cert.SignatureAlgorithm.String()
}

// keyName is the kind of a certificate's key, including keys restricted to
// RSA-PSS, which crypto/x509 does not know.
func keyName(cert *x509.Certificate) string {
	if key := worker.PublicKey(cert.Raw); cert.PublicKey == nil && key != nil {
		return suite.KeyName(key)
	}
	return cert.PublicKeyAlgorithm.String()
}

// oddFacts are what can be read of a certificate that crypto/x509 rejects.
func oddFacts(cert []byte, why error) []Fact {
	says := der.Summarize(cert)
	reason := strings.TrimPrefix(why.Error(), "x509: ")
	facts := []Fact{{"error", reason, "does not parse: " + reason}}
	if says.Serial != "" { // it could be read that far
		facts = append(facts,
			Fact{"subject", says.Subject, oddSubject(&says)},
			momentFact("not_after", says.NotAfter, "expires "),
			momentFact("not_before", says.NotBefore, ""),
			Fact{"issuer", says.Issuer, "by " + says.Issuer},
			Fact{"dns_names", append([]string{}, says.DNSNames...), ""},
			Fact{"ip_addresses", append([]string{}, says.IPAddresses...), ""},
			Fact{"serial", says.Serial, ""})
	}
	if key := worker.PublicKey(cert); key != nil {
		facts = append(facts, Fact{"public_key", suite.KeyName(key), ""})
	}
	return facts
}

// momentFact is a time, or what is in its place.
func momentFact(key string, m der.Moment, words string) Fact {
	text, value := "", m.Text
	if !m.IsZero() {
		value = timestamp(m.Time)
	}
	switch {
	case words == "":
	case m.IsZero():
		text = words + "at no time: " + m.Text
	default:
		text = words + m.UTC().Format(time.DateOnly)
	}
	return Fact{key, value, text}
}

func oddSubject(says *der.Summary) string {
	switch {
	case says.CommonName != "":
		return "CN=" + says.CommonName
	case says.Subject != "":
		return says.Subject
	case len(says.DNSNames) > 0:
		return says.DNSNames[0]
	}
	return "no subject"
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// subjectText is the shortest name by which people know the certificate.
func subjectText(cert *x509.Certificate) string {
	switch {
	case cert.Subject.CommonName != "":
		return "CN=" + cert.Subject.CommonName
	case len(cert.DNSNames) > 0:
		return cert.DNSNames[0]
	case len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	case len(cert.Subject.Names) > 0:
		return cert.Subject.String()
	}
	return "no subject"
}

func issuerText(cert *x509.Certificate) string {
	issuer := cert.Issuer.CommonName
	switch {
	case string(cert.RawIssuer) == string(cert.RawSubject):
		return "self-issued"
	case issuer == "":
		issuer = cert.Issuer.String()
	}
	return "by " + issuer
}

func addresses(list []net.IP) []string {
	s := make([]string, len(list))
	for i, ip := range list {
		s[i] = ip.String()
	}
	return s
}

// distinguishedName puts a DER name into words (RFC 4514).
func distinguishedName(der []byte) string {
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdn); err != nil || len(rest) > 0 {
		return "0x" + hex.EncodeToString(der)
	}
	var name pkix.Name
	name.FillFromRDNSequence(&rdn)
	return name.String()
}

// CertificateJSON is what a certificate says, as a JSON object with the same
// names as in the JSON view's certificate message.
func CertificateJSON(der []byte) []byte {
	return Object(leafFacts(der)).AppendTo(nil)
}

// Object returns the facts that have a key as a JSON object.
func Object(facts []Fact) (o plain.Object) {
	for _, f := range facts {
		if f.Key != "" {
			o.Add(f.Key, f.Value)
		}
	}
	return o
}
