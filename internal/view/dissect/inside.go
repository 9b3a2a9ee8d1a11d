// What a compressed message holds.

package dissect

import (
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Inside returns the Certificate that a CompressedCertificate holds (RFC 8879, section
// 4), as a message that was never sent in this form; nil for any other message, and for
// one that does not decompress within its bounds.
func Inside(m *transcript.Message) *transcript.Message {
	if m.Content != tlsmsg.ContentHandshake || m.Type != tlsmsg.TypeCompressedCertificate || m.Sealed {
		return nil
	}
	msg, err := m.Handshake()
	compressed, ok := msg.(*tlsmsg.CompressedCertificate)
	if err != nil || !ok {
		return nil
	}
	certificate, err := worker.Decompress(compressed)
	if err != nil {
		return nil
	}
	inside := *m
	inside.Type, inside.Decompressed = tlsmsg.TypeCertificate, true
	inside.Raw = tlsmsg.Append(nil, certificate, m.Context)
	return &inside
}
