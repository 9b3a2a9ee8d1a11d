// Package reports has audits' reports made by hand, for tests of what judges,
// shows and compares them.
package reports

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
)

func ptr[T any](v T) *T { return &v }

var (
	made  = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	leaf  = strings.Repeat("a1", 32)
	older = strings.Repeat("e5", 32)
	inter = strings.Repeat("b2", 32)
	prime = strings.Repeat("c3", 32)
)

func offered(name string, id uint16, suites ...audit.Suite) audit.Version {
	v := audit.Version{Name: name, ID: id, Offered: ptr(len(suites) > 0), Suites: suites}
	if len(suites) > 1 {
		v.Preference = audit.PreferenceServer
	}
	return v
}

func suite(name string, id uint32) audit.Suite {
	return audit.Suite{Name: name, ID: id, Certificate: leaf}
}

// Good is a server that conforms to what is recommended today.
func Good() *audit.Report {
	r := &audit.Report{
		Host: "www.example.org", Address: "198.18.0.2:443", Port: 443, ServerName: "www.example.org", Time: made, DurationMS: 412.5, Connections: 31, TLS: true,
		TCP: &audit.TCP{RTTMS: 0.4, Signature: "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df:0", TTL: 64, Window: 65160, MSS: 1460, WindowScale: ptr(uint8(7)), SACK: true, Timestamps: true},
		Versions: []audit.Version{
			offered("TLS 1.3", 0x0304, suite("TLS_AES_256_GCM_SHA384", 0x1302), suite("TLS_CHACHA20_POLY1305_SHA256", 0x1303), suite("TLS_AES_128_GCM_SHA256", 0x1301)),
			offered("TLS 1.2", 0x0303, suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xC02B), suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xC02C)),
			offered("TLS 1.1", 0x0302), offered("TLS 1.0", 0x0301), offered("SSL 3.0", 0x0300), offered("SSL 2.0", 0x0002),
		},
		Groups: []audit.Group{
			{Name: "X25519MLKEM768", ID: 4588, Versions: []string{"TLS 1.3"}, Hybrid: true}, {Name: "x25519", ID: 29, Versions: []string{"TLS 1.3", "TLS 1.2"}},
			{Name: "secp256r1", ID: 23, Versions: []string{"TLS 1.3", "TLS 1.2"}}, {Name: "secp384r1", ID: 24, Versions: []string{"TLS 1.3", "TLS 1.2"}},
		},
		GroupOrder: audit.PreferenceServer,
		Schemes:    []audit.Scheme{{Name: "ecdsa_secp256r1_sha256", ID: 0x0403, Versions: []string{"TLS 1.3", "TLS 1.2"}}},
		Certificates: []audit.Certificate{{
			Kind: "ECDSA", Bits: 256, Curve: "secp256r1", SHA256: leaf, Default: true, Named: true, Verified: ptr(true), Subject: "CN=www.example.org", Issuer: "CN=Example Intermediate,O=Example",
			Names: []string{"www.example.org", "example.org"}, From: ptr(made.Add(-20 * 24 * time.Hour)), Until: ptr(made.Add(70 * 24 * time.Hour)), Signed: "ecdsa-with-SHA384",
			Chain: []audit.ChainEntry{
				{Subject: "CN=www.example.org", Issuer: "CN=Example Intermediate,O=Example", Kind: "ECDSA", Bits: 256, Signed: "ecdsa-with-SHA384", SHA256: leaf},
				{Subject: "CN=Example Intermediate,O=Example", Issuer: "CN=Example Root,O=Example", Kind: "ECDSA", Bits: 384, Signed: "ecdsa-with-SHA384", SHA256: inter},
			},
			Facts: json.RawMessage(`{"serial":"01"}`),
		}},
		Features: audit.Features{
			Compression: ptr(false), SecureRenegotiation: ptr(true), ClientRenegotiation: ptr(false), FallbackSCSV: ptr(true), ExtendedMaster: ptr(true), EncryptThenMAC: ptr(false), Heartbeat: ptr(false),
			OCSPStapling: ptr(true), OCSPStatus: "good", SCTs: ptr(2), ECH: ptr(false),
			Tickets12: &audit.Tickets{Offered: true, Count: 1, Lifetime: 7200, Resumes: ptr(true), Reuse: ptr(true)}, Tickets13: &audit.Tickets{Offered: true, Count: 2, Lifetime: 7200, Resumes: ptr(true), Reuse: ptr(false), Renewed: ptr(true)},
			SessionIDs: ptr(true), ResumesID: ptr(true), EarlyData: ptr(uint32(0)), ALPN: []string{"h2", "http/1.1"}, ClientAuth: ptr(false), HelloRetry: "for secp384r1", Downgrade: ptr(true), KeyReuse: ptr(false),
		},
		Tolerance:  []audit.Tolerance{{Name: "grease", OK: true, How: "ServerHello"}, {Name: "hello_256_511", OK: true, How: "ServerHello"}},
		Weaknesses: []audit.Weakness{},
	}
	for i := range 2 {
		r.Versions[i].Preference = audit.PreferenceClient
	}
	return r
}

