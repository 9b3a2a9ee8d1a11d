// The one or two things that matter in a message.

package facts

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/fingerprint"
)

// A Fact is one thing worth knowing about a message: a field of its JSON
// object, and a few words for the ladder. Either may be missing.
type Fact struct {
	Key   string
	Value any
	Text  string
}

// Message returns what matters in a message, most important first.
func Message(m *transcript.Message) []Fact {
	if m.Sealed {
		return []Fact{{"sealed", true, "not decrypted"}, {Text: plain.Octets(len(m.Raw))}}
	}
	switch m.Content {
	case tlsmsg.ContentHandshake:
		return handshakeFacts(m)
	case tlsmsg.ContentAlert:
		alert, err := tlsmsg.ParseAlert(m.Raw)
		if err != nil {
			return undecoded(err)
		}
		return []Fact{
			{"level", alert.Level, alert.Level.String()},
			{"description", alert.Description, alert.Description.String()},
		}
	case tlsmsg.ContentChangeCipherSpec:
		return changeFacts(m)
	case tlsmsg.ContentApplicationData:
		return dataFacts(m.Raw)
	}
	return []Fact{{Text: plain.Octets(len(m.Raw))}}
}

func changeFacts(m *transcript.Message) []Fact {
	switch {
	case m.Context.Version >= tlsmsg.VersionTLS13:
		return []Fact{{"means_nothing", true, "means nothing in TLS 1.3"}, {Text: "sent for middleboxes"}}
	case m.MeansNothing:
		return []Fact{{"means_nothing", true, "means nothing: no ServerHello yet"}}
	}
	return []Fact{{Text: "all that follows is encrypted"}}
}

func handshakeFacts(m *transcript.Message) []Fact {
	msg, err := m.Handshake()
	if err != nil {
		return undecoded(err)
	}
	switch msg := msg.(type) {
	case *tlsmsg.ClientHello:
		return clientHelloFacts(msg)
	case *tlsmsg.ServerHello:
		return serverHelloFacts(msg)
	case *tlsmsg.Certificate:
		return Chain(msg.Chain)
	case *tlsmsg.CompressedCertificate:
		return compressedFacts(msg)
	case *tlsmsg.ServerKeyExchange:
		return serverKeyExchangeFacts(msg)
	case *tlsmsg.CertificateRequest:
		return requestFacts(msg)
	case *tlsmsg.ClientKeyExchange:
		return clientKeyExchangeFacts(msg)
	case *tlsmsg.CertificateVerify:
		return schemeFacts(msg.Scheme, "signs all messages so far")
	case *tlsmsg.Finished:
		verify := hex.EncodeToString(msg.VerifyData)
		return []Fact{{"verify_data", verify, "verify_data " + verify}}
	case *tlsmsg.EncryptedExtensions:
		return encryptedFacts(msg)
	case *tlsmsg.KeyUpdate:
		facts := []Fact{{"request_update", msg.Request, "new keys from the next record on"}}
		if msg.Request == tlsmsg.UpdateRequested {
			facts = append(facts, Fact{Text: "and the other side's, please"})
		}
		return facts
	case *tlsmsg.NewSessionTicket:
		return []Fact{
			{"lifetime_hint_s", int64(msg.LifetimeHint), fmt.Sprintf("good for %d s", msg.LifetimeHint)},
			{"ticket_len", len(msg.Ticket), plain.Octets(len(msg.Ticket))},
		}
	case *tlsmsg.CertificateStatus:
		return []Fact{
			{"status_type", msg.StatusType, msg.StatusType.String()},
			{"response_len", len(msg.Response), plain.Octets(len(msg.Response))},
		}
	}
	return nil
}

// encryptedFacts are what a server of TLS 1.3 answers that need not be readable to
// all.
func encryptedFacts(m *tlsmsg.EncryptedExtensions) []Fact {
	var facts []Fact
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, m.Type()) && len(alpn.Protocols) > 0 {
		facts = append(facts, Fact{"alpn", alpn.Protocols[0], "ALPN " + alpn.Protocols[0]})
	}
	if tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionEarlyData) >= 0 {
		facts = append(facts, Fact{"early_data", true, "takes early data"})
	}
	var ech tlsmsg.EncryptedClientHello
	if find(m.Extensions, &ech, m.Type()) {
		facts = append(facts, retryFacts(ech.RetryConfigs)...)
	}
	return append(facts, Fact{Key: "extensions", Value: typesOf(m.Extensions)})
}

