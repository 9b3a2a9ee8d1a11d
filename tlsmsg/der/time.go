// The two times of a certificate, in any form.

package der

import (
	"strings"
	"time"
)

// A Moment is one of the two times of a certificate.
type Moment struct {
	time.Time        // in UTC; zero if Text is not a time
	Text      string // as it is in the certificate
}

// strictLayout is the one form of GeneralizedTime that RFC 5280 (section
// 4.1.2.5.2) allows. UTCTime has two digits fewer. looseLayouts are other forms
// that ASN.1 has: with an offset, without seconds, without a time zone. A
// fraction of a second needs no layout of its own.
const strictLayout = "20060102150405Z"

var looseLayouts = []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700", "20060102150405", "200601021504", "2006010215"}

// time reads a time. It notes a form that RFC 5280 does not allow.
func (d *decoder) time(t tag) Moment {
	b := d.primitive(t)
	m := momentOf(t, b)
	switch strict := len(m.Text) == len(strictLayout)-century(t) && strings.HasSuffix(m.Text, "Z"); {
	case m.IsZero():
		d.note(BadTime)
	case !strict:
		d.note(LooseTime)
	}
	d.noteIf(t == tagGeneralizedTime && !m.IsZero() && m.Year() < 2050 && m.Year() >= 1950, LongTime)
	return m
}

// century is how many digits of the year a type leaves out.
func century(t tag) int {
	if t == tagUTCTime {
		return 2
	}
	return 0
}

func momentOf(t tag, b []byte) (m Moment) {
	m.Text = string(b)
	if t != tagUTCTime && t != tagGeneralizedTime {
		return m
	}
	in := strings.Replace(m.Text, ",", ".", 1) // ISO 8601 has both
	for _, layout := range looseLayouts {
		at, err := time.Parse(layout[century(t):], in)
		if err != nil {
			continue
		}
		if t == tagUTCTime && at.Year() >= 2050 { // two digits: 1950 to 2049
			at = at.AddDate(-100, 0, 0)
		}
		m.Time = at.UTC()
		return m
	}
	return m
}
