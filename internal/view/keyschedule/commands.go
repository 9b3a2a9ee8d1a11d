// Commands that make each value anew from those above it, with programs that know
// nothing of this project: openssl and python3.

package keyschedule

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// digest is a hash by its name in openssl, and in Python.
func digest(h suite.Hash) (openssl, python string) {
	switch h {
	case suite.SHA384:
		return "SHA384", "sha384"
	case suite.SHA256:
		return "SHA256", "sha256"
	}
	return "MD5-SHA1", "" // TLS 1.0 and 1.1
}

// makes adds the command that makes a value.
func (v Value) makes(command string) Value {
	v.Command = command
	return v
}

func python(format string, args ...any) string {
	return "python3 -c '" + fmt.Sprintf(format, args...) + "'"
}

// extractCommand is HKDF-Extract (RFC 5869, section 2.2).
func extractCommand(h suite.Hash, salt, material []byte) string {
	name, _ := digest(h)
	return fmt.Sprintf("openssl kdf -keylen %d -kdfopt digest:%s -kdfopt mode:EXTRACT_ONLY -kdfopt hexsalt:%x -kdfopt hexkey:%x HKDF", h.Size(), name, salt, material)
}

// expandCommand is HKDF-Expand-Label (RFC 9846, section 7.1).
func expandCommand(h suite.Hash, secret []byte, label string, context []byte, n int) string {
	name, _ := digest(h)
	label = "tls13 " + label
	info := fmt.Sprintf("%04x%02x%x%02x%x", n, len(label), label, len(context), context)
	return fmt.Sprintf("openssl kdf -keylen %d -kdfopt digest:%s -kdfopt mode:EXPAND_ONLY -kdfopt hexkey:%x -kdfopt hexinfo:%s HKDF", n, name, secret, info)
}

// prfCommand is TLS 1.2's PRF, and that of the versions before (RFC 5246, section 5).
func prfCommand(h suite.Hash, secret []byte, label string, seed []byte, n int) string {
	name, _ := digest(h)
	return fmt.Sprintf("openssl kdf -keylen %d -kdfopt digest:%s -kdfopt hexsecret:%x -kdfopt hexseed:%x%x TLS1-PRF", n, name, secret, label, seed)
}

// hashCommand hashes messages one after the other. With retried a hash takes the place
// of the first (RFC 9846, section 4.1).
func hashCommand(h suite.Hash, messages [][]byte, retried bool) string {
	_, name := digest(h)
	all := func(list [][]byte) string {
		var text strings.Builder
		for _, m := range list {
			text.WriteString(hex.EncodeToString(m))
		}
		return text.String()
	}
	switch {
	case name == "":
		return python(`import hashlib; m=bytes.fromhex("%s"); print(hashlib.md5(m).hexdigest()+hashlib.sha1(m).hexdigest())`, all(messages))
	case retried:
		return python(`import hashlib; h=hashlib.%s; print(h(bytes.fromhex("fe0000%02x")+h(bytes.fromhex("%s")).digest()+bytes.fromhex("%s")).hexdigest())`,
			name, h.Size(), all(messages[:1]), all(messages[1:]))
	}
	return python(`import hashlib; print(hashlib.%s(bytes.fromhex("%s")).hexdigest())`, name, all(messages))
}

func hmacCommand(h suite.Hash, key, message []byte) string {
	_, name := digest(h)
	return python(`import hmac; print(hmac.new(bytes.fromhex("%x"), bytes.fromhex("%x"), "%s").hexdigest())`, key, message, name)
}

// xorCommand mixes a record's number into an IV.
func xorCommand(iv []byte, seq uint64) string {
	return python(`print("%%0%dx" %% (0x%x ^ %d))`, 2*len(iv), iv, seq)
}

// joinCommand sets values behind each other.
func joinCommand(parts ...[]byte) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = fmt.Sprintf(`"%x"`, p)
	}
	return python("print(%s)", strings.Join(texts, "+"))
}

// cutCommand takes some bytes of a value.
func cutCommand(whole []byte, from, to int) string {
	return python(`print("%x"[%d:%d])`, whole, 2*from, 2*to)
}

// openCommand decrypts a record's ciphertext. It does not look at the tag, which openssl's
// command does not: it is the counter mode, or the stream, that GCM and Poly1305
// authenticate. It is empty for a cipher that the command does not have.
func openCommand(id tlsmsg.CipherSuite, key, nonce, ciphertext []byte) string {
	name := id.String()
	var cipher, iv string
	switch {
	case strings.Contains(name, "CHACHA20"):
		cipher, iv = "chacha20", fmt.Sprintf("01000000%x", nonce)
	case strings.Contains(name, "GCM"):
		cipher, iv = fmt.Sprintf("aes-%d-ctr", 8*len(key)), fmt.Sprintf("%x00000002", nonce)
	default:
		return ""
	}
	return fmt.Sprintf("%s | openssl enc -d -%s -K %x -iv %s | %s",
		python(`import sys; sys.stdout.buffer.write(bytes.fromhex("%x"))`, ciphertext), cipher, key, iv,
		python(`import sys; print(sys.stdin.buffer.read().hex())`))
}
