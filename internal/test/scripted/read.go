// Reads a ClientHello, and how it came.

package scripted

import (
	"errors"
	"io"
	"net"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Hello is a ClientHello that came.
type Hello struct {
	tlsmsg.ClientHello
	Len           int            // of the message, header included
	Records       int            // that it came in
	RecordVersion tlsmsg.Version // of the first

	v2       bool
	versions []tlsmsg.Version
	groups   []tlsmsg.NamedGroup
	schemes  []tlsmsg.SignatureScheme
	shares   []tlsmsg.NamedGroup
	named    bool
}

// has reports whether an extension was offered.
func (h *Hello) has(t tlsmsg.ExtensionType) bool { return tlsmsg.FindExtension(h.Extensions, t) >= 0 }

// offers reports whether a suite was.
func (h *Hello) offers(id tlsmsg.CipherSuite) bool { return slices.Contains(h.CipherSuites, id) }

// errNoHello is what ends a conversation.
var errNoHello = errors.New("no ClientHello")

// reader reads a client's messages.
type reader struct {
	conn     net.Conn
	buf      []byte
	messages tlsmsg.Assembler
}

// hello waits for a ClientHello. One of SSL 2.0 may only come first.
func (r *reader) hello(first bool) (*Hello, error) {
	h := &Hello{}
	for {
		for {
			if first && h.Records == 0 && len(r.buf) > 2 && r.buf[0]&0x80 != 0 && r.buf[2] == 1 {
				if n := 2 + int(r.buf[0]&0x7f)<<8 + int(r.buf[1]); len(r.buf) >= n {
					r.buf = r.buf[n:]
					h.v2 = true
					return h, nil
				}
				break
			}
			record, n, err := tlsmsg.NextRecord(r.buf)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				break
			}
			if record.Type == tlsmsg.ContentChangeCipherSpec && !first { // for middleboxes (RFC 9846, appendix E.4)
				r.buf = r.buf[n:]
				continue
			}
			if record.Type != tlsmsg.ContentHandshake {
				return nil, errNoHello
			}
			if h.Records++; h.Records == 1 {
				h.RecordVersion = record.Version
			}
			r.messages.Write(record.Fragment)
			r.buf = r.buf[n:]
			raw, err := r.messages.Next()
			if err != nil {
				return nil, err
			}
			if raw != nil {
				return h, h.read(raw)
			}
		}
		if err := r.more(); err != nil {
			return nil, err
		}
	}
}

func (r *reader) more() error {
	b := make([]byte, 4<<10)
	n, err := r.conn.Read(b)
	r.buf = append(r.buf, b[:n]...)
	if n > 0 || err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errNoHello
	}
	return err
}

func (h *Hello) read(raw []byte) error {
	if tlsmsg.Form(raw) != tlsmsg.TypeClientHello {
		return errNoHello
	}
	h.Len = len(raw)
	if err := tlsmsg.ParseInto(&h.ClientHello, slices.Clone(raw), tlsmsg.Context{}); err != nil {
		return err
	}
	var versions tlsmsg.SupportedVersions
	var groups tlsmsg.SupportedGroups
	var schemes tlsmsg.SignatureAlgorithms
	var shares tlsmsg.KeyShare
	for _, into := range []tlsmsg.ExtensionData{&versions, &groups, &schemes, &shares} {
		if _, err := h.DecodeExtension(into); err != nil {
			return err
		}
	}
	h.versions, h.groups, h.schemes, h.named = versions.Versions, groups.Groups, schemes.Schemes, h.has(tlsmsg.ExtensionServerName)
	for _, s := range shares.Shares {
		h.shares = append(h.shares, s.Group)
	}
	return nil
}
