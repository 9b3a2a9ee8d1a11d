// The "Recommended" column of the registries (RFC 8447; RFC 9847, section 3).

package tlsmsg

import "slices"

// A Recommendation is a value of that column.
type Recommendation byte

const (
	// Unregistered is of numbers that are not in the registry, or reserved.
	Unregistered Recommendation = 0
	// Recommended items are fit for what they were made for.
	Recommended Recommendation = 'Y'
	// NotRecommended items were not looked at, or are for special uses. That is
	// no reproach.
	NotRecommended Recommendation = 'N'
	// Discouraged items should not or must not be used.
	Discouraged Recommendation = 'D'
)

// String gives the column's letter, and "" of an unregistered number.
func (r Recommendation) String() string {
	if r == Unregistered {
		return ""
	}
	return string(rune(r))
}

// Recommended is the suite's value of that column.
func (s CipherSuite) Recommended() Recommendation {
	return recommendation(cipherSuites, s, recommendedSuites, discouragedSuites)
}

// Recommended is the group's value of that column.
func (g NamedGroup) Recommended() Recommendation {
	return recommendation(namedGroups, g, recommendedGroups, discouragedGroups)
}

// Recommended is the scheme's value of that column. The pairs of RFC 5246 that
// never became a scheme have none.
func (s SignatureScheme) Recommended() Recommendation {
	return recommendation(signatureSchemes, s, recommendedSchemes, nil)
}

// Recommended is the extension's value of that column.
func (t ExtensionType) Recommended() Recommendation {
	return recommendation(extensionTypes, t, recommendedExtensions, discouragedExtensions)
}

// Recommended is the mode's value of that column.
func (m PSKKeyExchangeMode) Recommended() Recommendation {
	return recommendation(pskKeyExchangeModes, m, []PSKKeyExchangeMode{PSKModeKE, PSKModeDHEKE}, nil) // RFC 9846, section 11
}

func recommendation[T ~uint8 | ~uint16](r registry[T], v T, yes, no []T) Recommendation {
	switch {
	case slices.Contains(no, v): // two of them are reserved
		return Discouraged
	case r.find(v) < 0:
		return Unregistered
	case slices.Contains(yes, v):
		return Recommended
	}
	return NotRecommended
}

// RFC 8447, section 8; RFC 9846, section 11, but for TLS_AES_128_CCM_8_SHA256,
// which the registry has as "N" by an action of the IESG.
var recommendedSuites = []CipherSuite{
	0x009E, 0x009F, 0x00AA, 0x00AB, 0x1301, 0x1302, 0x1303, 0x1304, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xC09E, 0xC09F, 0xC0A6, 0xC0A7,
	0xCCA8, 0xCCA9, 0xCCAA, 0xCCAC, 0xCCAD, 0xD001, 0xD002, 0xD005,
}

// RFC 9847, section 5.
var discouragedSuites = []CipherSuite{
	0x001E, 0x0020, 0x0021, 0x0022, 0x0024, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029, 0x002A, 0x002B, 0x002C, 0x008A, 0x00B0, 0x00B1,
	0xC006, 0xC007, 0xC010, 0xC011, 0xC033, 0xC039, 0xC03A, 0xC03B, 0xC0B4, 0xC0B5,
}

// RFC 8447, section 9; RFC 10024.
var recommendedGroups = []NamedGroup{GroupSecp256r1, GroupSecp384r1, GroupX25519, GroupX448, GroupX25519MLKEM768}

// RFC 9847, section 6.
var discouragedGroups = []NamedGroup{1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20, 21}

// RFC 9846, section 11.
var recommendedSchemes = []SignatureScheme{
	SchemeECDSASecp256r1SHA256, SchemeECDSASecp384r1SHA384, SchemeRSAPSSRSAESHA256, SchemeRSAPSSRSAESHA384, SchemeRSAPSSRSAESHA512,
	SchemeRSAPSSPSSSHA256, SchemeRSAPSSPSSSHA384, SchemeRSAPSSPSSSHA512, SchemeEd25519,
}

// RFC 8447, section 7, and RFC 9846, section 4.3, whose table holds no others.
var recommendedExtensions = []ExtensionType{
	0, 2, 3, 5, 6, 9, 10, 11, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 27, 28, 34, 35, 39, 41, 42, 43, 44, 45, 47, 48, 49, 50, 51, 52,
	55, 56, 57, 58, 64768, 65037, 65281,
}

// RFC 9847, section 4: truncated_hmac, two that are reserved, and the number that
// connection_id had in drafts.
var discouragedExtensions = []ExtensionType{4, 40, 46, 53}
