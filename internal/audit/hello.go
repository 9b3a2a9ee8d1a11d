// ClientHellos that ask one thing each, byte by byte as the question wants them.

package audit

import (
	"encoding/binary"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Hello is what a ClientHello offers. Nil lists are extensions left out.
type Hello struct {
	Version    tlsmsg.Version   // client_version
	Versions   []tlsmsg.Version // supported_versions; with TLS 1.3 there is a key_share, too
	Suites     []tlsmsg.CipherSuite
	Groups     []tlsmsg.NamedGroup
	Schemes    []tlsmsg.SignatureScheme
	Shares     []tlsmsg.NamedGroup // keys are sent for these
	ServerName string
	ALPN       []string
	Deflate    bool // offer compression
	Plain      bool // no extensions at all, as SSL 3.0 has none
	NoTicket   bool // no session_ticket
	SCSV       bool // a higher version was tried before (RFC 7507)

	// What a server must bear.
	GREASE        bool           // reserved values (RFC 8701)
	Unknown       bool           // an extension that nobody knows
	PadTo         int            // bytes of the message with its header (RFC 7685)
	Split         int            // bytes of the message in the first record; 0: one record
	RecordVersion tlsmsg.Version // 0: TLS 1.0, as RFC 5246, appendix E.1, advises
}

// clone returns a copy that may be changed.
func (h *Hello) clone() *Hello {
	c := *h
	return &c
}

// greaseValues are of those that RFC 8701, section 2, reserves.
const (
	greaseA, greaseB = 0x3a3a, 0xaaaa
	// unknownExtension is registered for nothing.
	unknownExtension   tlsmsg.ExtensionType = 0xfe77
	extensionHeartbeat tlsmsg.ExtensionType = 15 // RFC 6520
	// extensionNPN is that of draft-agl-tls-nextprotoneg.
	extensionNPN tlsmsg.ExtensionType = 13172
)

// scsv says that the client knows RFC 5746, to servers without extensions too.
const scsv = tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV

// AppendTo appends the records that carry the hello.
func (h *Hello) AppendTo(b []byte, random [32]byte) []byte {
	raw := h.message(random)
	version := h.RecordVersion
	if version == 0 {
		version = min(h.Version, tlsmsg.VersionTLS10)
	}
	first := len(raw)
	if h.Split > 0 && h.Split < first {
		first = h.Split
	}
	for _, part := range [][]byte{raw[:first], raw[first:]} {
		if len(part) > 0 {
			b = tlsmsg.AppendRecord(b, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: version, Fragment: part})
		}
	}
	return b
}

// message is the handshake message.
func (h *Hello) message(random [32]byte) []byte {
	m := tlsmsg.ClientHello{Version: h.Version, Random: random, CompressionMethods: []tlsmsg.CompressionMethod{0}}
	m.CipherSuites = h.suites()
	if h.Deflate {
		m.CompressionMethods = []tlsmsg.CompressionMethod{1, 0}
	}
	if h.offers13() {
		m.SessionID = slices.Clone(random[:]) // RFC 9846, appendix E.4
	}
	if !h.Plain {
		m.HasExtensions = true
		m.Extensions = h.extensions(random)
		m.Extensions = padded(&m, h.PadTo)
	}
	return tlsmsg.Append(nil, &m, tlsmsg.Context{})
}

// padded are a hello's extensions, and padding up to a length (RFC 7685). With
// none given it is brought out of the lengths at which some servers fail: that
// is a question of its own.
func padded(m *tlsmsg.ClientHello, to int) []tlsmsg.Extension {
	n := len(tlsmsg.Append(nil, m, tlsmsg.Context{}))
	if to == 0 && n >= 256 && n < 512 {
		to = max(512, n+4)
	}
	if to < n+4 {
		return m.Extensions
	}
	return append(m.Extensions, tlsmsg.Extension{Type: tlsmsg.ExtensionPadding, Data: make([]byte, to-n-4)})
}

func (h *Hello) suites() []tlsmsg.CipherSuite {
	list := slices.Clone(h.Suites)
	if h.GREASE {
		list = append([]tlsmsg.CipherSuite{greaseA}, list...)
	}
	if h.offersOld() {
		list = append(list, scsv)
	}
	if h.SCSV {
		list = append(list, tlsmsg.TLS_FALLBACK_SCSV)
	}
	return list
}

var only13 = []tlsmsg.Version{tlsmsg.VersionTLS13}

func (h *Hello) offers13() bool { return slices.Contains(h.Versions, tlsmsg.VersionTLS13) }

func (h *Hello) offersOld() bool { return !slices.Equal(h.Versions, only13) }