// Terrible is a server that does everything that it should not.
func Terrible() *audit.Report {
	old := []audit.Suite{
		suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5", 0x0003), suite("TLS_RSA_WITH_RC4_128_MD5", 0x0004), suite("TLS_RSA_WITH_NULL_SHA", 0x0002), suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 0x000A),
		suite("TLS_DH_anon_WITH_AES_128_CBC_SHA", 0x0034), suite("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0033), suite("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", 0xC00E),
		suite("TLS_DH_RSA_WITH_AES_128_CBC_SHA", 0x0031), suite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xC013), suite("TLS_RSA_WITH_DES_CBC_SHA", 0x0009),
	}
	old[5].DHBits = 1024
	return &audit.Report{
		Host: "old.example.org", Address: "198.18.0.3:443", Port: 443, ServerName: "old.example.org", Time: made, DurationMS: 2150, Connections: 64, TLS: true,
		Pauses: []audit.Pause{{After: 40, DurationMS: 500, Why: "connections were reset"}},
		Versions: []audit.Version{
			offered("TLS 1.3", 0x0304), offered("TLS 1.2", 0x0303, old...), offered("TLS 1.1", 0x0302, old...), offered("TLS 1.0", 0x0301, old...), offered("SSL 3.0", 0x0300, old...),
			offered("SSL 2.0", 0x0002, suite("SSL_CK_RC4_128_WITH_MD5", 0x010080), suite("SSL_CK_DES_64_CBC_WITH_MD5", 0x060040)),
		},
		Groups:  []audit.Group{{Name: "sect163r2", ID: 3, Versions: []string{"TLS 1.2"}}, {Name: "secp160r1", ID: 16, Versions: []string{"TLS 1.2"}}},
		Schemes: []audit.Scheme{{Name: "rsa_pkcs1_sha1", ID: 0x0201, Versions: []string{"TLS 1.2"}}, {Name: "rsa_md5", ID: 0x0101, Versions: []string{"TLS 1.2"}}},
		Certificates: []audit.Certificate{{
			Kind: "RSA", Bits: 1024, SHA256: older, Default: true, Verified: ptr(false), Error: "it expired 30 days ago", Subject: "CN=old.example.org", Issuer: "CN=Old CA", Names: []string{"old.example.org"},
			From: ptr(made.Add(-3000 * 24 * time.Hour)), Until: ptr(made.Add(-30 * 24 * time.Hour)), Signed: "md5WithRSAEncryption",
			Chain: []audit.ChainEntry{
				{Subject: "CN=old.example.org", Issuer: "CN=Old CA", Kind: "RSA", Bits: 1024, Signed: "md5WithRSAEncryption", SHA256: older},
				{Subject: "CN=Old CA", Issuer: "CN=Old CA", Kind: "RSA", Bits: 1024, Signed: "md5WithRSAEncryption", SHA256: inter, Self: true},
			},
		}},
		DH: []audit.DH{{Bits: 1024, Name: "Apache's of 2.2", Shared: true, Prime: ptr(true), Safe: ptr(true), SHA256: prime}, {Bits: 512, Prime: ptr(false), Safe: ptr(false), SHA256: leaf, Odd: "divisible by 3"}},
		Features: audit.Features{
			Compression: ptr(true), SecureRenegotiation: ptr(false), ClientRenegotiation: ptr(true), FallbackSCSV: ptr(false), ExtendedMaster: ptr(false), EncryptThenMAC: ptr(false), Heartbeat: ptr(true),
			OCSPStapling: ptr(false), SCTs: ptr(0), Tickets12: &audit.Tickets{Offered: true, Count: 1, Lifetime: 8640000, Resumes: ptr(true), Reuse: ptr(true), Renewed: ptr(false)},
			SessionIDs: ptr(true), ResumesID: ptr(true), ALPN: []string{}, NextProtocol: []string{"spdy/3.1"}, ClientAuth: ptr(true), KeyReuse: ptr(true), ClientCAs: []string{"CN=Everybody"},
		},
		Tolerance: []audit.Tolerance{{Name: "grease", How: "alert illegal_parameter"}},
		Weaknesses: []audit.Weakness{
			{ID: "ssl2", Name: "SSL 2.0 (DROWN)", Severity: "critical", Judged: "SSL 2.0 is accepted", Source: "CVE-2016-0800"}, {ID: "ssl3", Name: "SSL 3.0 (POODLE)", Severity: "high", Judged: "SSL 3.0 is accepted with CBC", Source: "RFC 7568"},
			{ID: "sweet32", Name: "SWEET32", Severity: "medium", Judged: "TLS_RSA_WITH_3DES_EDE_CBC_SHA is accepted", Source: "CVE-2016-2183"}, {ID: "static_rsa", Name: "No forward secrecy", Severity: "low", Judged: "RSA key exchange is accepted"},
		},
	}
}

