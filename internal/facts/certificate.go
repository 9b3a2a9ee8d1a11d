// What matters in a certificate, in words and as JSON.

package facts

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Chain returns facts about a chain's first certificate, the one that counts, and in
// JSON about the others as well.
func Chain(chain [][]byte) []Fact {
	if len(chain) == 0 {
		return []Fact{{"certificates", 0, "none"}}
	}
	leaf := der.Describe(chain[0])
	facts := certificateFacts(leaf, chain[0])
	if unread(leaf) {
		facts = append(facts, Fact{"der", base64.StdEncoding.EncodeToString(chain[0]), ""})
	}
	if len(chain) == 1 {
		return append(facts, Fact{"certificates", 1, ""})
	}
	others := make([]plain.Object, 0, min(len(chain)-1, maxIssuers))
	for _, cert := range chain[1 : 1+cap(others)] {
		others = append(others, Object(certificateFacts(der.Describe(cert), cert)))
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

// unread reports whether a part of a certificate cannot be read.
func unread(says *der.Description) bool {
	return slices.ContainsFunc(says.Anomalies, func(f der.Found) bool { return f.Anomaly == der.Unreadable })
}

// certificateFacts are what one certificate says, with the most important
// first, and what is wrong with it.
func certificateFacts(says *der.Description, raw []byte) []Fact {
	facts := make([]Fact, 0, 48)
	if says.Serial == "" {
		facts = append(facts, Fact{"error", "no certificate can be read here", "cannot be read as a certificate"})
	} else {
		facts = append(facts,
			Fact{"subject", says.Subject.String(), subjectText(says)},
			momentFact("not_after", says.NotAfter, "expires "),
			momentFact("not_before", says.NotBefore, ""),
			Fact{"issuer", says.Issuer.String(), issuerText(says)},
			Fact{"dns_names", list(says.Names("dNSName")), ""},
			Fact{"ip_addresses", list(says.Names("iPAddress")), ""},
			Fact{"serial", says.Serial, ""},
			Fact{"certificate_version", says.Version, ""})
		facts = append(facts, nameFacts(says)...)
		facts = append(facts, keyFacts(&says.Key)...)
		facts = append(facts, signatureFacts(says)...)
		facts = append(facts, extensionFacts(says)...)
	}
	facts = append(facts, anomalyFacts(says)...)
	sum := sha256.Sum256(raw)
	return append(facts, Fact{"sha256", hex.EncodeToString(sum[:]), ""})
}

// list is never null.
func list(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

// maxShown bounds the anomalies that the ladder tells of, which are not the
// minor ones.
const maxShown = 3

// anomalyFacts are what is wrong with a certificate's form.
func anomalyFacts(says *der.Description) []Fact {
	if len(says.Anomalies) == 0 {
		return nil
	}
	found := make([]plain.Object, 0, len(says.Anomalies))
	facts := []Fact{{}}
	told := 0
	for _, f := range says.Anomalies {
		var o plain.Object
		o.Add("code", string(f.Anomaly))
		plain.AddIf(&o, "part", f.Part)
		o.Add("text", f.Anomaly.Text())
		found = append(found, o)
		if !f.Anomaly.Minor() && told < maxShown {
			facts = append(facts, Fact{Text: "odd: " + f.String()})
			told++
		}
	}
	facts[0] = Fact{"anomalies", found, ""}
	return facts
}

// momentFact is a time, or what is in its place.
func momentFact(key string, m der.Moment, words string) Fact {
	text, value := "", m.Text
	if !m.IsZero() {
		value = m.UTC().Format(time.RFC3339)
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

// subjectText is the shortest name by which people know the certificate.
func subjectText(says *der.Description) string {
	switch cn := says.CommonName(); {
	case cn != "":
		return "CN=" + cn
	case len(says.AlternativeNames) > 0:
		return says.AlternativeNames[0].Value
	case len(says.Subject) > 0:
		return says.Subject.String()
	}
	return "no subject"
}

func issuerText(says *der.Description) string {
	issuer := says.Issuer.String()
	if issuer == says.Subject.String() {
		return "self-issued"
	}
	if names := says.Issuer.Find("2.5.4.3"); len(names) > 0 {
		issuer = names[len(names)-1]
	}
	return "by " + issuer
}

// CertificateJSON is what a certificate says, as a JSON object with the same
// names as in the JSON view's certificate message.
func CertificateJSON(raw []byte) []byte {
	return Object(certificateFacts(der.Describe(raw), raw)).AppendTo(nil)
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
