// What is wrong with a certificate, by name.

package der

import (
	"slices"
	"strings"
)

// An Anomaly is one way in which a certificate departs from RFC 5280, or from
// DER, in a word. The words are for programs too, and do not change.
type Anomaly string

// The anomalies, by what they are about: the encoding, numbers and signatures,
// names, times, keys, extensions. [Anomaly.Text] says what each means.
const (
	Unreadable        Anomaly = "unreadable"
	TrailingBytes     Anomaly = "trailing_bytes"
	TrailingElement   Anomaly = "trailing_element"
	UnexpectedType    Anomaly = "unexpected_type"
	LongLength        Anomaly = "length_not_minimal"
	IndefiniteLength  Anomaly = "length_indefinite"
	ConstructedString Anomaly = "string_in_pieces"
	PaddedInteger     Anomaly = "integer_not_minimal"
	LooseBoolean      Anomaly = "boolean_not_der"
	DefaultEncoded    Anomaly = "default_encoded"
	BadOID            Anomaly = "bad_oid"
	UnusedBits        Anomaly = "unused_bits"

	UnknownVersion     Anomaly = "unknown_version"
	OldVersion         Anomaly = "version_without_extensions"
	ExtensionsTooEarly Anomaly = "extensions_before_version_3"
	NegativeSerial     Anomaly = "negative_serial"
	ZeroSerial         Anomaly = "zero_serial"
	LongSerial         Anomaly = "serial_too_long"
	SignatureMismatch  Anomaly = "signature_algorithms_differ"
	NoSignature        Anomaly = "no_signature"
	OddPSS             Anomaly = "odd_pss_parameters"

	EmptyIssuer  Anomaly = "empty_issuer"
	EmptySubject Anomaly = "empty_subject"
	EmptyName    Anomaly = "empty_name"
	NameLength   Anomaly = "name_length"
	BadString    Anomaly = "bad_string"
	NULInString  Anomaly = "nul_in_string"
	UniqueID     Anomaly = "unique_id"

	BadTime    Anomaly = "bad_time"
	LooseTime  Anomaly = "time_not_der"
	LongTime   Anomaly = "generalized_time_before_2050"
	NeverValid Anomaly = "never_valid"

	UnknownKey        Anomaly = "unknown_key_algorithm"
	UnknownCurve      Anomaly = "unknown_curve"
	ExplicitCurve     Anomaly = "explicit_curve"
	BadPoint          Anomaly = "bad_point"
	BadModulus        Anomaly = "bad_modulus"
	BadExponent       Anomaly = "bad_exponent"
	SmallExponent     Anomaly = "small_exponent"
	ShortKey          Anomaly = "short_key"
	MissingParameters Anomaly = "missing_parameters"

	RepeatedExtension Anomaly = "repeated_extension"
	EmptyExtension    Anomaly = "empty_extension"
	RepeatedPolicy    Anomaly = "repeated_policy"
	BadPathLength     Anomaly = "bad_path_length"
	AddressLength     Anomaly = "address_length"
	NotCritical       Anomaly = "not_critical"
	Critical          Anomaly = "critical"
	MissingKeyID      Anomaly = "missing_key_id"
	SignsWithoutCA    Anomaly = "key_cert_sign_without_ca"
)

