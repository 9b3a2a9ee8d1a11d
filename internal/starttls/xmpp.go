// XMPP asks for TLS in an XML stream (RFC 6120, section 5), which is read a tag at
// a time: its names say all that there is to know.

package starttls

import (
	"bytes"
	"strings"
)

const xmppTLS = "urn:ietf:params:xml:ns:xmpp-tls"

// StreamOpening is what XMPP asks first; a server refuses it for a domain that is not
// its own.
const StreamOpening = "the opening of the stream"

// xmpp opens a stream of a namespace to the domain, and asks for TLS.
func xmpp(namespace string) []step {
	open := func(m *Machine) []byte {
		return []byte("<?xml version='1.0'?><stream:stream to='" + escapeXML(m.id.ServerName) + "' xmlns='" + namespace +
			"' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
	}
	return []step{
		{asks: StreamOpening, say: open, unit: firstTag, judge: xmppStart},
		{asks: StreamOpening, unit: tagLength, judge: xmppFeatures},
		{asks: "STARTTLS", say: func(*Machine) []byte { return []byte("<starttls xmlns='" + xmppTLS + "'/>") }, unit: tagLength, judge: xmppProceed},
	}
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", `"`, "&quot;").Replace(s)
}

// firstTag is the length of what a stream begins with, or of what is no XML at all.
func firstTag(b []byte) int {
	if text := bytes.TrimSpace(b); len(text) > 0 && text[0] != '<' {
		return len(b)
	}
	return tagLength(b)
}

// xmppStart reads <?xml …?> and <stream:stream …>.
func xmppStart(m *Machine, unit []byte) verdict {
	m.keep(bytes.TrimSpace(unit))
	switch tagName(unit) {
	case "?xml":
		return more
	case "stream":
		return next
	}
	return m.fail(Unexpected, bytes.TrimSpace(unit))
}

// tagLength is the length of the first tag of b, with the text before it.
func tagLength(b []byte) int {
	quote := byte(0)
	start := bytes.IndexByte(b, '<')
	if start < 0 {
		return 0
	}
	for i := start; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return 0
}

// tagName is the name of a tag without its prefix: "features", "/features".
func tagName(unit []byte) string {
	_, tag, _ := bytes.Cut(unit, []byte("<"))
	end := bytes.IndexAny(tag[min(1, len(tag)):], " \t\r\n/>?")
	name := string(tag[:end+1])
	slash := strings.HasPrefix(name, "/")
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
		if slash {
			name = "/" + local
		}
	}
	return name
}

// empty reports whether a tag opens and closes at once.
func empty(unit []byte) bool { return bytes.HasSuffix(unit, []byte("/>")) }

func xmppFeatures(m *Machine, unit []byte) verdict {
	m.keep(bytes.TrimSpace(unit))
	switch name := tagName(unit); {
	case name == "features" && !empty(unit):
		m.listing = true
	case name == "/features", name == "features":
		return m.listed("STARTTLS")
	case name == "error", name == "/stream":
		return m.xmppError(unit)
	case m.listing && name == "starttls":
		m.offered = true
	case m.listing && !strings.HasPrefix(name, "/"):
		m.keepWord(name)
	case m.code[0] != 0: // behind <stream:error>
		return m.failCode(Refused, nil, harmless(name))
	case !m.listing:
		return m.fail(Unexpected, unit)
	}
	return more
}

// xmppError waits for the name of a stream's error, which comes behind its tag.
func (m *Machine) xmppError(unit []byte) verdict {
	if tagName(unit) == "error" && !empty(unit) {
		m.code[0] = 1
		return more
	}
	return m.fail(Refused, bytes.TrimSpace(unit))
}

func xmppProceed(m *Machine, unit []byte) verdict {
	m.keep(bytes.TrimSpace(unit))
	name := tagName(unit)
	switch {
	case m.code[0] != 0:
		return m.failCode(Refused, nil, harmless(name))
	case name == "/proceed", name == "proceed" && empty(unit):
		return next
	case name == "proceed":
		return more
	case name == "failure":
		return m.fail(Refused, bytes.TrimSpace(unit))
	case name == "error", name == "/stream":
		return m.xmppError(unit)
	}
	return m.fail(Unexpected, unit)
}
