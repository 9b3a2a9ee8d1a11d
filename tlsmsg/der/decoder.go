// The decoder: a cursor, and what has been found out on the way.

package der

import "github.com/rawshake/rawshake/field"

// A decoder reads through its cursor, and keeps what a certificate says and
// what is wrong with it.
type decoder struct {
	*field.Cursor
	says *Description // never nil
	part string       // the part of the certificate that is being read, for anomalies
	sub  *decoder     // reads what a byte string holds
	raw  field.Cursor // sub's
}

// whole decodes data with body into a tree of its own.
func whole(name string, data []byte, body func(*decoder)) *field.Node {
	c := field.Record(name, data)
	d := decoder{Cursor: &c, says: new(Description)}
	body(&d)
	c.Done()
	return c.Whole()
}

// inside decodes the byte string read last again, as what it holds. Errors in
// there do not affect the outer decode; the first is returned.
func (d *decoder) inside(name string, data []byte, body func(*decoder)) error {
	if d.Err() != nil || len(data) == 0 {
		return nil
	}
	if d.sub == nil {
		d.sub = &decoder{says: d.says}
	}
	s := d.sub
	s.raw, s.part = field.New(name, data), d.part
	if d.Recording() {
		s.raw = field.Record(name, data)
	}
	s.Cursor = &s.raw
	body(s)
	err := s.Done()
	if d.Recording() {
		d.Graft(s.Whole())
	}
	return err
}

// within names the part of the certificate that body reads.
func (d *decoder) within(part string, body func()) {
	outer := d.part
	d.part = part
	body()
	d.part = outer
}

// note says that the part that is being read has an anomaly, once.
func (d *decoder) note(a Anomaly) { d.says.note(a, d.part) }

// noteIf is note if something holds.
func (d *decoder) noteIf(holds bool, a Anomaly) {
	if holds {
		d.note(a)
	}
}
