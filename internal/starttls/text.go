// The protocols of lines: each kind of reply is read by one function here.

package starttls

import (
	"bytes"
	"slices"
	"strings"
)

// A judge takes a line, without its end.
type judge func(m *Machine, line []byte) verdict

// greeting waits for what a server says first.
func greeting(j judge) step { return step{unit: lineLength, judge: j.line} }

// command says a line, and waits for its reply.
func command(text string, j judge) step {
	out := []byte(text + "\r\n")
	asks := text
	if word, rest, ok := strings.Cut(text, " "); ok {
		asks = word // EHLO
		if len(word) == 2 {
			asks = rest // behind a tag
		}
		if word == "AUTH" {
			asks = text
		}
	}
	return step{asks: asks, say: func(*Machine) []byte { return out }, unit: lineLength, judge: j.line}
}

// line gives the judge a line without its end.
func (j judge) line(m *Machine, unit []byte) verdict {
	line := bytes.TrimRight(unit, "\r\n")
	m.keep(line)
	return j(m, line)
}

func lineLength(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }

// coded reads replies that begin with three digits, as SMTP, FTP and NNTP have
// them (RFC 5321, section 4.2; RFC 959, section 4.2). If something is wanted, the
// lines of the reply behind the first are a list, and it must be in there.
func coded(wanted string, good ...string) judge {
	return func(m *Machine, line []byte) verdict {
		code, text, last := splitCode(line)
		inside := m.code != [3]byte{}
		switch {
		case inside && (code == nil || !bytes.Equal(code, m.code[:])):
			m.lists(wanted, strings.TrimSpace(string(line)))
			return more
		case code == nil:
			return m.fail(Unexpected, line)
		case inside && slices.Contains(good, string(code)) && !(last && wanted == "AUTH"): // the last line of FEAT holds nothing (RFC 2389, section 3.2)
			m.lists(wanted, strings.TrimSpace(string(text)))
		}
		if !last {
			copy(m.code[:], code)
			return more
		}
		switch {
		case slices.Contains(good, string(code)):
			return m.listed(wanted)
		case wanted == "AUTH" && code[0] == '5': // it knows no FEAT, which says nothing of AUTH
			return next
		case wanted != "":
			return m.fail(NotOffered, line)
		case code[0] == '4' || code[0] == '5':
			return m.fail(Refused, line)
		}
		return m.fail(Unexpected, line)
	}
}

// splitCode takes the code off a line; last says that no other line follows. The
// code is nil if there is none.
func splitCode(line []byte) (code, text []byte, last bool) {
	if len(line) < 3 {
		return nil, nil, false
	}
	for _, d := range line[:3] {
		if d < '0' || d > '9' {
			return nil, nil, false
		}
	}
	switch {
	case len(line) == 3:
		return line, nil, true
	case line[3] == ' ' || line[3] == '-':
		return line[:3], line[4:], line[3] == ' '
	}
	return nil, nil, false
}

// maxWords and maxWord bound what is kept of a list.
const (
	maxWords = 24
	maxWord  = 40
)

// lists takes an element of a list in which something is wanted.
func (m *Machine) lists(wanted, text string) {
	if wanted == "" || text == "" {
		return
	}
	word, rest, _ := strings.Cut(text, " ")
	if strings.EqualFold(word, wanted) && (wanted != "AUTH" || mentionsTLS(rest)) {
		m.offered = true
	}
	m.keepWord(word)
}

// keepWord keeps a word of a list, without what a terminal would obey.
func (m *Machine) keepWord(word string) {
	if len(m.words) < maxWords {
		m.words = append(m.words, harmless(word[:min(len(word), maxWord)]))
	}
}

// harmless is a word with question marks for what is not printable ASCII.
func harmless(word string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, word)
}

// mentionsTLS reports whether the mechanisms behind AUTH have TLS: "TLS",
// "SSL;TLS-P".
func mentionsTLS(s string) bool {
	s = strings.ToUpper(s)
	return strings.Contains(s, "TLS") || strings.Contains(s, "SSL")
}

