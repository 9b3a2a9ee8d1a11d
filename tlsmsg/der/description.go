// What a certificate says, as plain values.

package der

import "slices"

// A Description is what a certificate says, as far as it can be read, also if
// RFC 5280 forbids it and a strict parser refuses it. Its strings come from the
// network: escape them before showing them. Byte slices alias the certificate.
type Description struct {
	Version          int    // 1, 2 or 3 in RFC 5280; 0 if it cannot be read
	Serial           string // hexadecimal, with a sign if negative; empty: not read
	Signature        Algorithm
	InnerSignature   Algorithm // as it stands in what is signed
	Issuer, Subject  DistinguishedName
	NotBefore        Moment
	NotAfter         Moment
	Key              Key
	Extensions       []Extension
	KeyUsage         []string // RFC 5280's names of the bits
	ExtKeyUsage      []string // names, or identifiers in dotted form
	Constraints      *BasicConstraints
	AlternativeNames []GeneralName
	IssuerNames      []GeneralName // issuerAltName
	Permitted        []GeneralName // nameConstraints; an address is a range
	Excluded         []GeneralName
	Policies         []string // names, or identifiers in dotted form
	OCSPServers      []string
	IssuerURLs       []string // caIssuers of authorityInfoAccess
	CRLs             []string // URLs of cRLDistributionPoints
	SubjectKeyID     []byte
	AuthorityKeyID   []byte
	Timestamps       []Timestamp // embedded SCTs
	TLSFeatures      []int       // numbers of TLS extensions (RFC 7633)
	Precertificate   bool        // it has the poison of RFC 6962, section 3.1
	Anomalies        []Found
}

// An Extension is one of a certificate's, in their order.
type Extension struct {
	Type     string // the identifier in dotted form
	Critical bool
	Value    []byte // what extnValue holds
}

// Name returns the extension's name, or its identifier if it is not known here.
func (e *Extension) Name() string { return nameOf(e.Type) }

// BasicConstraints say what a CA may do (RFC 5280, section 4.2.1.9).
type BasicConstraints struct {
	CA      bool
	MaxPath int // pathLenConstraint; negative: none
}

// A Timestamp is a log's promise to publish a certificate (RFC 6962).
type Timestamp struct {
	Log  []byte // its ID
	Time int64  // milliseconds since 1970
}

// CommonName returns the subject's last common name.
func (s *Description) CommonName() string {
	names := s.Subject.Find("2.5.4.3")
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// Names returns the alternative names of a kind.
func (s *Description) Names(kind string) (values []string) {
	for _, n := range s.AlternativeNames {
		if n.Kind == kind {
			values = append(values, n.Value)
		}
	}
	return values
}

// MustStaple reports whether a server with this certificate has to send an OCSP
// response (RFC 7633): status_request is extension 5.
func (s *Description) MustStaple() bool { return slices.Contains(s.TLSFeatures, 5) }

// has reports whether there is an extension, and returns it.
func (s *Description) has(id string) (*Extension, bool) {
	i := slices.IndexFunc(s.Extensions, func(e Extension) bool { return e.Type == id })
	if i < 0 {
		return nil, false
	}
	return &s.Extensions[i], true
}