// anomalies say what each means, and which rule it breaks.
var anomalies = map[Anomaly]struct{ text, source string }{
	Unreadable:        {"a part cannot be read", "RFC 5280, section 4.1"},
	TrailingBytes:     {"there are bytes after the certificate", "RFC 5280, section 4.1"},
	TrailingElement:   {"there is more than the standard defines", "RFC 5280, section 4.1"},
	UnexpectedType:    {"it has another type than it should have", "RFC 5280, section 4.1"},
	LongLength:        {"a length has more octets than it needs", "X.690, section 10.1"},
	IndefiniteLength:  {"a length is not stated, as only BER allows", "X.690, section 10.1"},
	ConstructedString: {"a string is given in pieces, as only BER allows", "X.690, section 10.2"},
	PaddedInteger:     {"a number has more octets than it needs, or none", "X.690, section 8.3.2"},
	LooseBoolean:      {"a truth value is neither 0 nor 255", "X.690, section 11.1"},
	DefaultEncoded:    {"a value that is the default is stated all the same", "X.690, section 11.5"},
	BadOID:            {"an object identifier is malformed", "X.690, section 8.19"},
	UnusedBits:        {"a bit string has unused bits where it may not", "X.690, section 8.6.2"},

	UnknownVersion:     {"there is no such version", "RFC 5280, section 4.1.2.1"},
	OldVersion:         {"the version has no extensions, so no names for a server", "RFC 5280, section 4.1.2.1"},
	ExtensionsTooEarly: {"there are extensions, but the version has none", "RFC 5280, section 4.1.2.9"},
	NegativeSerial:     {"the serial number is negative", "RFC 5280, section 4.1.2.2"},
	ZeroSerial:         {"the serial number is zero", "RFC 5280, section 4.1.2.2"},
	LongSerial:         {"the serial number has more than 20 octets", "RFC 5280, section 4.1.2.2"},
	SignatureMismatch:  {"the signature's algorithm is not the one that is signed", "RFC 5280, section 4.1.1.2"},
	NoSignature:        {"the signature is empty", "RFC 5280, section 4.1.1.3"},
	OddPSS:             {"the parameters of RSASSA-PSS are unusual: two hashes, or a trailer that does not exist", "RFC 4055, section 3.1"},

	EmptyIssuer:  {"the issuer has no name", "RFC 5280, section 4.1.2.4"},
	EmptySubject: {"the subject has no name, and subjectAltName does not stand in for it as a critical extension", "RFC 5280, section 4.1.2.6"},
	EmptyName:    {"a part of a name is empty", "RFC 5280, appendix A.1"},
	NameLength:   {"a part of a name is longer than allowed, or a country is not of two letters", "RFC 5280, appendix A.1"},
	BadString:    {"a string has characters that its type does not have", "RFC 5280, section 4.1.2.4"},
	NULInString:  {"a string has a NUL, with which names have been forged", "RFC 5280, section 4.1.2.4"},
	UniqueID:     {"it has a unique identifier, which nobody should make any more", "RFC 5280, section 4.1.2.8"},

	BadTime:    {"it is not a time", "RFC 5280, section 4.1.2.5"},
	LooseTime:  {"a time has another form than allowed: no seconds, a fraction, or no Z", "RFC 5280, section 4.1.2.5"},
	LongTime:   {"a year before 2050 is given as GeneralizedTime", "RFC 5280, section 4.1.2.5"},
	NeverValid: {"it ends before it begins", "RFC 5280, section 4.1.2.5"},

	UnknownKey:        {"the kind of key is not known here", "RFC 5280, section 4.1.2.7"},
	UnknownCurve:      {"the curve is not known here", "RFC 5480, section 2.1.1"},
	ExplicitCurve:     {"the curve is given by its numbers", "RFC 5480, section 2.1.1"},
	BadPoint:          {"the key is no point of its curve", "RFC 5480, section 2.2"},
	BadModulus:        {"the modulus is even or not positive", "RFC 8017, section 3.1"},
	BadExponent:       {"the exponent makes no RSA key: it is even, 1 or not positive", "RFC 8017, section 3.1"},
	SmallExponent:     {"the exponent is less than 65537", "NIST SP 800-56B, section 6.2"},
	ShortKey:          {"the RSA key has less than 2048 bits", "RFC 9325, section 4.5"},
	MissingParameters: {"the key's algorithm has no parameters, and needs them", "RFC 3279, section 2.3"},

	RepeatedExtension: {"the extension is there more than once", "RFC 5280, section 4.2"},
	EmptyExtension:    {"it holds nothing", "RFC 5280, section 4.2"},
	RepeatedPolicy:    {"a policy is there more than once", "RFC 5280, section 4.2.1.4"},
	BadPathLength:     {"the path length is negative, or is given to what is no CA", "RFC 5280, section 4.2.1.9"},
	AddressLength:     {"an address has neither 4 nor 16 octets", "RFC 5280, section 4.2.1.6"},
	NotCritical:       {"the extension has to be critical, and is not", "RFC 5280, section 4.2"},
	Critical:          {"the extension must not be critical, and is", "RFC 5280, section 4.2"},
	MissingKeyID:      {"a CA, or what another CA signed, does not say which key it has, or was signed by", "RFC 5280, section 4.2.1.1"},
	SignsWithoutCA:    {"the key may sign certificates, and the subject is no CA", "RFC 5280, section 4.2.1.3"},
}

