// What a server publishes so that clients can encrypt their ClientHello to it:
// ECHConfigList (RFC 9849, section 4).

package tlsmsg

import "github.com/rawshake/rawshake/field"

// ECHVersion is the version of ECHConfig that RFC 9849 defines.
const ECHVersion uint16 = 0xFE0D

// An ECHConfig is one public key with its parameters. If Version is not
// ECHVersion only Contents is set.
type ECHConfig struct {
	Version    uint16
	ConfigID   uint8
	KEM        HPKEKEM
	PublicKey  []byte
	Suites     []HPKESuite
	MaxNameLen uint8 // maximum_name_length
	PublicName []byte
	Extensions []Extension // not numbered as those of TLS are
	Contents   []byte
}

// An HPKESuite is an HpkeSymmetricCipherSuite.
type HPKESuite struct {
	KDF  HPKEKDF
	AEAD HPKEAEAD
}

// ParseECHConfigList decodes an ECHConfigList, as found in DNS, in a file, or
// in EncryptedExtensions. Slices in the result alias b. Errors are
// [*field.Error].
func ParseECHConfigList(b []byte) ([]ECHConfig, error) {
	c := field.New(echListName, b)
	list := readECHConfigs(&c, "configs", nil)
	return list, c.End()
}

// ExplainECHConfigList returns the tree of its fields. See [Explain].
func ExplainECHConfigList(b []byte) (*field.Node, error) {
	c := field.Record(echListName, b)
	readECHConfigs(&c, "configs", nil)
	err := c.End()
	return c.Whole(), err
}

const echListName = "ECHConfigList"

// AppendECHConfigList appends the encoded list.
func AppendECHConfigList(b []byte, list []ECHConfig) []byte {
	b, at := open16(b)
	for i := range list {
		b = list[i].Append(b)
	}
	return close16(b, at)
}

// Append appends one encoded ECHConfig, which is part of HPKE's info (RFC 9849,
// section 6.1).
func (e *ECHConfig) Append(b []byte) []byte {
	b, at := open16(append16(b, e.Version))
	if e.Version != ECHVersion {
		return close16(append(b, e.Contents...), at)
	}
	b = append16(append(b, e.ConfigID), e.KEM)
	b = appendOpaque16(b, e.PublicKey)
	b, suites := open16(b)
	for _, s := range e.Suites {
		b = s.append(b)
	}
	b = append(close16(b, suites), e.MaxNameLen)
	b = appendOpaque8(b, e.PublicName)
	return close16(appendExtensions(b, e.Extensions, true), at)
}

func (s HPKESuite) append(b []byte) []byte { return append16(append16(b, s.KDF), s.AEAD) }

func readHPKESuite(c *field.Cursor) HPKESuite {
	kdf := field.Enum16[HPKEKDF](c, "kdf_id")
	return HPKESuite{kdf, field.Enum16[HPKEAEAD](c, "aead_id")}
}

// readECHConfigs reads a list into the storage of an earlier one.
func readECHConfigs(c *field.Cursor, name string, list []ECHConfig) []ECHConfig {
	list = list[:0]
	c.Enter16(name, 4, max16)
	for c.More() {
		c.Item()
		var e ECHConfig
		if len(list) < cap(list) {
			e = list[:len(list)+1][len(list)]
		}
		e.read(c)
		list = append(list, e)
		c.Leave()
	}
	c.Leave()
	return list
}

func (e *ECHConfig) read(c *field.Cursor) {
	*e = ECHConfig{Suites: e.Suites[:0], Extensions: e.Extensions[:0]}
	e.Version = c.Uint16("version")
	if e.Version != ECHVersion {
		e.Contents = c.Opaque16("contents", 0, max16)
		return
	}
	c.Enter16("contents", 0, max16)
	c.Enter("key_config")
	e.ConfigID = c.Uint8("config_id")
	e.KEM = field.Enum16[HPKEKEM](c, "kem_id")
	e.PublicKey = c.Opaque16("public_key", 1, max16)
	c.Enter16("cipher_suites", 4, max16-3)
	for c.More() {
		c.Item()
		e.Suites = append(e.Suites, readHPKESuite(c))
		c.Leave()
	}
	c.Leave()
	c.Leave()
	e.MaxNameLen = c.Uint8("maximum_name_length")
	e.PublicName = c.Opaque8("public_name", 1, max8)
	e.readExtensions(c)
	c.Leave()
}

// readExtensions reads extensions whose numbers are not those of TLS.
func (e *ECHConfig) readExtensions(c *field.Cursor) {
	c.Enter16("extensions", 0, max16)
	for c.More() {
		c.Item()
		t := ExtensionType(c.Uint16("type"))
		e.Extensions = append(e.Extensions, Extension{t, c.Opaque16("data", 0, max16)})
		c.Leave()
	}
	c.Leave()
}
