// What an audit finds: the report, as it is written in JSON (docs/audit.md) and
// read again.

package audit

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Report is what one server will do. What was not asked, or not answered, is
// absent rather than false: each bool that may be unknown is a pointer.
type Report struct {
	Host        string       `json:"host"`               // as it was given
	Address     string       `json:"address"`            // IP address and port
	Port        uint16       `json:"port"`               // its port
	ServerName  string       `json:"server_name"`        // what server_name said; empty: it was not sent
	STARTTLS    string       `json:"starttls,omitempty"` // the protocol in which TLS was asked for
	Time        time.Time    `json:"time"`
	DurationMS  float64      `json:"duration_ms"`
	Connections int          `json:"connections"` // that were begun
	TLS         bool         `json:"tls"`         // it has agreed to something
	Error       string       `json:"error,omitempty"`
	Failure     Outcome      `json:"-"` // of the first question, where the server agreed to nothing
	Cause       error        `json:"-"` // the same, as an error
	Alert       tlsmsg.Alert `json:"-"` // of an alert
	Pauses      []Pause      `json:"pauses,omitempty"`
	NotAsked    []Gap        `json:"not_asked,omitempty"`

	TCP          *TCP          `json:"tcp,omitempty"`
	Versions     []Version     `json:"versions"` // all that were asked for, newest first
	Groups       []Group       `json:"groups"`
	GroupOrder   Preference    `json:"group_preference,omitempty"` // of TLS 1.3
	Schemes      []Scheme      `json:"signature_schemes"`
	Certificates []Certificate `json:"certificates"`
	DH           []DH          `json:"dh,omitempty"`
	Features     Features      `json:"features"`
	Tolerance    []Tolerance   `json:"tolerance"`

	Weaknesses []Weakness `json:"weaknesses"`
	Verdict    *Verdict   `json:"verdict,omitempty"` // by a policy, where one was asked for
}

// A Preference says whose order decides.
type Preference string

// Whose order decides: unknown where there is nothing to choose from.
const (
	PreferenceUnknown Preference = ""
	PreferenceServer  Preference = "server"
	PreferenceClient  Preference = "client"
)

// A Version is what a server does in one version of the protocol.
type Version struct {
	Name       string     `json:"name"`    // "SSL 2.0", "SSL 3.0", "TLS 1.0" … "TLS 1.3"
	ID         uint16     `json:"id"`      // on the wire
	Offered    *bool      `json:"offered"` // null: not known
	How        string     `json:"how,omitempty"`
	Suites     []Suite    `json:"cipher_suites,omitempty"` // in the order in which they were found: the server's, where it has one
	Preference Preference `json:"preference,omitempty"`
	// ChaChaFirst: the order is the server's, but a client that puts ChaCha20
	// first gets it.
	ChaChaFirst bool `json:"chacha_by_client,omitempty"`
}

// A Suite is a cipher suite that the server has agreed to.
type Suite struct {
	Name        string `json:"name"` // IANA's
	ID          uint32 `json:"id"`   // two octets; three in SSL 2.0
	Group       string `json:"group,omitempty"`
	DHBits      int    `json:"dh_bits,omitempty"`
	Scheme      string `json:"signature_scheme,omitempty"`
	Certificate string `json:"certificate,omitempty"` // SHA-256 of the leaf that came with it
}

// A Group is a group that the server has agreed on a key in.
type Group struct {
	Name     string   `json:"name"`
	ID       uint16   `json:"id"`
	Versions []string `json:"versions"`
	Hybrid   bool     `json:"hybrid,omitempty"`
}

// A Scheme is a signature scheme that the server has signed with.
type Scheme struct {
	Name     string   `json:"name"`
	ID       uint16   `json:"id"`
	Versions []string `json:"versions"`
}

// GroupsOf are the names of a version's groups.
func (r *Report) GroupsOf(version string) (names []string) {
	for _, g := range r.Groups {
		if slices.Contains(g.Versions, version) {
			names = append(names, g.Name)
		}
	}
	return names
}

// SchemesOf are the names of a version's signature schemes.
func (r *Report) SchemesOf(version string) (names []string) {
	for _, s := range r.Schemes {
		if slices.Contains(s.Versions, version) {
			names = append(names, s.Name)
		}
	}
	return names
}

// A Certificate is a chain that the server has sent.
type Certificate struct {
	Kind     string          `json:"kind"` // "RSA", "ECDSA", "Ed25519", …
	Bits     int             `json:"key_bits,omitempty"`
	Curve    string          `json:"curve,omitempty"`
	SHA256   string          `json:"sha256"` // of the leaf
	Default  bool            `json:"without_server_name,omitempty"`
	Named    bool            `json:"with_server_name,omitempty"`
	Verified *bool           `json:"verified,omitempty"`
	Error    string          `json:"error,omitempty"` // why it did not verify
	Subject  string          `json:"subject,omitempty"`
	Issuer   string          `json:"issuer,omitempty"`
	Names    []string        `json:"names,omitempty"`
	From     *time.Time      `json:"not_before,omitempty"`
	Until    *time.Time      `json:"not_after,omitempty"`
	Signed   string          `json:"signature_algorithm,omitempty"`
	Chain    []ChainEntry    `json:"chain,omitempty"` // the leaf first
	Facts    json.RawMessage `json:"facts,omitempty"` // all that the leaf says, as docs/events.md describes a certificate
}

// A ChainEntry is one certificate of a chain.
type ChainEntry struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	Kind    string `json:"kind"`
	Bits    int    `json:"key_bits,omitempty"`
	Signed  string `json:"signature_algorithm"`
	SHA256  string `json:"sha256"`
	Self    bool   `json:"self_signed,omitempty"`
}

