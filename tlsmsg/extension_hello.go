// The extensions that say whom and what the client wants to talk to.

package tlsmsg

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/field"
)

// ServerName is server_name (RFC 6066, section 3; in a CertificateRequest, RFC
// 9261). A server that used the name answers with empty data.
type ServerName struct {
	Names []ServerNameEntry // of a ClientHello
}

// A ServerNameEntry is one name of a server_name_list, as on the wire.
type ServerNameEntry struct {
	Type NameType
	Name []byte
}

// maxHostName is the longest DNS name in text form (RFC 1035, section 2.3.4).
const maxHostName = 253

// NewServerName returns the extension that asks for host, a DNS name without
// a trailing dot, in A-labels. Addresses are not permitted (RFC 6066, section 3).
func NewServerName(host string) (ServerName, error) {
	if err := checkHostName(host); err != nil {
		return ServerName{}, err
	}
	return ServerName{Names: []ServerNameEntry{{NameTypeHostName, []byte(host)}}}, nil
}

// AppendHostName appends the data of a ClientHello's server_name for host to b,
// and allocates nothing if b has room.
func AppendHostName(b []byte, host string) ([]byte, error) {
	if err := checkHostName(host); err != nil {
		return b, err
	}
	b, at := open16(b)
	return close16(appendOpaque16(append(b, byte(NameTypeHostName)), host), at), nil
}

func checkHostName(host string) error {
	switch {
	case host == "":
		return errors.New("server_name: empty host name")
	case len(host) > maxHostName:
		return fmt.Errorf("server_name: host name of %d bytes, expected at most %d", len(host), maxHostName)
	case IsAddress(host):
		return fmt.Errorf("server_name: %s is an address, expected a DNS name", host)
	case strings.HasSuffix(host, "."):
		return fmt.Errorf("server_name: %q ends with a dot", host)
	}
	for _, r := range host {
		if r <= ' ' || r >= 0x7F {
			return fmt.Errorf("server_name: %q holds %q; write other than ASCII as an A-label (xn--…)", host, r)
		}
	}
	return nil
}

// IsAddress reports whether host is an IP address. It is quick for names: an
// address ends with a digit, or has a colon.
func IsAddress(host string) bool {
	if host == "" || !strings.Contains(host, ":") && (host[len(host)-1] < '0' || host[len(host)-1] > '9') {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// HostName returns the first host_name of the list, or "". It comes from the
// network: escape it before showing it.
func (v *ServerName) HostName() string {
	for _, n := range v.Names {
		if n.Type == NameTypeHostName {
			return string(n.Name)
		}
	}
	return ""
}

// ExtensionType returns ExtensionServerName.
func (*ServerName) ExtensionType() ExtensionType { return ExtensionServerName }

// Decode reads the data. See [ExtensionData].
func (v *ServerName) Decode(c *field.Cursor, in HandshakeType) error {
	v.Names = v.Names[:0]
	if !asks(in) {
		return c.End()
	}
	c.Enter16("server_name_list", 1, max16)
	for c.More() {
		c.Item()
		t := field.Enum8[NameType](c, "name_type")
		// Future name types begin with a 16-bit length too (RFC 6066, section
		// 3).
		v.Names = append(v.Names, ServerNameEntry{t, c.Opaque16("host_name", 1, max16)})
		c.Leave()
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *ServerName) AppendData(b []byte, in HandshakeType) []byte {
	if !asks(in) {
		return b
	}
	b, at := open16(b)
	for _, n := range v.Names {
		b = appendOpaque16(append(b, byte(n.Type)), n.Name)
	}
	return close16(b, at)
}

// ALPN is application_layer_protocol_negotiation (RFC 7301). An answer names
// exactly one protocol.
type ALPN struct {
	Protocols []string // from the network they may be any bytes: escape them before showing them
}

// NewALPN returns the extension that offers protocols, preferred first, each
// of 1 to 255 bytes.
func NewALPN(protocols ...string) (ALPN, error) {
	total := 0
	for _, p := range protocols {
		if len(p) == 0 || len(p) > max8 {
			return ALPN{}, fmt.Errorf("ALPN: protocol %q has %d bytes, expected 1 to 255", p, len(p))
		}
		total += 1 + len(p)
	}
	if total == 0 || total > max16-2 {
		return ALPN{}, fmt.Errorf("ALPN: a list of %d bytes, expected 2 to %d", total, max16-2)
	}
	return ALPN{Protocols: protocols}, nil
}

// ExtensionType returns ExtensionALPN.
func (*ALPN) ExtensionType() ExtensionType { return ExtensionALPN }

// Decode reads the data. See [ExtensionData].
func (v *ALPN) Decode(c *field.Cursor, in HandshakeType) error {
	v.Protocols = v.Protocols[:0]
	c.Enter16("protocol_name_list", 2, max16)
	for c.More() {
		c.Element()
		v.Protocols = append(v.Protocols, string(c.Opaque8("protocol_name", 1, max8)))
	}
	if n := len(v.Protocols); n != 1 && in != TypeClientHello {
		c.Failf("%d protocols, expected exactly one in an answer", n) // RFC 7301, section 3.1
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *ALPN) AppendData(b []byte, _ HandshakeType) []byte {
	b, at := open16(b)
	for _, p := range v.Protocols {
		b = appendOpaque8(b, p)
	}
	return close16(b, at)
}

// SupportedVersions is supported_versions (RFC 9846, section 4.3.1): a list in
// a ClientHello, one version in an answer.
type SupportedVersions struct {
	Versions []Version // in an answer exactly one
}

// ExtensionType returns ExtensionSupportedVersions.
func (*SupportedVersions) ExtensionType() ExtensionType { return ExtensionSupportedVersions }

// Decode reads the data. See [ExtensionData].
func (v *SupportedVersions) Decode(c *field.Cursor, in HandshakeType) error {
	v.Versions = v.Versions[:0]
	if in != TypeClientHello {
		v.Versions = append(v.Versions, field.Enum16[Version](c, "selected_version"))
		return c.End()
	}
	c.Enter8("versions", 2, max8-1)
	for c.More() {
		c.Element()
		v.Versions = append(v.Versions, field.Enum16[Version](c, "version"))
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SupportedVersions) AppendData(b []byte, in HandshakeType) []byte {
	if in != TypeClientHello {
		for _, version := range v.Versions[:min(1, len(v.Versions))] {
			b = append16(b, version)
		}
		return b
	}
	b, at := open8(b)
	for _, version := range v.Versions {
		b = append16(b, version)
	}
	return close8(b, at)
}