// extensions are those of the offer, and each that costs nothing to ask about.
func (h *Hello) extensions(random [32]byte) (list []tlsmsg.Extension) {
	add := func(v tlsmsg.ExtensionData) {
		list = append(list, tlsmsg.NewExtension(v, tlsmsg.TypeClientHello))
	}
	raw := func(t tlsmsg.ExtensionType, data ...byte) {
		list = append(list, tlsmsg.Extension{Type: t, Data: data})
	}
	if h.GREASE {
		raw(greaseA)
	}
	if h.Unknown {
		raw(unknownExtension, 1, 2, 3)
	}
	if h.ServerName != "" {
		if name, err := tlsmsg.NewServerName(h.ServerName); err == nil {
			add(&name)
		}
	}
	if len(h.Groups) > 0 {
		groups := h.Groups
		if h.GREASE {
			groups = append([]tlsmsg.NamedGroup{greaseB}, groups...)
		}
		add(&tlsmsg.SupportedGroups{Groups: groups})
	}
	if len(h.Schemes) > 0 {
		add(&tlsmsg.SignatureAlgorithms{Schemes: h.Schemes})
		if len(h.Schemes) < len(allSchemes) {
			list = append(list, chainsSignedByAny())
		}
	}
	if len(h.ALPN) > 0 {
		if alpn, err := tlsmsg.NewALPN(h.ALPN...); err == nil {
			add(&alpn)
		}
	}
	raw(tlsmsg.ExtensionStatusRequest, byte(tlsmsg.StatusTypeOCSP), 0, 0, 0, 0)
	raw(tlsmsg.ExtensionSCT)
	if h.offersOld() {
		h.old(add, raw)
	}
	if len(h.Versions) > 0 {
		versions := h.Versions
		if h.GREASE {
			versions = append([]tlsmsg.Version{greaseA}, versions...)
		}
		add(&tlsmsg.SupportedVersions{Versions: versions})
	}
	if h.offers13() {
		share := &tlsmsg.KeyShare{}
		for _, g := range h.Shares {
			share.Shares = append(share.Shares, tlsmsg.KeyShareEntry{Group: g, KeyExchange: publicKeys[g]})
		}
		add(share)
		add(&tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeDHEKE}})
	}
	return list
}

// old adds the extensions of TLS 1.2 and before.
func (h *Hello) old(add func(tlsmsg.ExtensionData), raw func(tlsmsg.ExtensionType, ...byte)) {
	if len(h.Groups) > 0 {
		add(&tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{tlsmsg.PointUncompressed}})
	}
	if !h.NoTicket {
		raw(tlsmsg.ExtensionSessionTicket)
	}
	raw(tlsmsg.ExtensionEncryptThenMAC)
	raw(tlsmsg.ExtensionExtendedMasterSecret)
	raw(extensionHeartbeat, 2) // peer_not_allowed_to_send (RFC 6520, section 2)
	if len(h.ALPN) == 0 {
		raw(extensionNPN)
	}
}

// helloV2 is a CLIENT-HELLO of SSL 2.0 (draft-hickman-netscape-ssl-00, section
// 2.5), which offers all of its ciphers and no other version.
func helloV2(random [32]byte) []byte {
	body := []byte{1, 0, 2}
	body = binary.BigEndian.AppendUint16(body, uint16(3*len(ciphersV2)))
	body = binary.BigEndian.AppendUint16(body, 0)
	body = binary.BigEndian.AppendUint16(body, 16)
	for _, c := range ciphersV2 {
		body = append(body, byte(c.id>>16), byte(c.id>>8), byte(c.id))
	}
	body = append(body, random[:16]...)
	return append(binary.BigEndian.AppendUint16(nil, 0x8000|uint16(len(body))), body...)
}

// defaultConfig is what every handshake that goes to its end offers.
func defaultConfig(name string) handshake.Config {
	return handshake.Config{ServerName: name, AllowUnverified: true, SessionTicket: true, Legacy: true, MinDHBits: 512, MinRSABits: 512, Verbatim: true,
		Extensions: []tlsmsg.Extension{chainsSignedByAny()}}
}

// chainsSignedByAny is signature_algorithms_cert with all schemes. Without it
// those of signature_algorithms are for the chain, too (RFC 9846, section 4.3.3):
// Java shows no certificate then that was signed by a scheme left out.
func chainsSignedByAny() tlsmsg.Extension {
	return tlsmsg.NewExtension(&tlsmsg.SignatureAlgorithmsCert{Schemes: allSchemes}, tlsmsg.TypeClientHello)
}
