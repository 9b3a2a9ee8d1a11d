// What a certificate says, as plain values, also where a strict parser refuses
// it.

package der

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rawshake/rawshake/field"
)

// A Summary is what a certificate says, as far as it can be read, also if RFC
// 5280 forbids it and a strict parser refuses it. Its strings come from the
// network: escape them before showing them.
type Summary struct {
	Subject, Issuer     string // as RFC 4514 writes them; octets that are no text are replaced
	CommonName          string // the subject's last
	Serial              string // hexadecimal, with a sign
	NotBefore, NotAfter Moment
	DNSNames            []string
	IPAddresses         []string // in hexadecimal if the octets are not an address
}

// A Moment is one of the two times of a certificate.
type Moment struct {
	time.Time        // zero if Text is not a time
	Text      string // as it is in the certificate
}

// Summarize reads what it can of a certificate.
func Summarize(cert []byte) Summary {
	tbs := Certificate(cert).Find("tbsCertificate")
	if tbs == nil {
		return Summary{}
	}
	s := Summary{
		Issuer:    nameText(tbs.Find("issuer"), cert),
		Subject:   nameText(tbs.Find("subject"), cert),
		Serial:    serialText(bytesOf(tbs.Find("serialNumber", "value"), cert)),
		NotBefore: momentOf(tbs.Find("validity", "notBefore"), cert),
		NotAfter:  momentOf(tbs.Find("validity", "notAfter"), cert),
	}
	for _, a := range attributes(tbs.Find("subject"), cert) {
		if a.name == "CN" {
			s.CommonName = a.value
		}
	}
	s.alternativeNames(tbs.Find("extensions", "list"), cert)
	return s
}

// bytesOf returns a node's bytes.
func bytesOf(n *field.Node, cert []byte) []byte {
	if n == nil || n.Offset+n.Length > len(cert) {
		return nil
	}
	return cert[n.Offset : n.Offset+n.Length]
}

func serialText(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case b[0] < 0x80:
		if s := strings.TrimLeft(hex.EncodeToString(b), "0"); s != "" {
			return s
		}
		return "0"
	}
	magnitude := slices.Clone(b) // of a two's complement: invert, and add one
	carry := true
	for i := len(magnitude) - 1; i >= 0; i-- {
		magnitude[i] = ^magnitude[i]
		if carry {
			magnitude[i]++
			carry = magnitude[i] == 0
		}
	}
	return "-" + strings.TrimLeft(hex.EncodeToString(magnitude), "0")
}

// shortNames are RFC 4514's short names for attributes, and two more that
// everybody uses.
var shortNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
	"2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}

type attribute struct{ name, value string }

// attributes returns the attributes of a distinguished name, in their order.
func attributes(name *field.Node, cert []byte) (list []attribute) {
	if name == nil {
		return nil
	}
	for _, set := range name.Children {
		for _, a := range set.Children {
			if a.Name != "attribute" {
				continue
			}
			id := dotted(bytesOf(a.Find("type", "value"), cert))
			short, ok := shortNames[id]
			if !ok {
				short = id
			}
			list = append(list, attribute{short, textOf(a.Find("value"), cert)})
		}
	}
	return list
}

// nameText writes a name as RFC 4514 does: the last attribute first.
func nameText(name *field.Node, cert []byte) string {
	list := attributes(name, cert)
	parts := make([]string, 0, len(list))
	for _, a := range slices.Backward(list) {
		parts = append(parts, a.name+"="+escaped.Replace(a.value))
	}
	return strings.Join(parts, ",")
}

// escaped replaces characters with a meaning in RFC 4514 (section 2.4).
var escaped = strings.NewReplacer(",", `\,`, "+", `\+`, `"`, `\"`, `\`, `\\`, "<", `\<`, ">", `\>`, ";", `\;`)

// textOf returns an element's text, whatever its octets are. Strings of the
// single-octet types that are not valid are mostly Latin-1.
func textOf(n *field.Node, cert []byte) string {
	if n == nil {
		return ""
	}
	b := bytesOf(n.Find("value"), cert)
	typ := tagOf(n, cert)
	switch {
	case typ == tagBMPString:
		return bmp(b)
	case utf8.Valid(b):
		return string(b)
	case typ == tagUTF8String:
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// looseLayouts are forms of GeneralizedTime that DER does not allow (X.690,
// section 11.7): with an offset, or without seconds. UTCTime has two digits
// fewer. A fraction of a second needs no layout of its own.
var looseLayouts = []string{"20060102150405Z0700", "200601021504Z0700"}

func momentOf(n *field.Node, cert []byte) (m Moment) {
	if n == nil {
		return m
	}
	m.Text = string(bytesOf(n.Find("value"), cert))
	short := tagOf(n, cert) == tagUTCTime
	for _, layout := range looseLayouts {
		if short {
			layout = layout[2:]
		}
		at, err := time.Parse(layout, m.Text)
		if err != nil {
			continue
		}
		if short && at.Year() >= 2050 { // two digits: 1950 to 2049
			at = at.AddDate(-100, 0, 0)
		}
		m.Time = at.UTC()
		return m
	}
	return m
}

func tagOf(n *field.Node, cert []byte) tag {
	if head := bytesOf(n.Find("tag"), cert); len(head) == 1 {
		return tag(head[0])
	}
	return 0
}

// alternativeNames adds the names of every subjectAltName extension.
func (s *Summary) alternativeNames(extensions *field.Node, cert []byte) {
	if extensions == nil {
		return
	}
	for _, e := range extensions.Children {
		names := e.Find("extnValue", "value", "subjectAltName", "names")
		if names == nil {
			continue
		}
		for _, n := range names.Children {
			s.alternativeName(n, cert)
		}
	}
}

func (s *Summary) alternativeName(n *field.Node, cert []byte) {
	value := n.Find("value")
	switch {
	case value == nil:
	case n.Name == "dNSName":
		s.DNSNames = append(s.DNSNames, textOf(n, cert))
	case n.Name == "iPAddress":
		b := bytesOf(value, cert)
		text := "0x" + hex.EncodeToString(b)
		if a, ok := netip.AddrFromSlice(b); ok {
			text = a.String()
		}
		s.IPAddresses = append(s.IPAddresses, text)
	}
}

// OIDName returns the name of an object identifier in dotted form, or "" if it
// is not known here.
func OIDName(id string) string { return oidNames[id] }

// SignatureAlgorithm returns the identifier of the algorithm that a certificate
// is signed with, in dotted form, or "".
func SignatureAlgorithm(cert []byte) string {
	n := Certificate(cert).Find("signatureAlgorithm", "oid", "value")
	return dotted(bytesOf(n, cert))
}
