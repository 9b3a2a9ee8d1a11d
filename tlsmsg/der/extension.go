// Certificate extensions.

package der

import (
	"slices"
	"strings"
)

// extension reads one extension (RFC 5280, section 4.2).
func (d *decoder) extension(t tag) {
	if !t.constructed() {
		d.note(UnexpectedType)
		d.primitive(t)
		return
	}
	var e Extension
	d.element("extnID", func(d *decoder, t tag) { e.Type = dotted(d.value(t)) })
	d.within(e.Name(), func() {
		d.optional(tagBoolean, "critical", func(d *decoder, t tag) {
			e.Critical = d.boolean(t)
			d.noteIf(!e.Critical, DefaultEncoded)
		})
		if len(d.says.Extensions) < maxCompared {
			_, repeated := d.says.has(e.Type)
			d.noteIf(repeated, RepeatedExtension)
		}
		d.element("extnValue", func(d *decoder, t tag) { e.Value = d.extensionValue(&e, t) })
	})
	d.says.Extensions = append(d.says.Extensions, e)
}

// maxCompared bounds how many elements of a list are compared with all before
// them: a certificate may have thousands.
const maxCompared = 256

// extensionValue opens what an extension holds, and returns it.
func (d *decoder) extensionValue(e *Extension, t tag) (b []byte) {
	if t.constructed() {
		b = d.value(t)
	} else {
		b = d.Rest("value")
	}
	d.noteIf(len(b) == 0, EmptyExtension)
	name, body := oidNames[e.Type], extensions[e.Type]
	if name == "" {
		name = "unknown"
	}
	if body == nil {
		if d.Recording() && !t.constructed() {
			_ = d.inside(name, b, anything)
		}
		return b
	}
	if t.constructed() { // its pieces are in the tree already
		tree := d.Cursor
		plain := tree.Trial()
		d.Cursor = &plain
		defer func() { d.Cursor = tree }()
	}
	if err := d.inside(name, b, body); err != nil {
		d.note(Unreadable)
	}
	return b
}

// extensions are the decoders of the extensions that are known here, by their
// identifiers.
var extensions map[string]func(*decoder)

func init() {
	extensions = map[string]func(*decoder){
		"2.5.29.14": func(d *decoder) {
			d.element("keyIdentifier", func(d *decoder, t tag) { d.says.SubjectKeyID = d.value(t) })
		},
		"2.5.29.15": func(d *decoder) { d.element("bits", (*decoder).keyUsage) },
		"2.5.29.17": func(d *decoder) { d.namesOf(&d.says.AlternativeNames) },
		"2.5.29.18": func(d *decoder) { d.namesOf(&d.says.IssuerNames) },
		"2.5.29.19": (*decoder).basicConstraints,
		"2.5.29.30": (*decoder).nameConstraints,
		"2.5.29.31": func(d *decoder) { d.listOf("points", (*decoder).distributionPoint) },
		"2.5.29.32": func(d *decoder) { d.listOf("policies", (*decoder).policy) },
		"2.5.29.35": (*decoder).authorityKeyIdentifier,
		"2.5.29.37": func(d *decoder) { d.listOf("purposes", (*decoder).purpose) },

		"1.3.6.1.5.5.7.1.1":       func(d *decoder) { d.listOf("descriptions", (*decoder).accessDescription) },
		"1.3.6.1.5.5.7.1.24":      func(d *decoder) { d.listOf("features", (*decoder).feature) },
		"1.3.6.1.4.1.11129.2.4.2": func(d *decoder) { d.element("octets", (*decoder).timestamps) },
		"1.3.6.1.4.1.11129.2.4.3": func(d *decoder) { d.element("NULL", value); d.says.Precertificate = true },
	}
}

