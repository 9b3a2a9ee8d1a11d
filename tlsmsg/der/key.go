// Public keys: of what kind, and of what size.

package der

import "math/big"

// A Key is what SubjectPublicKeyInfo says (RFC 5280, section 4.1.2.7).
type Key struct {
	Algorithm Algorithm
	Kind      string   // RSA, RSASSA-PSS, ECDSA, Ed25519, Ed448, DSA, ML-DSA-65, …; or the identifier
	Bits      int      // of the modulus, the prime or the curve; 0: not known
	Curve     string   // secp256r1, …; or the identifier; "explicit": by its parameters
	Exponent  *big.Int // of RSA, or nil
	Raw       []byte   // SubjectPublicKeyInfo, with its tag and length
}

// keyKinds are the algorithms of keys (RFC 3279, RFC 4055, RFC 8410, RFC 9215,
// RFC 9881, RFC 9909, RFC 9935).
var keyKinds = map[string]string{
	oidRSA: "RSA", oidPSS: "RSASSA-PSS", "1.2.840.113549.1.1.7": "RSAES-OAEP", oidEC: "ECDSA", oidDSA: "DSA",
	"1.2.840.10046.2.1": "DH", "1.2.840.113549.1.3.1": "DH", "1.3.132.1.12": "ECDH",
	"1.3.101.110": "X25519", "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
	"1.2.643.2.2.19": "GOST R 34.10-2001", "1.2.643.7.1.1.1.1": "GOST R 34.10-2012 (256 bits)",
	"1.2.643.7.1.1.1.2":       "GOST R 34.10-2012 (512 bits)",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"2.16.840.1.101.3.4.4.1": "ML-KEM-512", "2.16.840.1.101.3.4.4.2": "ML-KEM-768", "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
	"2.16.840.1.101.3.4.3.20": "SLH-DSA-SHA2-128s", "2.16.840.1.101.3.4.3.21": "SLH-DSA-SHA2-128f",
	"2.16.840.1.101.3.4.3.22": "SLH-DSA-SHA2-192s", "2.16.840.1.101.3.4.3.23": "SLH-DSA-SHA2-192f",
	"2.16.840.1.101.3.4.3.24": "SLH-DSA-SHA2-256s", "2.16.840.1.101.3.4.3.25": "SLH-DSA-SHA2-256f",
	"2.16.840.1.101.3.4.3.26": "SLH-DSA-SHAKE-128s", "2.16.840.1.101.3.4.3.27": "SLH-DSA-SHAKE-128f",
	"2.16.840.1.101.3.4.3.28": "SLH-DSA-SHAKE-192s", "2.16.840.1.101.3.4.3.29": "SLH-DSA-SHAKE-192f",
	"2.16.840.1.101.3.4.3.30": "SLH-DSA-SHAKE-256s", "2.16.840.1.101.3.4.3.31": "SLH-DSA-SHAKE-256f",
}

// keyBits are the sizes of keys whose algorithm has only one.
var keyBits = map[string]int{
	"X25519": 253, "Ed25519": 256, "X448": 448, "Ed448": 456,
	"GOST R 34.10-2001": 256, "GOST R 34.10-2012 (256 bits)": 256, "GOST R 34.10-2012 (512 bits)": 512,
}

// curveBits are the sizes of the orders of curves (SEC 2, RFC 5639, GB/T
// 32918.5).
var curveBits = map[string]int{
	"secp160k1": 161, "secp160r1": 161, "secp160r2": 161, "secp192k1": 192, "secp192r1": 192, "secp224k1": 225,
	"secp224r1": 224, "secp256k1": 256, "secp256r1": 256, "secp384r1": 384, "secp521r1": 521,
	"secp112r1": 112, "secp112r2": 110, "secp128r1": 128, "secp128r2": 126,
	"sect163k1": 163, "sect163r1": 162, "sect163r2": 163, "sect233k1": 232, "sect233r1": 233, "sect239k1": 238,
	"sect283k1": 281, "sect283r1": 282, "sect409k1": 407, "sect409r1": 409, "sect571k1": 570, "sect571r1": 570,
	"brainpoolP160r1": 160, "brainpoolP192r1": 192, "brainpoolP224r1": 224, "brainpoolP256r1": 256,
	"brainpoolP320r1": 320, "brainpoolP384r1": 384, "brainpoolP512r1": 512,
	"brainpoolP160t1": 160, "brainpoolP192t1": 192, "brainpoolP224t1": 224, "brainpoolP256t1": 256,
	"brainpoolP320t1": 320, "brainpoolP384t1": 384, "brainpoolP512t1": 512,
	"sm2p256v1": 256,
}

func (d *decoder) subjectPublicKeyInfo() {
	k := &d.says.Key
	ahead, from := d.Ahead(), d.Offset()
	d.sequence("subjectPublicKeyInfo", func(d *decoder) {
		k.Algorithm = d.keyAlgorithm(k)
		if k.Kind = keyKinds[k.Algorithm.Type]; k.Kind == "" {
			k.Kind = k.Algorithm.Type
			d.noteIf(k.Kind != "", UnknownKey)
		}
		k.Bits = max(k.Bits, keyBits[k.Kind])
		d.element("subjectPublicKey", (*decoder).publicKey)
	})
	if d.Err() == nil {
		k.Raw = ahead[:d.Offset()-from]
	}
	if k.Curve == "sm2p256v1" {
		k.Kind = "SM2"
	}
}

