// The numbers of pcapng (draft-ietf-opsawg-pcapng), and the pieces that a block
// is made of.

package capture

import (
	"encoding/binary"
	"math"
	"time"
)

// Block types (section 4; IANA has no registry yet).
const (
	blockInterface  = 0x00000001
	blockPacket     = 0x00000002 // obsolete
	blockSimple     = 0x00000003
	blockStatistics = 0x00000005
	blockEnhanced   = 0x00000006
	blockSecrets    = 0x0000000a
	blockSection    = 0x0a0d0d0a // a palindrome: the same in either byte order
)

func blockName(t uint32) string {
	switch t {
	case blockInterface:
		return "Interface Description"
	case blockPacket:
		return "Packet"
	case blockSimple:
		return "Simple Packet"
	case blockStatistics:
		return "Interface Statistics"
	case blockEnhanced:
		return "Enhanced Packet"
	case blockSecrets:
		return "Decryption Secrets"
	case blockSection:
		return "Section Header"
	}
	return "of another kind"
}

const byteOrderMagic uint32 = 0x1a2b3c4d

const (
	blockOverhead    = 12         // type, and the length twice
	secretsTLSKeyLog = 0x544c534b // "TLSK"
)

// Options. The first two may stand in any block; the rest are named for theirs.
const (
	optEnd     = 0
	optComment = 1

	optSectionHardware    = 2
	optSectionOS          = 3
	optSectionApplication = 4

	optInterfaceName        = 2
	optInterfaceDescription = 3
	optInterfaceResolution  = 9
	optInterfaceOS          = 12
	optInterfaceOffset      = 14
)

// padded rounds n up to a multiple of four, to which everything is aligned.
func padded(n int) int { return (n + 3) &^ 3 }

// appendBlock appends a block to b.
func appendBlock(b []byte, typ uint32, body []byte) []byte {
	n := uint32(blockOverhead + padded(len(body)))
	b = order.AppendUint32(b, typ)
	b = order.AppendUint32(b, n)
	b = appendPadded(b, body)
	return order.AppendUint32(b, n)
}

// order is the byte order in which blocks are written here.
var order = binary.LittleEndian

func appendPadded[T string | []byte](b []byte, data T) []byte {
	b = append(b, data...)
	return append(b, make([]byte, padded(len(data))-len(data))...)
}

// appendOption appends an option. An empty one is left out, and one that is too
// long is cut.
func appendOption(b []byte, code uint16, value string) []byte {
	if value == "" {
		return b
	}
	value = value[:min(len(value), math.MaxUint16)]
	b = order.AppendUint16(b, code)
	b = order.AppendUint16(b, uint16(len(value)))
	return appendPadded(b, value)
}

// endOptions ends a list of options, if there were any since from.
func endOptions(b []byte, from int) []byte {
	if len(b) == from {
		return b
	}
	return append(b, optEnd, 0, 0, 0)
}

// appendTime appends a timestamp in nanoseconds, its upper half first.
func appendTime(b []byte, at time.Time) []byte {
	v := uint64(at.UnixNano())
	b = order.AppendUint32(b, uint32(v>>32))
	return order.AppendUint32(b, uint32(v))
}
