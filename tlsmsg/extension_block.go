// Looking up and checking the extensions of any message, with errors like those
// of the message itself.

package tlsmsg

import (
	"strconv"

	"github.com/rawshake/rawshake/field"
)

// An extensionBlock is a message's extensions and their place in it.
type extensionBlock struct {
	list   []Extension
	in     HandshakeType
	entry  int // of a Certificate; -1 of other messages
	offset int // of the first extension, from the message's header
}

// DecodeExtension decodes the extension of into's type, and reports whether the
// message has one. Errors are like those of the message itself:
// "ClientHello.extensions[2].server_name.server_name_list at byte 97: …".
func (m *ClientHello) DecodeExtension(into ExtensionData) (found bool, err error) {
	return m.block().decode(into)
}

// DecodeExtension decodes the extension of into's type, and reports whether
// the message has one. See [ClientHello.DecodeExtension].
func (m *ServerHello) DecodeExtension(into ExtensionData) (found bool, err error) {
	return m.block().decode(into)
}

// DecodeExtension decodes the extension of into's type, and reports whether
// the message has one. See [ClientHello.DecodeExtension].
func (m *EncryptedExtensions) DecodeExtension(into ExtensionData) (found bool, err error) {
	return m.block().decode(into)
}

// DecodeExtension decodes the extension of into's type, and reports whether
// the message, of TLS 1.3, has one. See [ClientHello.DecodeExtension].
func (m *CertificateRequest) DecodeExtension(into ExtensionData) (found bool, err error) {
	return m.block().decode(into)
}

// DecodeExtension decodes the extension of into's type, and reports whether
// the message, of TLS 1.3, has one. See [ClientHello.DecodeExtension].
func (m *NewSessionTicket) DecodeExtension(into ExtensionData) (found bool, err error) {
	return m.block().decode(into)
}

// DecodeExtension decodes the extension of into's type of the certificate
// Chain[entry], and reports whether there is one. See
// [ClientHello.DecodeExtension].
func (m *Certificate) DecodeExtension(entry int, into ExtensionData) (found bool, err error) {
	if entry >= len(m.EntryExtensions) {
		return false, nil
	}
	return m.block(entry).decode(into)
}

// CheckExtensions fails if two extensions have the same type (RFC 5246,
// section 7.4.1.4; RFC 9846, section 4.3).
func (m *ClientHello) CheckExtensions() error { return m.block().check() }

// CheckExtensions fails if two extensions have the same type.
func (m *ServerHello) CheckExtensions() error { return m.block().check() }

// CheckExtensions fails if two extensions have the same type.
func (m *EncryptedExtensions) CheckExtensions() error { return m.block().check() }

// CheckExtensions fails if two extensions have the same type.
func (m *CertificateRequest) CheckExtensions() error { return m.block().check() }

// CheckExtensions fails if two extensions have the same type.
func (m *NewSessionTicket) CheckExtensions() error { return m.block().check() }

// CheckExtensions fails if two extensions of one certificate have the same
// type.
func (m *Certificate) CheckExtensions() error {
	for entry := range m.EntryExtensions {
		if err := m.block(entry).check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *ClientHello) block() extensionBlock {
	offset := HeaderLen + 2 + 32 + 1 + len(m.SessionID) + 2 + 2*len(m.CipherSuites) + 1 + len(m.CompressionMethods) + 2
	return extensionBlock{m.Extensions, TypeClientHello, -1, offset}
}

func (m *ServerHello) block() extensionBlock {
	return extensionBlock{m.Extensions, m.Form(), -1, HeaderLen + 2 + 32 + 1 + len(m.SessionID) + 2 + 1 + 2}
}

func (m *EncryptedExtensions) block() extensionBlock {
	return extensionBlock{m.Extensions, TypeEncryptedExtensions, -1, HeaderLen + 2}
}

func (m *CertificateRequest) block() extensionBlock {
	return extensionBlock{m.Extensions, TypeCertificateRequest, -1, HeaderLen + 1 + len(m.RequestContext) + 2}
}

func (m *NewSessionTicket) block() extensionBlock {
	return extensionBlock{m.Extensions, TypeNewSessionTicket, -1, HeaderLen + 4 + 4 + 1 + len(m.Nonce) + 2 + len(m.Ticket) + 2}
}

func (m *Certificate) block(entry int) extensionBlock {
	offset := HeaderLen + 1 + len(m.RequestContext) + 3
	for i, list := range m.EntryExtensions[:entry+1] {
		offset += 3 + len(m.Chain[i]) + 2
		if i < entry {
			offset = itemOffset(list, len(list), offset)
		}
	}
	return extensionBlock{m.EntryExtensions[entry], TypeCertificate, entry, offset}
}

func (b extensionBlock) decode(into ExtensionData) (bool, error) {
	i := FindExtension(b.list, into.ExtensionType())
	if i < 0 {
		return false, nil
	}
	err := b.list[i].Decode(into, b.in)
	if err != nil {
		const head = 4 // extension_type and length
		shift(err, b.path(i)+".", itemOffset(b.list, i, b.offset)+head)
	}
	return true, err
}

func (b extensionBlock) check() error {
	first, second, found := DuplicateExtension(b.list)
	if !found {
		return nil
	}
	return &field.Error{
		Path:    b.path(second) + ".extension_type",
		Offset:  itemOffset(b.list, second, b.offset),
		Problem: b.list[second].Type.String() + " a second time, after extensions[" + strconv.Itoa(first) + "]",
	}
}

// path names the extension at position i.
func (b extensionBlock) path(i int) string {
	name := b.in.Heading()
	if b.entry >= 0 {
		name += ".certificate_list[" + strconv.Itoa(b.entry) + "]"
	}
	return name + ".extensions[" + strconv.Itoa(i) + "]"
}
