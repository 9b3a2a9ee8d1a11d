package targets

import (
	"fmt"
	"strings"
	"testing"
)

// read is a list's targets, one a line, and what could not be read.
func read(text string) (got []string, errs []error) {
	for line, err := range Lines(strings.NewReader(text), "list") {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		host := line.Spec.Host
		if host == "" {
			host = line.Spec.Range.First.String()
		}
		got = append(got, fmt.Sprint(host, line.Spec.Ports, line.Name))
	}
	return got, errs
}

// Lists come from other systems and from other tools.
func TestListsOfOtherToolsAndSystemsAreRead(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"byte-order mark":        {"\ufeff198.18.0.1\n198.18.0.2\n", "198.18.0.1[] 198.18.0.2[]"},
		"before a heading":       {"\ufeffsaddr,sport\n198.18.0.1,443\n", "198.18.0.1[443]"},
		"before a comment":       {"\ufeff# hosts\n198.18.0.1\n", "198.18.0.1[]"},
		"CRLF":                   {"198.18.0.1\r\n\r\n198.18.0.2:443\r\nhost.test", "198.18.0.1[] 198.18.0.2[443] host.test[]"},
		"URLs":                   {"https://host.test:8443/a/b?c#d\nhttps://[2001:db8::1]/ # ours\nhttp://198.18.0.1\n", "host.test[8443] 2001:db8::1[443] 198.18.0.1[80]"},
		"masscan -oL":            {"#masscan\nopen tcp 443 198.18.0.1 1700000000\nbanner tcp 443 198.18.0.1 1700000000 ssl TLS/1.2 cipher, x\nopen udp 53 198.18.0.1 1700000000\nclosed tcp 80 198.18.0.3 1700000000\nopen tcp 8443 2001:db8::1 1700000000\n# end\n", "198.18.0.1[443] 2001:db8::1[8443]"},
		"masscan -oL, CRLF, BOM": {"\ufeff#masscan\r\nopen tcp 443 198.18.0.1 1700000000\r\n# end\r\n", "198.18.0.1[443]"},
		"nmap -oG": {"# Nmap 7.93 scan initiated as: nmap -oG - 198.18.0.0/30\nHost: 198.18.0.1 (a.test)\tStatus: Up\n" +
			"Host: 198.18.0.1 (a.test)\tPorts: 22/closed/tcp//ssh///, 443/open/tcp//https///, 53/open/udp//domain///, 8443/open/tcp//https-alt//nginx 1.2, x/\tIgnored State: filtered (997)\n" +
			"Host: 198.18.0.2 ()\tPorts: 80/filtered/tcp//http///\nHost: 2001:db8::1 ()\tPorts: 443/open/tcp//https///\n# Nmap done\n", "198.18.0.1[443 8443] 2001:db8::1[443]"},
		"nothing": {"\ufeff\r\n", ""},
	} {
		got, errs := read(tc.text)
		if strings.Join(got, " ") != tc.want || len(errs) > 0 {
			t.Errorf("%s: %q (%v), want %s", name, got, errs, tc.want)
		}
	}
}

// What is nothing of the kind is told with its line, and the others are read.
func TestBrokenLinesOfOtherToolsAreTold(t *testing.T) {
	for text, says := range map[string]string{
		"open tcp x 198.18.0.1 1\n":                       "port",
		"open tcp 443 nowhere 1\n":                        "not an IP address",
		"Host: nowhere ()\tPorts: 443/open/tcp//https///": "not an IP address",
		"Host: 198.18.0.1 ()\tPorts: 99999/open/tcp//x//": "port",
		"\xff\xfe1\x009\x008\x00\n":                       "UTF-16",
		"https://\n":                                      "names no host",
	} {
		got, errs := read("198.18.0.9\n" + text + "\n")
		if len(got) != 1 && !strings.Contains(text, "\xff") || len(errs) == 0 || !strings.Contains(errs[0].Error(), says) || !strings.Contains(errs[0].Error(), "line 2") {
			t.Errorf("%q: %q, %v, want %q of line 2", text, got, errs, says)
		}
	}
}