// A DH is a Diffie-Hellman group that the server uses.
type DH struct {
	Bits   int    `json:"bits"`
	Name   string `json:"name,omitempty"` // of a known one
	Shared bool   `json:"shared,omitempty"`
	Prime  *bool  `json:"prime,omitempty"`
	Safe   *bool  `json:"safe_prime,omitempty"`
	SHA256 string `json:"sha256"` // of the prime
	Odd    string `json:"remark,omitempty"`
}

// Features are what a server does besides. Absent is what is not known.
type Features struct {
	Compression         *bool  `json:"compression,omitempty"`          // TLS's own, of records (CRIME)
	SecureRenegotiation *bool  `json:"secure_renegotiation,omitempty"` // RFC 5746
	ClientRenegotiation *bool  `json:"client_renegotiation,omitempty"` // a client may begin one
	FallbackSCSV        *bool  `json:"fallback_scsv,omitempty"`        // RFC 7507
	ExtendedMaster      *bool  `json:"extended_master_secret,omitempty"`
	EncryptThenMAC      *bool  `json:"encrypt_then_mac,omitempty"`
	Heartbeat           *bool  `json:"heartbeat,omitempty"`
	OCSPStapling        *bool  `json:"ocsp_stapling,omitempty"`
	OCSPStatus          string `json:"ocsp_status,omitempty"` // "good", "revoked", …
	SCTs                *int   `json:"scts,omitempty"`        // that came in the handshake
	ECH                 *bool  `json:"encrypted_client_hello,omitempty"`

	Tickets12  *Tickets `json:"tickets_tls12,omitempty"`
	Tickets13  *Tickets `json:"tickets_tls13,omitempty"`
	SessionIDs *bool    `json:"session_ids,omitempty"` // it gives one to resume by
	ResumesID  *bool    `json:"resumes_session_id,omitempty"`
	EarlyData  *uint32  `json:"early_data,omitempty"` // bytes of 0-RTT that a ticket allows; 0: none
	EarlyTaken *bool    `json:"early_data_accepted,omitempty"`

	ALPN         []string `json:"alpn"`
	NextProtocol []string `json:"npn,omitempty"`
	ClientAuth   *bool    `json:"client_certificate_requested,omitempty"`
	ClientCAs    []string `json:"client_certificate_authorities,omitempty"`
	RecordLimit  *uint16  `json:"record_size_limit,omitempty"`

	KeyReuse   *bool  `json:"ephemeral_key_reuse,omitempty"` // the same (EC)DHE key came twice
	HelloRetry string `json:"hello_retry_request,omitempty"` // when it asks again
	Downgrade  *bool  `json:"downgrade_sentinel,omitempty"`  // RFC 9846, section 4.2.3
}

// Tickets are what a server says of sessions in tickets.
type Tickets struct {
	Offered  bool   `json:"offered"`
	Count    int    `json:"count,omitempty"`
	Lifetime uint32 `json:"lifetime_s,omitempty"`
	Resumes  *bool  `json:"resumes,omitempty"`
	Reuse    *bool  `json:"reusable,omitempty"` // the same one was taken twice
	Renewed  *bool  `json:"renewed,omitempty"`  // a resumed connection brought another
}

// A Tolerance is something that a server must bear, and whether it does.
type Tolerance struct {
	Name string `json:"name"` // "grease", "hello_256_511", …
	OK   bool   `json:"ok"`
	How  string `json:"how"`
}

// A Weakness is something wrong with what a server agrees to.
type Weakness struct {
	ID       string `json:"id"`       // "sweet32", by which policies and other programs know it
	Name     string `json:"name"`     // the one that people know it by
	Severity string `json:"severity"` // "info", "low", "medium", "high", "critical"
	Judged   string `json:"judged"`   // from what
	Source   string `json:"source,omitempty"`
}

// A Pause is one that the audit made since the server seemed to limit it.
type Pause struct {
	After      int     `json:"after_connections"`
	DurationMS float64 `json:"duration_ms"`
	Why        string  `json:"why"`
}

// A Gap is something that was not asked, or has no answer.
type Gap struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// A Verdict is what a policy says of a report.
type Verdict struct {
	Policy     string      `json:"policy"`
	Title      string      `json:"title"`
	Conforms   bool        `json:"conforms"`
	Violations []Violation `json:"violations"`
	Unjudged   []Gap       `json:"unjudged,omitempty"` // rules that need what is not known
}

// A Violation is a rule of a policy that a server does not keep.
type Violation struct {
	Rule   string            `json:"rule"` // "versions", "cipher_suites", …
	What   string            `json:"what"` // in words: "TLS 1.0 is accepted"
	Value  string            `json:"value,omitempty"`
	Level  string            `json:"level"`          // "must", "should"
	Source string            `json:"source"`         // where it is written
	Mend   map[string]string `json:"mend,omitempty"` // the line for nginx, apache, haproxy, caddy
}

// TCP is what the server's SYN-ACK says.
type TCP struct {
	RTTMS       float64 `json:"rtt_ms"` // of SYN and SYN-ACK
	Signature   string  `json:"p0f,omitempty"`
	TTL         uint8   `json:"ttl"`
	Window      uint16  `json:"window"`
	MSS         uint16  `json:"mss,omitempty"`
	WindowScale *uint8  `json:"window_scale,omitempty"`
	SACK        bool    `json:"sack"`
	Timestamps  bool    `json:"timestamps"`
	ECN         bool    `json:"ecn"`
}
