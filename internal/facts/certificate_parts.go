// The parts of a certificate, as facts: names, key, signature, extensions.

package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// nameFacts are the names by their parts, and alternative names of other kinds
// than servers have.
func nameFacts(says *der.Description) (facts []Fact) {
	facts = append(facts,
		Fact{Key: "subject_attributes", Value: attributes(says.Subject)},
		Fact{Key: "issuer_attributes", Value: attributes(says.Issuer)})
	facts = appendList(facts, "email_addresses", says.Names("rfc822Name"))
	facts = appendList(facts, "uris", says.Names("uniformResourceIdentifier"))
	var others []string
	for _, n := range says.AlternativeNames {
		if !slices.Contains(serverNames, n.Kind) {
			others = append(others, n.Kind+":"+n.Value)
		}
	}
	return appendList(facts, "other_names", others)
}

// serverNames are the kinds of names with a fact of their own.
var serverNames = []string{"dNSName", "iPAddress", "rfc822Name", "uniformResourceIdentifier"}

// attributes are a name's, each with its values in their order.
func attributes(n der.DistinguishedName) (o plain.Object) {
	var order []string
	values := make(map[string][]string)
	for _, set := range n {
		for _, a := range set {
			if values[a.Type] == nil {
				order = append(order, a.Type)
			}
			values[a.Type] = append(values[a.Type], a.Value)
		}
	}
	for _, id := range order {
		name := der.OIDName(id)
		if name == "" {
			name = id
		}
		o.Add(name, values[id])
	}
	return o
}

func keyFacts(k *der.Key) (facts []Fact) {
	if k.Kind == "" {
		return nil
	}
	facts = append(facts, Fact{"public_key", k.Kind, ""})
	if k.Bits > 0 {
		facts = append(facts, Fact{Key: "key_bits", Value: k.Bits})
	}
	if k.Curve != "" {
		facts = append(facts, Fact{Key: "key_curve", Value: k.Curve})
	}
	if k.Exponent != nil {
		facts = append(facts, Fact{Key: "key_exponent", Value: k.Exponent.String()})
	}
	if k.Raw != nil {
		sum := sha256.Sum256(k.Raw)
		facts = append(facts, Fact{Key: "spki_sha256", Value: hex.EncodeToString(sum[:])})
	}
	return facts
}

func signatureFacts(says *der.Description) (facts []Fact) {
	s := &says.Signature
	if s.Type == "" {
		return nil
	}
	facts = append(facts, Fact{"signature_algorithm", s.Name(), ""})
	if p := s.PSS; p != nil {
		var o plain.Object
		o.Add("hash", p.Hash)
		o.Add("mask_hash", p.MaskHash)
		o.Add("salt_len", p.SaltLength)
		facts = append(facts, Fact{Key: "signature_pss", Value: o})
	}
	if inner := says.InnerSignature.Name(); inner != s.Name() && inner != "" {
		facts = append(facts, Fact{Key: "signed_algorithm", Value: inner})
	}
	return facts
}

// extensionFacts are what the extensions say, and which there are.
func extensionFacts(says *der.Description) (facts []Fact) {
	if c := says.Constraints; c != nil {
		facts = append(facts, Fact{Key: "ca", Value: c.CA})
		if c.MaxPath >= 0 {
			facts = append(facts, Fact{Key: "max_path", Value: c.MaxPath})
		}
	}
	facts = appendList(facts, "key_usage", says.KeyUsage)
	facts = appendList(facts, "ext_key_usage", says.ExtKeyUsage)
	facts = appendList(facts, "permitted_names", kindsAndValues(says.Permitted))
	facts = appendList(facts, "excluded_names", kindsAndValues(says.Excluded))
	facts = appendList(facts, "policies", says.Policies)
	facts = appendList(facts, "ocsp_servers", says.OCSPServers)
	facts = appendList(facts, "issuer_urls", says.IssuerURLs)
	facts = appendList(facts, "crl_urls", says.CRLs)
	if says.SubjectKeyID != nil {
		facts = append(facts, Fact{Key: "subject_key_id", Value: hex.EncodeToString(says.SubjectKeyID)})
	}
	if says.AuthorityKeyID != nil {
		facts = append(facts, Fact{Key: "authority_key_id", Value: hex.EncodeToString(says.AuthorityKeyID)})
	}
	if len(says.Timestamps) > 0 {
		facts = append(facts, Fact{Key: "embedded_scts", Value: timestamps(says.Timestamps)})
	}
	if says.MustStaple() {
		facts = append(facts, Fact{Key: "must_staple", Value: true})
	}
	if says.Precertificate {
		facts = append(facts, Fact{Key: "precertificate", Value: true})
	}
	var all, critical []string
	for i := range says.Extensions {
		e := &says.Extensions[i]
		all = append(all, e.Name())
		if e.Critical {
			critical = append(critical, e.Name())
		}
	}
	facts = appendList(facts, "certificate_extensions", all)
	return appendList(facts, "critical_extensions", critical)
}

func kindsAndValues(names []der.GeneralName) (values []string) {
	for _, n := range names {
		values = append(values, n.Kind+":"+n.Value)
	}
	return values
}

func timestamps(list []der.Timestamp) []plain.Object {
	objects := make([]plain.Object, len(list))
	for i, s := range list {
		objects[i].Add("log_id", hex.EncodeToString(s.Log))
		objects[i].Add("time", time.UnixMilli(s.Time).UTC().Format(time.RFC3339))
	}
	return objects
}

// appendList appends a list that is not empty.
func appendList(facts []Fact, key string, values []string) []Fact {
	if len(values) == 0 {
		return facts
	}
	return append(facts, Fact{Key: key, Value: values})
}
