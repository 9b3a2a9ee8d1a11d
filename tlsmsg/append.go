// Encoders append to a caller's slice. A vector is written by leaving room for
// its length, appending the content, and closing it.

package tlsmsg

import "encoding/binary"

// This is how a vector with a 16-bit length is written:
//
//	b, at := open16(b)
//	b = append(b, content...)
//	b = close16(b, at)
//
// Content that is too long for its length field is cut at the field's limit: an
// encoder returns no error, and a value whose size a peer chose (a session
// ticket) must not make it panic.

func open8(b []byte) ([]byte, int)  { return append(b, 0), len(b) + 1 }
func open16(b []byte) ([]byte, int) { return append(b, 0, 0), len(b) + 2 }
func open24(b []byte) ([]byte, int) { return append(b, 0, 0, 0), len(b) + 3 }

func close8(b []byte, at int) []byte {
	b = b[:min(len(b), at+1<<8-1)]
	b[at-1] = byte(len(b) - at)
	return b
}

func close16(b []byte, at int) []byte {
	b = b[:min(len(b), at+1<<16-1)]
	binary.BigEndian.PutUint16(b[at-2:], uint16(len(b)-at))
	return b
}

func close24(b []byte, at int) []byte {
	b = b[:min(len(b), at+1<<24-1)]
	n := len(b) - at
	b[at-3], b[at-2], b[at-1] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

func append16[T ~uint16](b []byte, v T) []byte { return append(b, byte(v>>8), byte(v)) }

func append32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

func appendOpaque8[T ~string | ~[]byte](b []byte, v T) []byte {
	b, at := open8(b)
	return close8(append(b, v...), at)
}

func appendOpaque16[T ~string | ~[]byte](b []byte, v T) []byte {
	b, at := open16(b)
	return close16(append(b, v...), at)
}

func appendOpaque24(b, v []byte) []byte {
	b, at := open24(b)
	return close24(append(b, v...), at)
}

// appendList8 appends a vector of one-byte numbers.
func appendList8[T ~uint8](b []byte, list []T) []byte {
	b, at := open8(b)
	for _, v := range list {
		b = append(b, byte(v))
	}
	return close8(b, at)
}

// appendList16 appends a vector of 16-bit numbers with a two-byte length.
func appendList16[T ~uint16](b []byte, list []T) []byte {
	b, at := open16(b)
	for _, v := range list {
		b = append16(b, v)
	}
	return close16(b, at)
}

// appendOpaqueList16 appends a vector of vectors, each with a two-byte length.
func appendOpaqueList16(b []byte, list [][]byte) []byte {
	b, at := open16(b)
	for _, v := range list {
		b = appendOpaque16(b, v)
	}
	return close16(b, at)
}