// Unknown is an audit that got hardly an answer.
func Unknown() *audit.Report {
	r := &audit.Report{
		Host: "shy.example.org", Address: "198.18.0.4:443", Port: 443, Time: made, DurationMS: 30000, Connections: 3, TLS: true, Error: "after 3 connections the server answered no SYN any more",
		Groups: []audit.Group{}, Schemes: []audit.Scheme{}, Certificates: []audit.Certificate{}, Tolerance: []audit.Tolerance{}, Weaknesses: []audit.Weakness{},
		NotAsked: []audit.Gap{{What: "cipher suites of TLS 1.0", Why: "--max-connections 3"}, {What: "client_renegotiation", Why: "--max-connections 3"}},
	}
	for _, v := range []struct {
		name string
		id   uint16
	}{{"TLS 1.3", 0x0304}, {"TLS 1.2", 0x0303}, {"TLS 1.1", 0x0302}, {"TLS 1.0", 0x0301}, {"SSL 3.0", 0x0300}, {"SSL 2.0", 0x0002}} {
		r.Versions = append(r.Versions, audit.Version{Name: v.name, ID: v.id})
	}
	return r
}

// Attack is what a hostile server says wherever it can: markup, escape sequences,
// control characters, directions, and what is no UTF-8.
const Attack = "</pre><script>alert(1)</script>]]>\"'&\x1b[2J\x07\x00\u202egpj.\u200bexe\r\nInjected: line\xff"

// Hostile is a terrible server that has its attack in every text.
func Hostile() *audit.Report {
	r := Terrible()
	for i := range r.Certificates {
		r.Certificates[i].Facts = json.RawMessage(`{"subject":"</script><script>alert(1)</script>\u202e\u0000"}`)
	}
	taint(reflect.ValueOf(r).Elem(), Attack)
	return r
}

// taint puts a text in place of every string.
func taint(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if !v.IsNil() {
			taint(v.Elem(), text)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			return
		}
		for i := range v.Len() {
			taint(v.Index(i), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			taint(v.Field(i), text)
		}
	}
}

// All are the four, by name.
func All() map[string]*audit.Report {
	return map[string]*audit.Report{"good": Good(), "terrible": Terrible(), "unknown": Unknown(), "hostile": Hostile()}
}