// keyUsageBits by their place, from the first (RFC 5280, section 4.2.1.3).
var keyUsageBits = [...]string{"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment",
	"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

func (d *decoder) keyUsage(t tag) {
	if t != tagBitString || !d.More() {
		d.note(UnexpectedType)
		d.value(t)
		return
	}
	d.Uint8("unused_bits")
	var names []string
	b := d.Rest("flags")
	for i, name := range keyUsageBits {
		if i/8 < len(b) && b[i/8]>>(7-i%8)&1 == 1 {
			names = append(names, name)
		}
	}
	d.Means(strings.Join(names, ", "))
	d.says.KeyUsage = names
	d.noteIf(len(names) == 0, EmptyExtension)
}

// namesOf reads GeneralNames.
func (d *decoder) namesOf(list *[]GeneralName) {
	d.sequence("names", func(d *decoder) {
		names := d.generalNames()
		d.noteIf(len(names) == 0, EmptyExtension)
		*list = append(*list, names...)
	})
}

func (d *decoder) basicConstraints() {
	b := &BasicConstraints{MaxPath: -1}
	d.says.Constraints = b
	d.sequence("constraints", func(d *decoder) {
		d.optional(tagBoolean, "cA", func(d *decoder, t tag) {
			b.CA = d.boolean(t)
			d.noteIf(!b.CA, DefaultEncoded)
		})
		if d.optional(tagInteger, "pathLenConstraint", d.into(&b.MaxPath)) {
			d.noteIf(b.MaxPath < 0 || !b.CA, BadPathLength)
		}
	})
}

// nameConstraints are trees of names that a CA may, or may not, sign for (RFC
// 5280, section 4.2.1.10).
func (d *decoder) nameConstraints() {
	subtree := func(list *[]GeneralName) func(*decoder, tag) {
		return func(d *decoder, _ tag) {
			d.items(func(d *decoder, t tag) {
				if !t.constructed() {
					d.note(UnexpectedType)
					d.primitive(t)
					return
				}
				*list = append(*list, d.generalName())
				d.optional(context(0), "minimum", value)
				d.optional(context(1), "maximum", value)
			})
		}
	}
	d.sequence("constraints", func(d *decoder) {
		d.optional(context(0), "permittedSubtrees", subtree(&d.says.Permitted))
		d.optional(context(1), "excludedSubtrees", subtree(&d.says.Excluded))
	})
}

func (d *decoder) authorityKeyIdentifier() {
	d.sequence("identifier", func(d *decoder) {
		d.optional(context(0), "keyIdentifier", func(d *decoder, t tag) { d.says.AuthorityKeyID = d.value(t) })
		d.optional(context(1), "authorityCertIssuer", func(d *decoder, _ tag) { d.generalNames() })
		d.optional(context(2), "authorityCertSerialNumber", value)
	})
}

func (d *decoder) distributionPoint(t tag) {
	if !t.constructed() {
		d.note(UnexpectedType)
		d.primitive(t)
		return
	}
	d.optional(context(0), "distributionPoint", func(d *decoder, _ tag) {
		d.optional(context(0), "fullName", func(d *decoder, _ tag) {
			for _, n := range d.generalNames() {
				if n.Kind == "uniformResourceIdentifier" {
					d.says.CRLs = append(d.says.CRLs, n.Value)
				}
			}
		})
	})
	d.optional(context(1), "reasons", value)
	d.optional(context(2), "cRLIssuer", func(d *decoder, _ tag) { d.generalNames() })
}

func (d *decoder) policy(t tag) {
	if !t.constructed() {
		d.note(UnexpectedType)
		d.primitive(t)
		return
	}
	d.element("policyIdentifier", func(d *decoder, t tag) {
		name := nameOf(dotted(d.value(t)))
		d.noteIf(len(d.says.Policies) < maxCompared && slices.Contains(d.says.Policies, name), RepeatedPolicy)
		d.says.Policies = append(d.says.Policies, name)
	})
	if d.More() {
		d.element("policyQualifiers", value)
	}
}

// purpose is one of extKeyUsage.
func (d *decoder) purpose(t tag) {
	d.says.ExtKeyUsage = append(d.says.ExtKeyUsage, nameOf(dotted(d.value(t))))
}

func (d *decoder) accessDescription(t tag) {
	if !t.constructed() {
		d.note(UnexpectedType)
		d.primitive(t)
		return
	}
	method := ""
	d.element("accessMethod", func(d *decoder, t tag) { method = nameOf(dotted(d.value(t))) })
	switch n := d.generalName(); {
	case n.Kind != "uniformResourceIdentifier":
	case method == "ocsp":
		d.says.OCSPServers = append(d.says.OCSPServers, n.Value)
	case method == "caIssuers":
		d.says.IssuerURLs = append(d.says.IssuerURLs, n.Value)
	}
}

// feature is the number of a TLS extension (RFC 7633).
func (d *decoder) feature(t tag) {
	n := 0
	d.into(&n)(d, t)
	d.says.TLSFeatures = append(d.says.TLSFeatures, n)
}
