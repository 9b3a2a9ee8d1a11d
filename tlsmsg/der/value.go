// Primitive types, and contents that have no names here.

package der

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxInside bounds the nesting to which contents without names are decoded.
const maxInside = 4

// value reads contents of any type.
func value(d *decoder, t tag) { d.value(t) }

// value reads contents of any type, and returns their octets. Those of a string
// that is given in pieces, as in BER, are joined.
func (d *decoder) value(t tag) []byte {
	if !t.constructed() {
		return d.primitive(t)
	}
	if s := t &^ constructed; s == tagOctetString || s == tagBitString {
		return d.pieces(s)
	}
	b := d.Ahead()
	d.unknown(maxInside - 1)
	return b
}

// pieces reads a string that is given in pieces (X.690, section 8.7.3).
func (d *decoder) pieces(t tag) (joined []byte) {
	d.note(ConstructedString)
	for d.More() {
		d.Element()
		d.element("piece", func(d *decoder, inner tag) {
			if inner.constructed() {
				d.unknown(maxInside - 1)
				return
			}
			joined = append(joined, d.primitive(t)...)
		})
	}
	return joined
}

// anything reads the elements that are left, by the names of their types.
func (d *decoder) anything() { d.unknown(maxInside) }

func anything(d *decoder) { d.anything() }

func (d *decoder) unknown(depth int) {
	for d.More() {
		d.Element()
		d.element(d.next().String(), func(d *decoder, t tag) {
			if t.constructed() && depth > 0 {
				d.unknown(depth - 1)
				return
			}
			d.primitive(t)
		})
	}
}

// primitive reads contents that are not elements, and returns them; of a BIT
// STRING, its bits.
func (d *decoder) primitive(t tag) []byte {
	if t == tagBitString && d.More() {
		unused := d.Uint8("unused_bits")
		b := d.Rest("bits")
		d.noteIf(unused > 7 || unused > 0 && len(b) == 0, UnusedBits)
		return b
	}
	b := d.Rest("value")
	if d.Err() != nil {
		return nil
	}
	d.canonical(t, b)
	if d.Recording() {
		d.Means(meaning(t, b))
	}
	return b
}

// canonical notes what DER has in one form only (X.690, sections 8.3.2 and 11.1).
func (d *decoder) canonical(t tag, b []byte) {
	switch t {
	case tagInteger, tagEnumerated:
		d.noteIf(len(b) == 0 || len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80), PaddedInteger)
	case tagBoolean:
		d.noteIf(len(b) != 1 || b[0] != 0 && b[0] != 0xff, LooseBoolean)
	case tagOID:
		d.noteIf(dotted(b) == "", BadOID)
	}
}

// boolean reads a BOOLEAN.
func (d *decoder) boolean(t tag) bool {
	b := d.primitive(t)
	return len(b) > 0 && b[len(b)-1] != 0
}

// number reads an INTEGER.
func (d *decoder) number(t tag) *big.Int { return signed(d.primitive(t)) }

// signed returns a two's complement number.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// meaning returns a primitive value in words, or "" if the bytes are enough. It
// may hold text from the network.
func meaning(t tag, b []byte) string {
	switch t {
	case tagBoolean:
		return map[bool]string{true: "true", false: "false"}[len(b) == 1 && b[0] != 0]
	case tagInteger, tagEnumerated:
		return integer(b)
	case tagOID:
		return oidText(b)
	case tagUTCTime, tagGeneralizedTime:
		if m := momentOf(t, b); !m.IsZero() {
			return m.UTC().Format("2006-01-02 15:04:05") + " UTC"
		}
	case tagBMPString:
		return bmp(b)
	case tagUTF8String, tagPrintableString, tagIA5String, tagTeletexString, tagVisibleString, tagNumericString:
		if utf8.Valid(b) {
			return string(b)
		}
	}
	return ""
}

// integer formats short integers in decimal, since longer ones are not read as
// numbers.
func integer(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > 8 {
		return fmt.Sprintf("%d bits", len(strings.TrimLeft(hex.EncodeToString(b), "0"))*4)
	}
	return signed(b).String()
}

// text returns a string's text, whatever its octets are. Strings of the
// single-octet types that are not valid are mostly Latin-1.
func text(t tag, b []byte) string {
	switch {
	case t == tagBMPString:
		return bmp(b)
	case t == tagUniversalString:
		return universal(b)
	case utf8.Valid(b):
		return string(b)
	case t == tagUTF8String:
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func bmp(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return string(utf16.Decode(units))
}

func universal(b []byte) string {
	runes := make([]rune, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		runes = append(runes, rune(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])))
	}
	return string(runes)
}

// fits reports whether a string has only characters of its type (X.680, section
// 41; RFC 5280, section 4.1.2.4).
func fits(t tag, b []byte) bool {
	switch t {
	case tagUTF8String:
		return utf8.Valid(b)
	case tagBMPString:
		return len(b)%2 == 0
	case tagUniversalString:
		return len(b)%4 == 0
	case tagNumericString:
		return !bytes.ContainsFunc(b, func(r rune) bool { return (r < '0' || r > '9') && r != ' ' })
	case tagPrintableString:
		return !bytes.ContainsFunc(b, func(r rune) bool { return !printable(r) })
	case tagIA5String, tagVisibleString:
		return !bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x80 })
	}
	return true
}

// printable reports whether PrintableString has a character.
func printable(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" '()+,-./:=?", r)
}
