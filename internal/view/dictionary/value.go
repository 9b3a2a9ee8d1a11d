// Explains the values of fields.

package dictionary

import (
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/field"
)

// FindValue returns the entry for a field's value, beyond that for the field:
// "description = handshake_failure", or "protocol = 6", for the longest end of
// the field's path. A value with several names is explained name by name, and a
// cipher suite by its parts.
func (d *Dictionary) FindValue(key string, n *field.Node) (Entry, bool) {
	if n.Kind == field.Group {
		return Entry{}, false
	}
	number := ""
	if n.Kind == field.Uint || n.Kind == field.BitField {
		number = strconv.FormatUint(n.Value, 10)
	}
	return d.Value(key, n.Meaning, number)
}

// Value is FindValue for a value that is given by its name, its number, or
// both.
func (d *Dictionary) Value(key, name, number string) (Entry, bool) {
	var told []Entry
	for part := range strings.SplitSeq(name, ", ") {
		if strings.HasPrefix(part, "GREASE") {
			part = "GREASE"
		}
		if e, ok := d.single(key, part); ok {
			told = append(told, e)
		}
	}
	if len(told) == 0 {
		if e, ok := d.single(key, number); ok {
			told = append(told, e)
		}
	}
	if len(told) == 0 && strings.HasSuffix(key, "cipher_suite") {
		told = d.suite(name)
	}
	return joined(key+" = "+name+number, told)
}

// single looks for one name or number.
func (d *Dictionary) single(key, value string) (Entry, bool) {
	for more := value != ""; more; _, key, more = strings.Cut(key, ".") {
		if e, ok := d.entries[key+" = "+value]; ok {
			return e, true
		}
	}
	return Entry{}, false
}

// suite explains a cipher suite by the parts of its name, TLS_ECDHE_RSA_WITH_…
// (RFC 5246, appendix A.5) or TLS_AES_… (RFC 9846, appendix B.4).
func (d *Dictionary) suite(name string) (told []Entry) {
	rest, ok := strings.CutPrefix(name, "TLS_")
	if !ok {
		return nil
	}
	add := func(what string) {
		if e, ok := d.entries["cipher_suite part "+what]; ok {
			told = append(told, e)
		}
	}
	keys, cipher, old := strings.Cut(rest, "_WITH_")
	if !old {
		cipher, keys = rest, "TLS13"
	}
	weak := strings.Contains(keys, "EXPORT")
	parts := strings.Split(strings.TrimSuffix(keys, "_EXPORT"), "_")
	if parts[len(parts)-1] == "anon" && parts[0] != "PSK" { // ephemeral, since no certificate holds the key
		parts[0] = strings.TrimSuffix(parts[0], "E") + "E"
	}
	add(parts[0] + " key")
	if old {
		add(parts[len(parts)-1] + " auth")
	}
	if weak {
		add("EXPORT cipher")
	}
	for i, part := range strings.Split(cipher, "_") {
		switch {
		case i == 0:
			add(part + " cipher")
		case strings.HasPrefix(part, "MD5") || strings.HasPrefix(part, "SHA") || part == "SM3":
			add(part + " hash")
		case part == "128" || part == "192" || part == "256":
			add(part + " bits")
		default:
			add(part + " mode")
		}
	}
	return told
}

// joined joins several entries into one.
func joined(key string, told []Entry) (Entry, bool) {
	if len(told) == 0 {
		return Entry{}, false
	}
	if len(told) == 1 {
		return told[0], true
	}
	all := Entry{Key: key}
	var sources, texts []string
	seen := map[string]bool{}
	for _, e := range told {
		if !seen[e.Source] {
			sources = append(sources, e.Source)
		}
		if !seen[e.Text] {
			texts = append(texts, e.Text)
		}
		seen[e.Source], seen[e.Text] = true, true
	}
	all.Source, all.Text = strings.Join(sources, "; "), strings.Join(texts, " ")
	return all, true
}
