// Lists as other tools and other systems write them.

package targets

import (
	"errors"
	"fmt"
	"strings"
)

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\ufeff"

// withoutComment cuts off what follows a #. In a URL it stands for a place in a
// page.
func withoutComment(s string) string {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t' || !strings.Contains(s[:i], "://")) {
			return s[:i]
		}
	}
	return s
}

// wideText refuses a list of two bytes a character by its name: each of its
// lines would be wrong in a way that says nothing.
func wideText(s string) error {
	if strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff") || strings.Contains(s, "\x00") {
		return errors.New("the list is UTF-16, or no text: make it UTF-8 first, with iconv -f UTF-16 -t UTF-8")
	}
	return nil
}

// holdsNoTarget knows the lines of other tools' lists that speak of none: a host
// that is up, a banner, a port that is not open.
func holdsNoTarget(s string) bool {
	words := strings.Fields(s)
	switch {
	case words[0] == "Host:": // nmap -oG
		return !strings.Contains(s, "Ports:") || len(grepablePorts(s)) == 0
	case len(words) >= 4 && words[0] == "banner" && isNumber(words[2]): // masscan -oL
		return true
	case len(words) >= 4 && words[0] == "closed" && isNumber(words[2]):
		return true
	case len(words) >= 4 && (words[0] == "open" || words[0] == "banner"):
		return words[1] != "tcp"
	}
	return false
}

// otherTools reads a line as masscan -oL writes it, "open tcp 443 198.18.0.1
// 1700000000", or nmap -oG, "Host: 198.18.0.1 (name)	Ports: 443/open/tcp//https///".
func otherTools(s string) (spec Spec, ok bool, err error) {
	words := strings.Fields(s)
	switch {
	case len(words) >= 4 && words[0] == "open":
		spec, err = parseAddress(words[3])
		if err == nil {
			spec.Ports, err = ParsePorts(words[2])
		}
		return spec, true, err
	case len(words) >= 2 && words[0] == "Host:":
		spec, err = parseAddress(words[1])
		if err == nil {
			spec.Ports, err = ParsePorts(strings.Join(grepablePorts(s), ","))
		}
		return spec, true, err
	}
	return spec, false, nil
}

func parseAddress(s string) (Spec, error) {
	a, err := parseAddr(s)
	return Spec{Range: Range{a, a}}, err
}

// grepablePorts are the open TCP ports of a line of nmap -oG.
func grepablePorts(s string) (open []string) {
	_, list, _ := strings.Cut(s, "Ports:")
	list, _, _ = strings.Cut(list, "\t") // what follows is of the host
	for _, entry := range strings.Split(list, ",") {
		fields := strings.Split(strings.TrimSpace(entry), "/")
		if len(fields) >= 3 && fields[1] == "open" && fields[2] == "tcp" {
			open = append(open, fields[0])
		}
	}
	return open
}

// portsOfSchemes are those of URLs that name none.
var portsOfSchemes = map[string]string{"https": "443", "wss": "443", "http": "80", "ws": "80", "ftps": "990", "ldaps": "636", "smtps": "465", "imaps": "993", "pop3s": "995"}

// fromURL takes host and port out of a URL.
func fromURL(s string) (hostPort string, isURL bool, err error) {
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		return s, false, nil
	}
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:] // the user's name is not sent
	port, known := portsOfSchemes[strings.ToLower(scheme)]
	bare := strings.TrimSuffix(rest, ":")
	switch {
	case bare == "":
		return "", true, fmt.Errorf("%q: the URL names no host", s)
	case strings.LastIndexByte(bare, ':') > strings.LastIndexByte(bare, ']'):
		return bare, true, nil // it says its port
	case !known:
		return bare, true, nil
	}
	return bare + ":" + port, true, nil
}
