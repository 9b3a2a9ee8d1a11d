// SSL 2.0's answer (draft-hickman-netscape-ssl-00, section 2.6).

package audit

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// A cipherV2 is a cipher of SSL 2.0: a number of three octets.
type cipherV2 struct {
	id   uint32
	name string
}

var ciphersV2 = []cipherV2{
	{0x010080, "SSL_CK_RC4_128_WITH_MD5"}, {0x020080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"},
	{0x030080, "SSL_CK_RC2_128_CBC_WITH_MD5"}, {0x040080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"},
	{0x050080, "SSL_CK_IDEA_128_CBC_WITH_MD5"}, {0x060040, "SSL_CK_DES_64_CBC_WITH_MD5"},
	{0x0700c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"}, {0x080080, "SSL_CK_RC4_64_WITH_MD5"},
}

// A ServerHelloV2 is SSL 2.0's SERVER-HELLO.
type ServerHelloV2 struct {
	Certificate []byte
	Ciphers     []uint32
}

func (m *ServerHelloV2) chain() [][]byte {
	if len(m.Certificate) == 0 {
		return nil
	}
	return [][]byte{m.Certificate}
}

// nameV2 names a cipher of SSL 2.0.
func nameV2(id uint32) string {
	for _, c := range ciphersV2 {
		if c.id == id {
			return c.name
		}
	}
	return fmt.Sprintf("0x%06X", id)
}

// maxCiphersV2 bounds those of one answer.
const maxCiphersV2 = 256

// readV2 reads a SERVER-HELLO, if that is what came. It reports whether the
// bytes are SSL 2.0's, or too few to tell.
func (f *Flight) readV2() bool {
	b := f.buf
	if len(b) < 3 {
		return true
	}
	if b[0]&0x80 == 0 || b[2] != 4 {
		return false // an alert of TLS, or something else
	}
	size := int(b[0]&0x7f)<<8 | int(b[1])
	if len(b) < 2+size {
		return true
	}
	m, err := parseServerHelloV2(b[2 : 2+size])
	if err != nil {
		return f.strange(err)
	}
	f.answer.V2 = m
	f.agreed()
	return true
}

func parseServerHelloV2(b []byte) (*ServerHelloV2, error) {
	m := new(ServerHelloV2)
	c := field.New("SERVER-HELLO", b)
	c.Uint8("msg_type")
	c.Uint8("session_id_hit")
	c.Uint8("certificate_type")
	if version := c.Uint16("server_version"); c.Err() == nil && version != 2 {
		c.Failf("version %d, expected 2", version)
	}
	certificate, specs, id := int(c.Uint16("certificate_length")), int(c.Uint16("cipher_specs_length")), int(c.Uint16("connection_id_length"))
	m.Certificate = c.Bytes("certificate", certificate)
	list := c.Bytes("cipher_specs", specs)
	c.Bytes("connection_id", id)
	for ; len(list) >= 3 && len(m.Ciphers) < maxCiphersV2; list = list[3:] {
		m.Ciphers = append(m.Ciphers, uint32(list[0])<<16|uint32(list[1])<<8|uint32(list[2]))
	}
	return m, c.End()
}