// keyAlgorithm reads a key's algorithm, whose parameters may be its curve.
func (d *decoder) keyAlgorithm(k *Key) (a Algorithm) {
	ahead := d.Ahead()
	if t, parameters := d.parametersAhead(); t == oidEC && len(parameters) > 0 && tag(parameters[0]) == tagSequence {
		d.sequence("algorithm", func(d *decoder) {
			a.Type = t
			d.element("oid", value)
			a.Parameters = d.Ahead()
			d.sequence("parameters", func(d *decoder) { d.explicitCurve(k) })
		})
		a.raw = ahead
		return a
	}
	a = d.identifier("algorithm")
	switch a.Type {
	case oidEC:
		d.curve(k, a.Parameters)
	case oidDSA:
		k.Bits = primeBits(a.Parameters)
	case oidRSA:
		d.noteIf(len(a.Parameters) == 0, MissingParameters)
	}
	return a
}

// parametersAhead looks at the algorithm that comes next.
func (d *decoder) parametersAhead() (id string, parameters []byte) {
	c := d.Trial()
	t := decoder{Cursor: &c, says: new(Description)}
	t.sequence("algorithm", func(t *decoder) {
		t.element("oid", func(t *decoder, as tag) { id = dotted(t.value(as)) })
		parameters = t.Ahead()
		t.Rest("parameters")
	})
	return id, parameters
}

// curve takes note of a named curve.
func (d *decoder) curve(k *Key, parameters []byte) {
	id := ""
	if b, ok := only(parameters); ok && tag(parameters[0]) == tagOID {
		id = dotted(b)
	}
	k.Curve = nameOf(id)
	k.Bits = curveBits[k.Curve]
	d.noteIf(id == "", MissingParameters)
	d.noteIf(id != "" && k.Bits == 0, UnknownCurve)
}

// explicitCurve reads a curve that is given by its numbers (X9.62; RFC 3279,
// section 2.3.5), which RFC 5480 forbids.
func (d *decoder) explicitCurve(k *Key) {
	k.Curve = "explicit"
	d.note(ExplicitCurve)
	d.element("version", value)
	d.element("fieldID", value)
	d.element("curve", value)
	d.element("base", value)
	d.element("order", func(d *decoder, t tag) { k.Bits = d.number(t).BitLen() })
	if d.More() {
		d.element("cofactor", value)
	}
}

// primeBits is the size of the first number of a key's parameters.
func primeBits(parameters []byte) int {
	b, ok := only(parameters)
	if !ok || len(b) == 0 || tag(b[0]) != tagInteger {
		return 0
	}
	if n, ok := sizeOf(b, 1); ok {
		if b, ok = only(b[:n]); ok {
			return signed(b).BitLen()
		}
	}
	return 0
}

// publicKey decodes an RSA key, which is a structure (RFC 8017, appendix
// A.1.1). A point on a curve is not.
func (d *decoder) publicKey(t tag) {
	k := &d.says.Key
	b := d.bitString(t, "RSAPublicKey", func(d *decoder) {
		var modulus, exponent *big.Int
		d.sequence("key", func(d *decoder) {
			d.element("modulus", func(d *decoder, t tag) { modulus = d.number(t) })
			d.element("publicExponent", func(d *decoder, t tag) { exponent = d.number(t) })
		})
		if k.Kind == "RSA" || k.Kind == "RSASSA-PSS" || k.Kind == "RSAES-OAEP" {
			d.rsa(modulus, exponent)
		}
	})
	d.noteIf(k.Kind == "RSA" && k.Exponent == nil, Unreadable)
	d.noteIf(k.Kind == "ECDSA" && k.Bits > 0 && k.Curve != "explicit" && !isPoint(b, k.Bits), BadPoint)
}

// isPoint reports whether octets have the form of a point of a curve (SEC 1,
// section 2.3.3). Whether it lies on the curve is not asked. The field's size
// is within two bits of the order's.
func isPoint(b []byte, bits int) bool {
	if len(b) == 0 {
		return false
	}
	for _, size := range []int{(bits + 7) / 8, (bits + 9) / 8, (bits + 6) / 8} {
		switch {
		case b[0] == 4 && len(b) == 1+2*size, (b[0] == 2 || b[0] == 3) && len(b) == 1+size:
			return true
		}
	}
	return false
}

// minRSABits is the least that is taken for strong today (RFC 9325, section
// 4.5).
const minRSABits = 2048

func (d *decoder) rsa(modulus, exponent *big.Int) {
	k := &d.says.Key
	if modulus == nil || exponent == nil {
		return
	}
	k.Bits, k.Exponent = modulus.BitLen(), exponent
	d.noteIf(modulus.Sign() <= 0 || modulus.Bit(0) == 0, BadModulus)
	d.noteIf(exponent.Sign() <= 0 || exponent.Bit(0) == 0 || exponent.BitLen() == 1, BadExponent)
	d.noteIf(exponent.BitLen() > 1 && exponent.BitLen() <= 16 && exponent.Bit(0) == 1, SmallExponent)
	d.noteIf(k.Bits < minRSABits, ShortKey)
}
