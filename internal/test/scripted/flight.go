// The server's first flight.

package scripted

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// extensionHeartbeat is that of RFC 6520.
const extensionHeartbeat tlsmsg.ExtensionType = 15

// Heartbeat is the extension's number, for [Server.Extensions].
const Heartbeat = extensionHeartbeat

func random() (r [32]byte) {
	rand.Read(r[:])
	return r
}

// hello13 is a ServerHello of TLS 1.3, or a HelloRetryRequest.
func (s *Server) hello13(c *chosen) tlsmsg.Message {
	m := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: random(), SessionID: c.hello.SessionID, CipherSuite: c.suite, HasExtensions: true}
	share := tlsmsg.KeyShareEntry{Group: c.group}
	if c.retry {
		m.Random = tlsmsg.HelloRetryRequestRandom()
	} else {
		share.KeyExchange = s.point(c.group)
	}
	m.Extensions = append(m.Extensions,
		tlsmsg.NewExtension(&tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{tlsmsg.VersionTLS13}}, m.Form()),
		tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{share}}, m.Form()))
	return m
}

// flight is the one of the versions before.
func (s *Server) flight(c *chosen) (list []tlsmsg.Message) {
	list = append(list, s.serverHello(c))
	if c.chain != nil {
		list = append(list, &tlsmsg.Certificate{Chain: c.chain})
	}
	if m := s.keyExchange(c); m != nil {
		list = append(list, m)
	}
	return append(list, &tlsmsg.ServerHelloDone{})
}

func (s *Server) serverHello(c *chosen) tlsmsg.Message {
	m := &tlsmsg.ServerHello{Version: c.version, Random: random(), CipherSuite: c.suite}
	if s.Deflate && slices.Contains(c.hello.CompressionMethods, tlsmsg.CompressionDeflate) {
		m.CompressionMethod = tlsmsg.CompressionDeflate
	}
	switch best := s.best(tlsmsg.VersionTLS13); {
	case best == tlsmsg.VersionTLS13 && c.version == tlsmsg.VersionTLS12:
		copy(m.Random[24:], tlsmsg.DowngradeTLS12)
	case best >= tlsmsg.VersionTLS12 && c.version < tlsmsg.VersionTLS12:
		copy(m.Random[24:], tlsmsg.DowngradeTLS11)
	}
	for _, t := range s.Extensions {
		if e, ok := answered(c, t); ok && !s.Silent[c.version] {
			m.Extensions = append(m.Extensions, e)
		}
	}
	return m
}

// answered is the answer to an extension, where it was offered.
func answered(c *chosen, t tlsmsg.ExtensionType) (e tlsmsg.Extension, ok bool) {
	e.Type = t
	switch t {
	case tlsmsg.ExtensionRenegotiationInfo:
		e.Data = []byte{0}
		return e, c.hello.has(t) || c.hello.offers(tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
	case tlsmsg.ExtensionEncryptThenMAC:
		return e, c.hello.has(t) && strings.Contains(c.suite.String(), "CBC")
	case extensionHeartbeat:
		e.Data = []byte{1}
	}
	return e, c.hello.has(t)
}

// keyExchange is a ServerKeyExchange, or nil.
func (s *Server) keyExchange(c *chosen) tlsmsg.Message {
	m := &tlsmsg.ServerKeyExchange{Scheme: c.scheme, Signature: make([]byte, 64)}
	how := exchange(c.suite)
	export := strings.Contains(how, "EXPORT")
	group := s.DH
	if export {
		group = s.ExportDH
	}
	switch {
	case strings.HasPrefix(how, "ECDHE_"), how == "ECDH_anon":
		m.CurveType, m.Group, m.PublicKey = tlsmsg.CurveNamed, c.group, s.point(c.group)
	case strings.HasPrefix(how, "DHE_"), strings.HasPrefix(how, "DH_anon"):
		m.DHPrime, m.DHGenerator, m.DHPublic = group.P, group.G, s.fresh(len(group.P))
	case export:
		m.Raw = rawRSA(c)
	default:
		return nil
	}
	return inForm(m, c, how)
}

// inForm has the body of exchanges whose form package tlsmsg does not know be
// the bytes that it has on the wire.
func inForm(m *tlsmsg.ServerKeyExchange, c *chosen, how string) tlsmsg.Message {
	ctx := c.context()
	if ctx.KeyExchange != tlsmsg.KeyExchangeUnknown || m.Raw != nil {
		return m
	}
	if ctx.KeyExchange = tlsmsg.KeyExchangeDHE; m.Group != 0 {
		ctx.KeyExchange = tlsmsg.KeyExchangeECDHE
	}
	if strings.Contains(how, "anon") {
		return &tlsmsg.ServerKeyExchange{Raw: m.AppendParams(nil, ctx)}
	}
	return &tlsmsg.ServerKeyExchange{Raw: m.AppendBody(nil, ctx)}
}

// rawRSA is a key of 512 bits for export (RFC 2246, section 7.4.3).
func rawRSA(c *chosen) (b []byte) {
	for _, part := range [][]byte{append([]byte{0xff}, make([]byte, 63)...), {1, 0, 1}, make([]byte, 64)} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(part))), part...)
	}
	return b
}

// point is a public key, right in its length at least.
func (s *Server) point(g tlsmsg.NamedGroup) []byte {
	switch g {
	case tlsmsg.GroupSecp256r1:
		return append([]byte{4}, s.fresh(64)...)
	case tlsmsg.GroupSecp384r1:
		return append([]byte{4}, s.fresh(96)...)
	case tlsmsg.GroupSecp521r1:
		return append([]byte{4}, s.fresh(132)...)
	}
	return s.fresh(32)
}

// fresh is an ephemeral key, or the server's one.
func (s *Server) fresh(n int) []byte {
	b := make([]byte, n)
	if s.SameKey {
		b[n-1] = 9
		return b
	}
	rand.Read(b)
	b[0] &= 0x7f // below a prime of that length
	return b
}

// answerV2 sends a SERVER-HELLO of SSL 2.0 (draft-hickman-netscape-ssl-00,
// section 2.6).
func (s *Server) answerV2(conn net.Conn) bool {
	if len(s.CiphersV2) == 0 {
		return false
	}
	leaf := s.Chains[0].Chain[0]
	b := []byte{4, 0, 1, 0, 2}
	b = binary.BigEndian.AppendUint16(b, uint16(len(leaf)))
	b = binary.BigEndian.AppendUint16(b, uint16(3*len(s.CiphersV2)))
	b = binary.BigEndian.AppendUint16(b, 16)
	b = append(b, leaf...)
	for _, c := range s.CiphersV2 {
		b = append(b, byte(c>>16), byte(c>>8), byte(c))
	}
	r := random()
	b = append(b, r[:16]...)
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, 0x8000|uint16(len(b))), b...))
	return err == nil
}