// retryFacts are the keys to which a server lets ClientHellos be encrypted.
func retryFacts(list []tlsmsg.ECHConfig) []Fact {
	var keys []string
	for i := range list {
		if c := &list[i]; c.Version == tlsmsg.ECHVersion {
			keys = append(keys, fmt.Sprintf("key %d of %s", c.ConfigID, c.PublicName))
		}
	}
	return []Fact{{"ech_retry_configs", keys, "encrypt the hello to " + strings.Join(keys, ", ")}}
}

// echFacts are what a ClientHello shows of another inside.
func echFacts(m *tlsmsg.ClientHello) []Fact {
	var ech tlsmsg.EncryptedClientHello
	if !find(m.Extensions, &ech, m.Type()) || ech.Form != tlsmsg.ECHOuter {
		return nil
	}
	return []Fact{{"ech_config_id", int(ech.ConfigID), fmt.Sprintf("another inside (ECH, key %d)", ech.ConfigID)}}
}

func undecoded(err error) []Fact {
	return []Fact{{"error", err.Error(), "cannot be read: " + err.Error()}}
}

func clientHelloFacts(m *tlsmsg.ClientHello) []Fact {
	in := m.Type()
	highest, versions := offered(m)
	facts := []Fact{{"version", m.Version, highest}}
	if versions != nil {
		facts = append(facts, Fact{Key: "supported_versions", Value: versions})
	}
	var name tlsmsg.ServerName
	if find(m.Extensions, &name, in) && name.HostName() != "" {
		facts = append(facts, Fact{"server_name", name.HostName(), "SNI " + name.HostName()})
	}
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, in) {
		facts = append(facts, Fact{"alpn_protocols", alpn.Protocols, "ALPN " + strings.Join(alpn.Protocols, ",")})
	}
	facts = append(facts, Fact{"cipher_suites", names(m.CipherSuites), plain.Plural(len(m.CipherSuites), "suite")})
	var groups tlsmsg.SupportedGroups
	if find(m.Extensions, &groups, in) {
		facts = append(facts, Fact{"groups", names(groups.Groups), plain.Plural(len(groups.Groups), "group")})
	}
	var schemes tlsmsg.SignatureAlgorithms
	if find(m.Extensions, &schemes, in) {
		facts = append(facts, Fact{Key: "signature_schemes", Value: names(schemes.Schemes)})
	}
	facts = append(facts, echFacts(m)...)
	ja3, _ := fingerprint.JA3(m)
	ja4, _ := fingerprint.JA4(m)
	facts = append(facts, Fact{Key: "ja3", Value: ja3}, Fact{Key: "ja4", Value: ja4})
	return append(facts, sessionFacts(m.Random, m.SessionID, m.Extensions)...)
}

// offered is the highest version of the hello, and its list where it has one.
func offered(m *tlsmsg.ClientHello) (highest string, list []string) {
	var v tlsmsg.SupportedVersions
	if !find(m.Extensions, &v, m.Type()) {
		return m.Version.String(), nil
	}
	best := tlsmsg.Version(0)
	for _, version := range v.Versions {
		if version <= tlsmsg.VersionTLS13 { // not GREASE
			best = max(best, version)
		}
	}
	return best.String(), names(v.Versions)
}

func serverHelloFacts(m *tlsmsg.ServerHello) []Fact {
	in := m.Type()
	version := m.Version
	var selected tlsmsg.SupportedVersions
	if find(m.Extensions, &selected, in) && len(selected.Versions) == 1 {
		version = selected.Versions[0]
	}
	facts := []Fact{
		{"cipher_suite", m.CipherSuite, m.CipherSuite.String()},
		{"version", version, version.String()},
	}
	if m.IsHelloRetryRequest() && version >= tlsmsg.VersionTLS13 {
		facts = append(facts, Fact{"hello_retry_request", true, "HelloRetryRequest: it asks for another ClientHello"})
	}
	var share tlsmsg.KeyShare
	if find(m.Extensions, &share, in) && len(share.Shares) == 1 {
		facts = append(facts, Fact{"group", share.Shares[0].Group, share.Shares[0].Group.String()})
	}
	var psk tlsmsg.PreSharedKey
	if version >= tlsmsg.VersionTLS13 && find(m.Extensions, &psk, in) {
		facts = append(facts, Fact{"pre_shared_key", true, "by a key of before"})
	}
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, in) && len(alpn.Protocols) > 0 {
		facts = append(facts, Fact{"alpn", alpn.Protocols[0], "ALPN " + alpn.Protocols[0]})
	}
	var ems tlsmsg.ExtendedMasterSecret
	if find(m.Extensions, &ems, in) {
		facts = append(facts, Fact{Text: "extended master secret"})
	}
	ja3s, _ := fingerprint.JA3S(m)
	facts = append(facts, Fact{Key: "ja3s", Value: ja3s})
	return append(facts, sessionFacts(m.Random, m.SessionID, m.Extensions)...)
}

