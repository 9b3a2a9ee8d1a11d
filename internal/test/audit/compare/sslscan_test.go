// What sslscan finds, by its XML.

package compare

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

var sslscan = &tool{
	name: "sslscan", version: []string{"--version"}, pattern: `\t([0-9.]+)`,
	args: func(addr, _ string) []string {
		return []string{"--no-colour", "--show-certificate", "--xml=-", "--sni-name=" + serverName, addr}
	},
	parse: parseSSLScan,
}

// sslscanReport is as much of the XML as is compared.
type sslscanReport struct {
	Protocols []struct {
		Type    string `xml:"type,attr"`
		Version string `xml:"version,attr"`
		Enabled int    `xml:"enabled,attr"`
	} `xml:"ssltest>protocol"`
	Ciphers []struct {
		Status  string `xml:"status,attr"`
		Version string `xml:"sslversion,attr"`
		ID      string `xml:"id,attr"`
		DHBits  string `xml:"dhebits,attr"`
	} `xml:"ssltest>cipher"`
	Groups []struct {
		Version string `xml:"sslversion,attr"`
		ID      string `xml:"id,attr"`
	} `xml:"ssltest>group"`
	Certificates []struct {
		PEM string `xml:"certificate-blob"`
	} `xml:"ssltest>certificates>certificate"`
}

func parseSSLScan(out []byte) (*findings, error) {
	var r sslscanReport
	if err := xml.Unmarshal(out, &r); err != nil {
		return nil, err
	}
	f := &findings{suites: map[string][]string{}, groups: map[string][]string{}, first: map[string]string{}}
	for _, p := range r.Protocols {
		name := strings.ToUpper(p.Type) + " " + p.Version
		if p.Type == "ssl" {
			name += ".0"
		}
		f.asked = append(f.asked, name)
		if p.Enabled == 1 {
			f.speaks = append(f.speaks, name)
		}
	}
	for _, c := range r.Ciphers {
		n, err := strconv.ParseUint(c.ID, 0, 32)
		if err != nil {
			return nil, fmt.Errorf("cipher: %w", err)
		}
		v, name := spaced(c.Version), tlsmsg.CipherSuite(n).String()
		f.suites[v] = append(f.suites[v], name)
		if c.Status == "preferred" {
			f.first[v] = name
		}
		if c.DHBits != "" {
			f.dhBits = append(f.dhBits, c.DHBits)
		}
	}
	for _, g := range r.Groups {
		n, err := strconv.ParseUint(g.ID, 0, 16)
		if err != nil {
			return nil, fmt.Errorf("group: %w", err)
		}
		v := spaced(g.Version)
		f.groups[v] = append(f.groups[v], tlsmsg.NamedGroup(n).String())
	}
	for _, c := range r.Certificates {
		f.leaf(c.PEM)
	}
	return f, nil
}

// spaced is "TLS 1.2" of "TLSv1.2".
func spaced(version string) string { return strings.Replace(version, "v", " ", 1) }
