// DER's primitive types, and contents that have no names here.

package der

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rawshake/rawshake/field"
)

// maxInside bounds the nesting to which contents without names are decoded.
const maxInside = 4

// value reads contents of any type.
func value(c *field.Cursor, t tag) { nested(c, t, maxInside) }

// anything reads the elements that are left, by the names of their types.
func anything(c *field.Cursor) { unknown(c, maxInside) }

func unknown(c *field.Cursor, depth int) {
	for c.More() {
		c.Element()
		element(c, next(c).String(), func(c *field.Cursor, t tag) { nested(c, t, depth) })
	}
}

func nested(c *field.Cursor, t tag, depth int) {
	if t.constructed() && depth > 0 {
		unknown(c, depth-1)
		return
	}
	primitive(c, t)
}

// primitive reads contents that are not elements.
func primitive(c *field.Cursor, t tag) {
	if t == tagBitString && c.More() {
		c.Uint8("unused_bits")
		c.Rest("bits")
		return
	}
	b := c.Rest("value")
	if c.Err() == nil {
		c.Means(meaning(t, b))
	}
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
		return moment(t, string(b))
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
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n.String()
}

// moment reads a time (RFC 5280, section 4.1.2.5).
func moment(t tag, s string) string {
	layout := "20060102150405Z"
	if t == tagUTCTime {
		layout = "060102150405Z"
	}
	at, err := time.Parse(layout, s)
	if err != nil {
		return ""
	}
	if t == tagUTCTime && at.Year() >= 2050 { // two digits: 1950 to 2049
		at = at.AddDate(-100, 0, 0)
	}
	return at.Format("2006-01-02 15:04:05") + " UTC"
}

func bmp(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return string(utf16.Decode(units))
}
