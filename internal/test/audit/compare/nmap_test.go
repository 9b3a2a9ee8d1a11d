// What nmap's scripts ssl-enum-ciphers and ssl-cert find, by its XML.

package compare

import (
	"encoding/xml"
	"strings"
)

var nmap = &tool{
	name: "nmap", version: []string{"--version"}, pattern: `Nmap version ([0-9.]+)`,
	args: func(addr, _ string) []string {
		host, port, _ := strings.Cut(addr, ":")
		return []string{"-Pn", "-n", "-sT", "-p", port, "--script", "ssl-enum-ciphers,ssl-cert", "--script-args", "tls.servername=" + serverName, "-oX", "-", host}
	},
	parse: parseNmap,
}

// A table of nmap's XML holds elements and further tables, with names or without.
type nmapTable struct {
	Key    string      `xml:"key,attr"`
	Tables []nmapTable `xml:"table"`
	Elems  []struct {
		Key  string `xml:"key,attr"`
		Text string `xml:",chardata"`
	} `xml:"elem"`
}

func (t *nmapTable) elem(key string) string {
	for _, e := range t.Elems {
		if e.Key == key {
			return e.Text
		}
	}
	return ""
}

func parseNmap(out []byte) (*findings, error) {
	var r struct {
		Scripts []struct {
			ID string `xml:"id,attr"`
			nmapTable
		} `xml:"host>ports>port>script"`
	}
	if err := xml.Unmarshal(out, &r); err != nil {
		return nil, err
	}
	f := &findings{asked: []string{"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}, suites: map[string][]string{}, prefers: map[string]string{}}
	for _, script := range r.Scripts {
		switch script.ID {
		case "ssl-cert":
			f.leaf(script.elem("pem"))
		case "ssl-enum-ciphers":
			for _, version := range script.Tables {
				f.nmapVersion(strings.Replace(spaced(version.Key), "SSL 3", "SSL 3.0", 1), &version)
			}
		}
	}
	return f, nil
}

func (f *findings) nmapVersion(v string, t *nmapTable) {
	f.speaks = append(f.speaks, v)
	if p := t.elem("cipher preference"); p == "server" || p == "client" {
		f.prefers[v] = p
	}
	for _, list := range t.Tables {
		if list.Key != "ciphers" {
			continue
		}
		for _, c := range list.Tables {
			// It has names of its own for those of TLS 1.3.
			f.suites[v] = append(f.suites[v], strings.Replace(c.elem("name"), "TLS_AKE_WITH_", "TLS_", 1))
			if bits, ok := strings.CutPrefix(c.elem("kex_info"), "dh "); ok {
				f.dhBits = append(f.dhBits, bits)
			}
		}
	}
}
