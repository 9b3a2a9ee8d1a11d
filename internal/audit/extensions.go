// What the extensions of a ServerHello before TLS 1.3 say of a server.

package audit

import (
	"github.com/rawshake/rawshake/tlsmsg"
)

// alpnProtocols are those that are asked for, registered and met. The one of
// ACME is not: it has a server show another certificate (RFC 8737).
var alpnProtocols = []string{"http/0.9", "http/1.0", "spdy/3", "spdy/3.1", "h2c", "http/1.1", "h2", "ftp", "imap", "pop3", "smtp", "managesieve",
	"nntp", "irc", "xmpp-client", "xmpp-server", "postgresql", "tds/8.0", "mqtt", "coap", "dot", "ntske/1", "stun.turn", "webrtc", "sip/2"}

// is sets what is not known yet.
func is(b **bool, v bool) {
	if *b == nil {
		*b = &v
	}
}

// once sets it to yes for good.
func once(b **bool, v bool) {
	if is(b, v); v {
		**b = true
	}
}

// always sets it to no for good: it holds in every answer, or it does not.
func always(b **bool, v bool) {
	if is(b, v); !v {
		**b = false
	}
}

// extensions reads those of an answer.
func (f *found) extensions(v *versionFound, hello *Hello, answer *Answer) {
	m := answer.Hello
	has := func(t tlsmsg.ExtensionType) bool { return tlsmsg.FindExtension(m.Extensions, t) >= 0 }
	t := &f.features
	once(&t.Compression, m.CompressionMethod != tlsmsg.CompressionNull)
	if hello.Plain {
		is(&f.renegotiation30, has(tlsmsg.ExtensionRenegotiationInfo))
		return
	}
	always(&t.SecureRenegotiation, has(tlsmsg.ExtensionRenegotiationInfo))
	always(&t.ExtendedMaster, has(tlsmsg.ExtensionExtendedMasterSecret))
	if kindOf(m.CipherSuite).cbc {
		once(&t.EncryptThenMAC, has(tlsmsg.ExtensionEncryptThenMAC))
	}
	once(&t.Heartbeat, has(extensionHeartbeat))
	if kind := kindOf(m.CipherSuite); !kind.anon && !kind.psk {
		once(&t.OCSPStapling, has(tlsmsg.ExtensionStatusRequest) && len(answer.Status) > 0)
	}
	once(&t.ClientAuth, answer.Request != nil)
	if answer.Request != nil {
		f.authorities(answer.Request.Authorities)
	}
	if t.SCTs == nil || *t.SCTs == 0 {
		n := 0
		var scts tlsmsg.SignedCertificateTimestamps
		if found, err := m.DecodeExtension(&scts); found && err == nil {
			n = len(scts.List)
		}
		t.SCTs = &n
	}
	if !hello.NoTicket {
		f.tickets12().Offered = f.tickets12().Offered || has(tlsmsg.ExtensionSessionTicket)
	} else {
		once(&t.SessionIDs, len(m.SessionID) > 0)
	}
	f.nextProtocols(m)
	f.downgrade(v, m)
	f.protocol(hello, m)
}

func (f *found) tickets12() *Tickets {
	if f.features.Tickets12 == nil {
		f.features.Tickets12 = new(Tickets)
	}
	return f.features.Tickets12
}

// nextProtocols takes those of NPN, which is what ALPN was before it had an RFC.
func (f *found) nextProtocols(m *tlsmsg.ServerHello) {
	i := tlsmsg.FindExtension(m.Extensions, extensionNPN)
	if i < 0 || f.features.NextProtocol != nil {
		return
	}
	f.features.NextProtocol = []string{}
	for b := m.Extensions[i].Data; len(b) > 0 && len(b) > int(b[0]) && len(f.features.NextProtocol) < maxChains; b = b[1+int(b[0]):] {
		f.features.NextProtocol = append(f.features.NextProtocol, string(b[1:1+int(b[0])]))
	}
}

// downgrade looks for the mark of a server that could have done better (RFC
// 9846, section 4.2.3): this client has not offered more, so it must not be
// taken for an attack, but it shows that the server has the protection.
func (f *found) downgrade(v *versionFound, m *tlsmsg.ServerHello) {
	if v.id != tlsmsg.VersionTLS12 || f.full13 == nil {
		return
	}
	is(&f.features.Downgrade, string(m.Random[24:]) == tlsmsg.DowngradeTLS12)
}

// protocol takes the one that ALPN chose. Who answers without one has no more of
// those that were offered.
func (f *found) protocol(hello *Hello, m *tlsmsg.ServerHello) {
	if len(hello.ALPN) == 0 {
		return
	}
	var alpn tlsmsg.ALPN
	if found, err := m.DecodeExtension(&alpn); !found || err != nil || len(alpn.Protocols) != 1 {
		f.protocols = nil
		return
	}
	f.alpn(alpn.Protocols[0])
}

func (f *found) alpn(name string) {
	if name != "" && len(f.features.ALPN) < len(alpnProtocols) {
		f.features.ALPN = append(without(f.features.ALPN, name), name)
		f.protocols = without(f.protocols, name)
	}
}