// sessionFacts are only for programs.
func sessionFacts(random [32]byte, id []byte, list []tlsmsg.Extension) []Fact {
	return []Fact{
		{Key: "random", Value: hex.EncodeToString(random[:])},
		{Key: "session_id", Value: hex.EncodeToString(id)},
		{Key: "extensions", Value: typesOf(list)},
	}
}

func typesOf(list []tlsmsg.Extension) []string {
	extensions := []string{}
	for _, e := range list {
		extensions = append(extensions, e.Type.String())
	}
	return extensions
}

func serverKeyExchangeFacts(m *tlsmsg.ServerKeyExchange) []Fact {
	var facts []Fact
	switch {
	case m.Group != 0:
		facts = append(facts, Fact{"group", m.Group, m.Group.String()})
	case len(m.DHPrime) > 0:
		bits := len(bytes.TrimLeft(m.DHPrime, "\x00")) * 8
		facts = append(facts, Fact{"dh_bits", bits, fmt.Sprintf("DH of about %d bits", bits)})
	default:
		return []Fact{{Text: plain.Octets(len(m.Raw))}}
	}
	return append(facts, schemeFacts(m.Scheme, "")...)
}

func schemeFacts(s tlsmsg.SignatureScheme, words string) []Fact {
	var facts []Fact
	if s != 0 {
		facts = append(facts, Fact{"signature_scheme", s, s.String()})
	}
	if words != "" {
		facts = append(facts, Fact{Text: words})
	}
	return facts
}

func requestFacts(m *tlsmsg.CertificateRequest) []Fact {
	kinds := names(m.CertificateTypes)
	authorities := []string{}
	for _, name := range m.Authorities {
		authorities = append(authorities, distinguishedName(name))
	}
	who := "from any issuer"
	switch len(authorities) {
	case 0:
	case 1:
		who = "from " + authorities[0]
	default:
		who = plain.Plural(len(authorities), "acceptable issuer")
	}
	return []Fact{
		{"certificate_types", kinds, strings.Join(kinds, ",")},
		{"signature_schemes", names(m.Schemes), ""},
		{"authorities", authorities, who},
	}
}

// distinguishedName puts a DER name into words (RFC 4514).
func distinguishedName(raw []byte) string {
	if name := der.ParseName(raw); len(name) > 0 {
		return name.String()
	}
	return "0x" + hex.EncodeToString(raw)
}

func clientKeyExchangeFacts(m *tlsmsg.ClientKeyExchange) []Fact {
	switch {
	case len(m.PublicKey) > 0:
		return []Fact{{"public_key_len", len(m.PublicKey), fmt.Sprintf("public key of %s", plain.Octets(len(m.PublicKey)))}}
	case len(m.EncryptedPreMasterSecret) > 0:
		return []Fact{{Text: "pre-master secret under the server's RSA key"}}
	}
	return []Fact{{Text: plain.Octets(len(m.Raw))}}
}

// maxFirstLine bounds what is shown of application data, in bytes.
const maxFirstLine = 120

func dataFacts(b []byte) []Fact {
	facts := []Fact{{Text: plain.Octets(len(b))}}
	line, _, _ := bytes.Cut(b[:min(len(b), maxFirstLine)], []byte("\n"))
	if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
		facts = append(facts, Fact{"first_line", string(line), string(line)})
	}
	return facts
}

// find decodes an extension of the list into v, and reports whether that was
// possible.
func find(list []tlsmsg.Extension, v tlsmsg.ExtensionData, in tlsmsg.HandshakeType) bool {
	i := tlsmsg.FindExtension(list, v.ExtensionType())
	return i >= 0 && list[i].Decode(v, in) == nil
}

func names[T fmt.Stringer](list []T) []string {
	s := make([]string, len(list))
	for i, v := range list {
		s[i] = v.String()
	}
	return s
}
