// Certificate extensions, and the timestamps of certificate logs.

package der

import (
	"strings"
	"time"

	"github.com/rawshake/rawshake/field"
)

// extension reads one extension (RFC 5280, section 4.2).
func extension(c *field.Cursor, t tag) {
	if !t.constructed() {
		primitive(c, t)
		return
	}
	id := ""
	element(c, "extnID", func(c *field.Cursor, t tag) {
		if ahead := c.Ahead(); t == tagOID {
			id = dotted(ahead)
		}
		value(c, t)
	})
	optional(c, tagBoolean, "critical", value)
	element(c, "extnValue", func(c *field.Cursor, _ tag) {
		name, body := oidNames[id], extensions[id]
		if body == nil {
			body = anything
		}
		if name == "" {
			name = "unknown"
		}
		inside(c, name, c.Rest("value"), body)
	})
}

// extensions are the decoders of the extensions that are known here, by their
// identifiers.
var extensions = map[string]func(*field.Cursor){
	"2.5.29.14": func(c *field.Cursor) { element(c, "keyIdentifier", value) },
	"2.5.29.15": func(c *field.Cursor) { element(c, "bits", keyUsage) },
	"2.5.29.17": func(c *field.Cursor) { sequence(c, "names", everyName) },
	"2.5.29.18": func(c *field.Cursor) { sequence(c, "names", everyName) },
	"2.5.29.19": basicConstraints,
	"2.5.29.31": func(c *field.Cursor) { listOf(c, "points", distributionPoint) },
	"2.5.29.32": func(c *field.Cursor) { listOf(c, "policies", policy) },
	"2.5.29.35": authorityKeyIdentifier,
	"2.5.29.37": func(c *field.Cursor) { listOf(c, "purposes", value) },

	"1.3.6.1.5.5.7.1.1":       func(c *field.Cursor) { listOf(c, "descriptions", accessDescription) },
	"1.3.6.1.4.1.11129.2.4.2": func(c *field.Cursor) { element(c, "octets", timestamps) },
}

// keyUsageBits by their place, from the first (RFC 5280, section 4.2.1.3).
var keyUsageBits = [...]string{"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment",
	"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

func keyUsage(c *field.Cursor, t tag) {
	if t != tagBitString || !c.More() {
		value(c, t)
		return
	}
	c.Uint8("unused_bits")
	var names []string
	b := c.Rest("flags")
	for i, name := range keyUsageBits {
		if i/8 < len(b) && b[i/8]>>(7-i%8)&1 == 1 {
			names = append(names, name)
		}
	}
	c.Means(strings.Join(names, ", "))
}

func basicConstraints(c *field.Cursor) {
	sequence(c, "constraints", func(c *field.Cursor) {
		optional(c, tagBoolean, "cA", value)
		optional(c, tagInteger, "pathLenConstraint", value)
	})
}

func authorityKeyIdentifier(c *field.Cursor) {
	sequence(c, "identifier", func(c *field.Cursor) {
		optional(c, context(0), "keyIdentifier", value)
		optional(c, context(1), "authorityCertIssuer", func(c *field.Cursor, _ tag) { everyName(c) })
		optional(c, context(2), "authorityCertSerialNumber", value)
	})
}

func distributionPoint(c *field.Cursor, t tag) {
	if !t.constructed() {
		primitive(c, t)
		return
	}
	optional(c, context(0), "distributionPoint", func(c *field.Cursor, _ tag) {
		optional(c, context(0), "fullName", func(c *field.Cursor, _ tag) { everyName(c) })
	})
	optional(c, context(1), "reasons", value)
	optional(c, context(2), "cRLIssuer", func(c *field.Cursor, _ tag) { everyName(c) })
}

func policy(c *field.Cursor, t tag) {
	if !t.constructed() {
		primitive(c, t)
		return
	}
	element(c, "policyIdentifier", value)
	if c.More() {
		element(c, "policyQualifiers", value)
	}
}

func accessDescription(c *field.Cursor, t tag) {
	if !t.constructed() {
		primitive(c, t)
		return
	}
	element(c, "accessMethod", value)
	generalName(c)
}

// timestamps reads the SCT list of certificate logs, in TLS's presentation
// language (RFC 6962, section 3.3).
func timestamps(c *field.Cursor, t tag) {
	b := c.Rest("value")
	inside(c, "SignedCertificateTimestampList", b, func(c *field.Cursor) {
		c.Enter16("sct_list", 0, 1<<16-1)
		for c.More() {
			c.Item()
			inside(c, "SCT", c.Opaque16("serialized_sct", 1, 1<<16-1), timestamp)
			c.Leave()
		}
		c.Leave()
	})
}

// timestamp is SignedCertificateTimestamp (RFC 6962, section 3.2).
func timestamp(c *field.Cursor) {
	if v := c.Uint8("sct_version"); v != 0 {
		c.Failf("version %d, expected 0 (v1)", v)
	}
	c.Bytes("log_id", 32)
	ms := c.Uint64("timestamp")
	if ms < 1<<48 {
		c.Means(time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05") + " UTC")
	}
	c.Opaque16("extensions", 0, 1<<16-1)
	hash := c.Uint8("hash")
	c.Means(map[uint8]string{4: "sha256", 5: "sha384", 6: "sha512"}[hash])
	signature := c.Uint8("signature_algorithm")
	c.Means(map[uint8]string{1: "rsa", 3: "ecdsa"}[signature])
	c.Opaque16("signature", 0, 1<<16-1)
}

// SCT returns the tree of one SerializedSCT of the extension
// signed_certificate_timestamp (RFC 6962, section 3.3).
func SCT(b []byte) *field.Node { return whole("SCT", b, timestamp) }
