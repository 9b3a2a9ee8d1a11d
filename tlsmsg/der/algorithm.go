// AlgorithmIdentifiers, and the parameters of RSASSA-PSS.

package der

// An Algorithm is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
type Algorithm struct {
	Type       string // the identifier in dotted form; empty: not read
	Parameters []byte // the element as it is; nil: none
	PSS        *PSS   // the parameters of RSASSA-PSS

	raw []byte
}

// Name returns the algorithm's name, or its identifier if it is not known here.
func (a *Algorithm) Name() string { return nameOf(a.Type) }

// PSS are RSASSA-PSS-params (RFC 4055, section 3.1), with their defaults.
type PSS struct {
	Hash, MaskHash string // names, or identifiers in dotted form
	SaltLength     int
	Trailer        int
}

const (
	oidPSS  = "1.2.840.113549.1.1.10"
	oidRSA  = "1.2.840.113549.1.1.1"
	oidEC   = "1.2.840.10045.2.1"
	oidDSA  = "1.2.840.10040.4.1"
	oidSHA1 = "1.3.14.3.2.26"
)

// algorithm reads one that says how a certificate is signed.
func (d *decoder) algorithm(name string) (a Algorithm) {
	d.within(name, func() { a = d.identifier(name) })
	return a
}

// identifier reads one AlgorithmIdentifier.
func (d *decoder) identifier(name string) (a Algorithm) {
	ahead, from := d.Ahead(), d.Offset()
	d.sequence(name, func(d *decoder) {
		d.element("oid", func(d *decoder, t tag) { a.Type = dotted(d.value(t)) })
		if !d.More() {
			return
		}
		a.Parameters = d.Ahead()
		switch {
		case a.Type == oidPSS && d.next().constructed():
			d.element("parameters", func(d *decoder, _ tag) { a.PSS = d.pss() })
		default:
			d.element("parameters", value)
		}
	})
	a.raw = ahead[:min(d.Offset()-from, len(ahead))]
	return a
}

// pss reads RSASSA-PSS-params.
func (d *decoder) pss() *PSS {
	p := &PSS{Hash: nameOf(oidSHA1), MaskHash: nameOf(oidSHA1), SaltLength: 20, Trailer: 1}
	d.optional(context(0), "hashAlgorithm", func(d *decoder, _ tag) { p.Hash = d.hash("algorithm") })
	d.optional(context(1), "maskGenAlgorithm", func(d *decoder, _ tag) {
		d.sequence("algorithm", func(d *decoder) {
			d.element("oid", value)
			p.MaskHash = d.hash("parameters")
		})
	})
	d.optional(context(2), "saltLength", func(d *decoder, _ tag) { d.element("octets", d.into(&p.SaltLength)) })
	d.optional(context(3), "trailerField", func(d *decoder, _ tag) { d.element("number", d.into(&p.Trailer)) })
	d.noteIf(p.Trailer != 1 || p.Hash != p.MaskHash || p.SaltLength < 0, OddPSS)
	return p
}

func (d *decoder) hash(name string) string {
	a := d.identifier(name)
	return a.Name()
}

// into reads an INTEGER that should be small.
func (d *decoder) into(n *int) func(*decoder, tag) {
	return func(d *decoder, t tag) {
		if v := d.number(t); v.IsInt64() && v.BitLen() < 31 {
			*n = int(v.Int64())
		} else {
			*n = -1
		}
	}
}
