// The one or two things that matter in a message.

package view

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// A fact is one thing worth knowing about a message: a field of its JSON
// object, and a few words for the ladder. Either may be missing.
type fact struct {
	key   string
	value any
	text  string
}

// messageFacts are what matters in a message, most important first.
func messageFacts(m *transcript.Message) []fact {
	if m.Sealed {
		return []fact{{"sealed", true, "not decrypted"}, {text: plain.Octets(len(m.Raw))}}
	}
	switch m.Content {
	case tlsmsg.ContentHandshake:
		return handshakeFacts(m)
	case tlsmsg.ContentAlert:
		alert, err := tlsmsg.ParseAlert(m.Raw)
		if err != nil {
			return undecoded(err)
		}
		return []fact{
			{"level", alert.Level, alert.Level.String()},
			{"description", alert.Description, alert.Description.String()},
		}
	case tlsmsg.ContentChangeCipherSpec:
		return changeFacts(m)
	case tlsmsg.ContentApplicationData:
		return dataFacts(m.Raw)
	}
	return []fact{{text: plain.Octets(len(m.Raw))}}
}

func changeFacts(m *transcript.Message) []fact {
	switch {
	case m.Context.Version >= tlsmsg.VersionTLS13:
		return []fact{{"means_nothing", true, "means nothing in TLS 1.3"}, {text: "sent for middleboxes"}}
	case m.MeansNothing:
		return []fact{{"means_nothing", true, "means nothing: no ServerHello yet"}}
	}
	return []fact{{text: "all that follows is encrypted"}}
}

func handshakeFacts(m *transcript.Message) []fact {
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
		return chainFacts(msg.Chain)
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
		return []fact{{"verify_data", verify, "verify_data " + verify}}
	case *tlsmsg.NewSessionTicket:
		return []fact{
			{"lifetime_hint_s", int64(msg.LifetimeHint), fmt.Sprintf("good for %d s", msg.LifetimeHint)},
			{"ticket_len", len(msg.Ticket), plain.Octets(len(msg.Ticket))},
		}
	case *tlsmsg.CertificateStatus:
		return []fact{
			{"status_type", msg.StatusType, msg.StatusType.String()},
			{"response_len", len(msg.Response), plain.Octets(len(msg.Response))},
		}
	}
	return nil
}

func undecoded(err error) []fact {
	return []fact{{"error", err.Error(), "cannot be read: " + err.Error()}}
}

func clientHelloFacts(m *tlsmsg.ClientHello) []fact {
	in := m.Type()
	highest, versions := offered(m)
	facts := []fact{{"version", m.Version, highest}}
	if versions != nil {
		facts = append(facts, fact{key: "supported_versions", value: versions})
	}
	var name tlsmsg.ServerName
	if find(m.Extensions, &name, in) && name.HostName() != "" {
		facts = append(facts, fact{"server_name", name.HostName(), "SNI " + name.HostName()})
	}
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, in) {
		facts = append(facts, fact{"alpn_protocols", alpn.Protocols, "ALPN " + strings.Join(alpn.Protocols, ",")})
	}
	facts = append(facts, fact{"cipher_suites", names(m.CipherSuites), plain.Plural(len(m.CipherSuites), "suite")})
	var groups tlsmsg.SupportedGroups
	if find(m.Extensions, &groups, in) {
		facts = append(facts, fact{"groups", names(groups.Groups), plain.Plural(len(groups.Groups), "group")})
	}
	var schemes tlsmsg.SignatureAlgorithms
	if find(m.Extensions, &schemes, in) {
		facts = append(facts, fact{key: "signature_schemes", value: names(schemes.Schemes)})
	}
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
		if version <= tlsmsg.VersionTLS13 { // and no GREASE
			best = max(best, version)
		}
	}
	return best.String(), names(v.Versions)
}

func serverHelloFacts(m *tlsmsg.ServerHello) []fact {
	in := m.Type()
	version := m.Version
	var selected tlsmsg.SupportedVersions
	if find(m.Extensions, &selected, in) && len(selected.Versions) == 1 {
		version = selected.Versions[0]
	}
	facts := []fact{
		{"cipher_suite", m.CipherSuite, m.CipherSuite.String()},
		{"version", version, version.String()},
	}
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, in) && len(alpn.Protocols) > 0 {
		facts = append(facts, fact{"alpn", alpn.Protocols[0], "ALPN " + alpn.Protocols[0]})
	}
	var ems tlsmsg.ExtendedMasterSecret
	if find(m.Extensions, &ems, in) {
		facts = append(facts, fact{text: "extended master secret"})
	}
	return append(facts, sessionFacts(m.Random, m.SessionID, m.Extensions)...)
}

// sessionFacts are for programs alone.
func sessionFacts(random [32]byte, id []byte, list []tlsmsg.Extension) []fact {
	extensions := []string{}
	for _, e := range list {
		extensions = append(extensions, e.Type.String())
	}
	return []fact{
		{key: "random", value: hex.EncodeToString(random[:])},
		{key: "session_id", value: hex.EncodeToString(id)},
		{key: "extensions", value: extensions},
	}
}

func serverKeyExchangeFacts(m *tlsmsg.ServerKeyExchange) []fact {
	var facts []fact
	switch {
	case m.Group != 0:
		facts = append(facts, fact{"group", m.Group, m.Group.String()})
	case len(m.DHPrime) > 0:
		bits := len(bytes.TrimLeft(m.DHPrime, "\x00")) * 8
		facts = append(facts, fact{"dh_bits", bits, fmt.Sprintf("DH of about %d bits", bits)})
	default:
		return []fact{{text: plain.Octets(len(m.Raw))}}
	}
	return append(facts, schemeFacts(m.Scheme, "")...)
}

func schemeFacts(s tlsmsg.SignatureScheme, words string) []fact {
	var facts []fact
	if s != 0 {
		facts = append(facts, fact{"signature_scheme", s, s.String()})
	}
	if words != "" {
		facts = append(facts, fact{text: words})
	}
	return facts
}

func requestFacts(m *tlsmsg.CertificateRequest) []fact {
	kinds := names(m.CertificateTypes)
	authorities := []string{}
	for _, der := range m.Authorities {
		authorities = append(authorities, distinguishedName(der))
	}
	who := "from any issuer"
	switch len(authorities) {
	case 0:
	case 1:
		who = "from " + authorities[0]
	default:
		who = plain.Plural(len(authorities), "acceptable issuer")
	}
	return []fact{
		{"certificate_types", kinds, strings.Join(kinds, ",")},
		{"signature_schemes", names(m.Schemes), ""},
		{"authorities", authorities, who},
	}
}

func clientKeyExchangeFacts(m *tlsmsg.ClientKeyExchange) []fact {
	switch {
	case len(m.PublicKey) > 0:
		return []fact{{"public_key_len", len(m.PublicKey), fmt.Sprintf("public key of %s", plain.Octets(len(m.PublicKey)))}}
	case len(m.EncryptedPreMasterSecret) > 0:
		return []fact{{text: "pre-master secret under the server's RSA key"}}
	}
	return []fact{{text: plain.Octets(len(m.Raw))}}
}

// maxFirstLine bounds what is shown of application data, in bytes.
const maxFirstLine = 120

func dataFacts(b []byte) []fact {
	facts := []fact{{text: plain.Octets(len(b))}}
	line, _, _ := bytes.Cut(b[:min(len(b), maxFirstLine)], []byte("\n"))
	if line = bytes.TrimRight(line, "\r"); len(line) > 0 {
		facts = append(facts, fact{"first_line", string(line), string(line)})
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
