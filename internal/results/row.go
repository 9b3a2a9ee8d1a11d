// A result as one row of columns, for analysts' tools.

package results

import (
	"slices"
	"time"
)

// A Row is a result in columns: those of the leaf begin with cert_. What a result
// does not say is null, or an empty list.
type Row struct {
	Time              *time.Time `parquet:"time,optional,timestamp(microsecond)"`
	Addr              string     `parquet:"addr,plain"`
	Port              int32      `parquet:"port"`
	Name              *string    `parquet:"name,optional,plain"`
	Tag               *string    `parquet:"tag,optional,dict"`
	OK                bool       `parquet:"ok"`
	Outcome           string     `parquet:"outcome,dict"`
	Class             *string    `parquet:"class,optional,dict"`
	Error             *string    `parquet:"error,optional,dict"`
	Reasons           []string   `parquet:"reasons,list,dict"`
	Odd               []string   `parquet:"odd,list,dict"`
	Repeat            bool       `parquet:"repeat"`
	RTT               *float64   `parquet:"rtt_ms,optional"`
	TTL               *int32     `parquet:"ttl,optional"`
	P0f               *string    `parquet:"p0f,optional,dict"`
	Version           *string    `parquet:"version,optional,dict"`
	CipherSuite       *string    `parquet:"cipher_suite,optional,dict"`
	Group             *string    `parquet:"named_group,optional,dict"`
	HelloRetryRequest bool       `parquet:"hello_retry_request"`
	Scheme            *string    `parquet:"signature_scheme,optional,dict"`
	ALPN              *string    `parquet:"alpn,optional,dict"`
	JA3S              *string    `parquet:"ja3s,optional,dict"`
	Deprecated        []string   `parquet:"deprecated,list,dict"`
	ClientCertificate bool       `parquet:"client_certificate_requested"`
	Alert             *string    `parquet:"alert,optional,dict"`
	OCSPStatus        *string    `parquet:"ocsp_status,optional,dict"`
	Verified          *bool      `parquet:"certificate_verified,optional"`
	VerifiedReasons   []string   `parquet:"certificate_reasons,list,dict"`
	ChainLength       int32      `parquet:"chain_length"`
	CertSubject       *string    `parquet:"cert_subject,optional,plain"`
	CertIssuer        *string    `parquet:"cert_issuer,optional,dict"`
	CertIssuerName    *string    `parquet:"cert_issuer_organization,optional,dict"`
	CertNotBefore     *time.Time `parquet:"cert_not_before,optional,timestamp(microsecond)"`
	CertNotAfter      *time.Time `parquet:"cert_not_after,optional,timestamp(microsecond)"`
	CertDNSNames      []string   `parquet:"cert_dns_names,list,plain"`
	CertSerial        *string    `parquet:"cert_serial,optional,plain"`
	CertPublicKey     *string    `parquet:"cert_public_key,optional,dict"`
	CertKeyBits       *int32     `parquet:"cert_key_bits,optional"`
	CertKeyCurve      *string    `parquet:"cert_key_curve,optional,dict"`
	CertSPKI          *string    `parquet:"cert_spki_sha256,optional,plain"`
	CertSignature     *string    `parquet:"cert_signature_algorithm,optional,dict"`
	CertAnomalies     []string   `parquet:"cert_anomalies,list,dict"`
	CertSHA256        *string    `parquet:"cert_sha256,optional,plain"`
}

// rowOf puts a result into columns.
func rowOf(l *Line) *Row {
	r := &Row{
		Time: moment(l.Time), Addr: l.Addr, Port: int32(l.Port), Name: text(l.Name), Tag: text(l.Tag), OK: l.OK, Outcome: l.Outcome,
		Class: text(l.Class), Error: text(l.Error), Odd: l.Odd, Repeat: l.Repeat, RTT: l.RTT,
		Version: text(l.Version), CipherSuite: text(l.CipherSuite), Group: text(l.Group), HelloRetryRequest: len(l.Retry) > 0,
		Scheme: text(l.Scheme), ALPN: text(l.ALPN), JA3S: text(l.JA3S), ClientCertificate: l.ClientCertificateAsked,
		OCSPStatus: text(l.OCSPStatus), Verified: l.Verified, VerifiedReasons: l.CertificateReasons, ChainLength: int32(len(l.Chain)),
	}
	for _, reason := range l.Reasons {
		r.Reasons = append(r.Reasons, reason.Code)
	}
	for _, d := range l.Deprecated {
		r.Deprecated = append(r.Deprecated, d.What+": "+d.Value)
	}
	if l.TCP != nil {
		r.TTL, r.P0f = count(l.TCP.TTL), text(l.TCP.P0f)
	}
	if l.Alert != nil {
		r.Alert = text(l.Alert.Description)
	}
	if len(l.Chain) > 0 {
		r.leaf(&l.Chain[0])
	}
	return r
}

func (r *Row) leaf(c *Certificate) {
	r.CertSubject, r.CertIssuer, r.CertIssuerName = text(c.Subject), text(c.Issuer), text(issuerOf(c))
	r.CertNotBefore, r.CertNotAfter = moment(c.NotBefore), moment(c.NotAfter)
	r.CertDNSNames, r.CertSerial = c.DNSNames, text(c.Serial)
	r.CertPublicKey, r.CertKeyCurve, r.CertSPKI = text(c.PublicKey), text(c.KeyCurve), text(c.SPKI)
	r.CertSignature, r.CertSHA256 = text(c.Signature), text(c.SHA256)
	if c.KeyBits > 0 {
		r.CertKeyBits = count(c.KeyBits)
	}
	for _, a := range c.Anomalies {
		if !slices.Contains(r.CertAnomalies, a.Code) {
			r.CertAnomalies = append(r.CertAnomalies, a.Code)
		}
	}
}

// text is a text, or null if there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func count(n int) *int32 {
	v := int32(n)
	return &v
}

// moment is a time, or null where there is none that can be read, or that a
// column could hold.
func moment(s string) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	at = at.UTC()
	return &at
}