// listed ends a list.
func (m *Machine) listed(wanted string) verdict {
	if wanted != "" && !m.offered {
		return m.fail(NotOffered, nil)
	}
	return next
}

// dotted reads the replies of POP3 and of NNTP's lists: a status, and then, if
// something is wanted, a list that ends with a dot. Who refuses the list has none,
// and is asked all the same.
func dotted(good, bad, wanted string) judge {
	return func(m *Machine, line []byte) verdict {
		text := string(line)
		switch {
		case m.listing && text == ".":
			return m.listed(wanted)
		case m.listing:
			m.lists(wanted, strings.TrimSpace(text))
			return more
		case strings.HasPrefix(text, good) && wanted != "":
			m.listing = true
			return more
		case strings.HasPrefix(text, good):
			return next
		case strings.HasPrefix(text, bad) && wanted != "":
			return next
		case strings.HasPrefix(text, bad):
			return m.fail(Refused, line)
		}
		return m.fail(Unexpected, line)
	}
}

// untagged reads IMAP's greeting (RFC 9051, section 7.1).
func untagged(m *Machine, line []byte) verdict {
	switch fields := strings.Fields(strings.ToUpper(string(line[:min(len(line), 64)]))); {
	case len(fields) < 2 || fields[0] != "*":
		return m.fail(Unexpected, line)
	case fields[1] == "OK":
		return next
	case fields[1] == "PREAUTH", fields[1] == "BYE": // STARTTLS is for who has not logged in
		return m.fail(Refused, line)
	}
	return m.fail(Unexpected, line)
}

// tagged reads IMAP's replies: lines without the tag, and one with it. The
// capabilities come on a line of their own.
func tagged(tag, wanted string) judge {
	return func(m *Machine, line []byte) verdict {
		fields := strings.Fields(string(line))
		switch {
		case len(fields) >= 2 && fields[0] == "*" && strings.EqualFold(fields[1], "BYE"):
			return m.fail(Refused, line)
		case len(fields) >= 2 && fields[0] == "*":
			if strings.EqualFold(fields[1], "CAPABILITY") {
				for _, word := range fields[2:] {
					m.lists(wanted, word)
				}
			}
			return more
		case len(fields) < 2 || fields[0] != tag:
			return m.fail(Unexpected, line)
		case strings.EqualFold(fields[1], "OK"):
			return m.listed(wanted)
		}
		return m.fail(Refused, line)
	}
}

// sieve reads the replies of ManageSieve (RFC 5804, section 1.2): capabilities in
// quotes, and then OK, NO or BYE.
func sieve(wanted string) judge {
	return func(m *Machine, line []byte) verdict {
		word, _, _ := strings.Cut(string(line), " ")
		switch word = strings.ToUpper(word); {
		case strings.HasPrefix(word, `"`):
			m.lists(wanted, strings.Trim(word, `"`))
			return more
		case word == "OK":
			return m.listed(wanted)
		case word == "NO", word == "BYE":
			return m.fail(Refused, line)
		}
		return m.fail(Unexpected, line)
	}
}

// irc reads what an IRC server says to STARTTLS, which is asked for before anything
// else: notices, and then a number.
func irc(m *Machine, line []byte) verdict {
	fields := strings.Fields(string(line))
	if len(fields) > 0 && strings.HasPrefix(fields[0], ":") {
		fields = fields[1:]
	}
	if len(fields) == 0 {
		return m.fail(Unexpected, line)
	}
	switch strings.ToUpper(fields[0]) {
	case "670": // RPL_STARTTLS
		return next
	case "691", "ERROR": // ERR_STARTTLS
		return m.fail(Refused, line)
	case "421", "451", "462": // unknown, or only for who is registered
		return m.fail(NotOffered, line)
	case "NOTICE", "PING", "020":
		return more
	}
	return m.fail(Unexpected, line)
}