// Text says in one clause what the anomaly is.
func (a Anomaly) Text() string { return anomalies[a].text }

// Source is the rule that it breaks.
func (a Anomaly) Source() string { return anomalies[a].source }

// Minor reports whether the anomaly is common, and does no harm by itself.
func (a Anomaly) Minor() bool { return slices.Contains(minor, a) }

var minor = []Anomaly{MissingKeyID, NotCritical, Critical, LongTime, SmallExponent, OldVersion, UniqueID, NameLength,
	DefaultEncoded, RepeatedPolicy, EmptyName}

// A Found is an anomaly, and where it is: the name of a field of the
// certificate or of an extension, or "" for the certificate itself.
type Found struct {
	Anomaly Anomaly
	Part    string
}

// String is the finding in one clause, for people.
func (f Found) String() string {
	if f.Part == "" {
		return f.Anomaly.Text()
	}
	return f.Part + ": " + f.Anomaly.Text()
}

// maxAnomalies bounds the findings of one certificate.
const maxAnomalies = 64

func (s *Description) note(a Anomaly, part string) {
	if f := (Found{a, part}); len(s.Anomalies) < maxAnomalies && !slices.Contains(s.Anomalies, f) {
		s.Anomalies = append(s.Anomalies, f)
	}
}

// judge finds what only the whole shows.
func (s *Description) judge() {
	is := func(holds bool, a Anomaly, part string) {
		if holds {
			s.note(a, part)
		}
	}
	read := s.Serial != ""
	names, _ := s.has("2.5.29.17")
	is(read && s.Version > 0 && s.Version < 3 && len(s.Extensions) == 0, OldVersion, "version")
	is(read && s.Version > 0 && s.Version < 3 && len(s.Extensions) > 0, ExtensionsTooEarly, "extensions")
	is(read && len(s.Issuer) == 0, EmptyIssuer, "issuer")
	is(read && len(s.Subject) == 0 && (names == nil || !names.Critical), EmptySubject, "subject")
	is(s.Version == 3 && slices.Contains(s.KeyUsage, "keyCertSign") && !s.ca(), SignsWithoutCA, "keyUsage")
	is(s.Version == 3 && s.ca() && s.SubjectKeyID == nil, MissingKeyID, "subjectKeyIdentifier")
	is(s.Version == 3 && s.AuthorityKeyID == nil && s.Issuer.String() != s.Subject.String(), MissingKeyID, "authorityKeyIdentifier")
	for i := range s.Extensions {
		e := &s.Extensions[i]
		must := mustBeCritical[e.Type] || e.Type == "2.5.29.19" && s.ca()
		is(must && !e.Critical, NotCritical, e.Name())
		is(mustNotBeCritical[e.Type] && e.Critical, Critical, e.Name())
	}
}

func (s *Description) ca() bool { return s.Constraints != nil && s.Constraints.CA }

// What RFC 5280 (section 4.2.1 and 4.2.2) says of criticality, by identifiers.
var (
	mustBeCritical    = map[string]bool{"2.5.29.30": true, "2.5.29.36": true, "2.5.29.54": true}
	mustNotBeCritical = map[string]bool{"2.5.29.14": true, "2.5.29.35": true, "2.5.29.9": true, "2.5.29.46": true, "1.3.6.1.5.5.7.1.1": true, "1.3.6.1.5.5.7.1.11": true}
)

// Anomalies lists all that there are, in alphabetical order.
func Anomalies() []Anomaly {
	list := make([]Anomaly, 0, len(anomalies))
	for a := range anomalies {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Anomaly) int { return strings.Compare(string(a), string(b)) })
	return list
}
