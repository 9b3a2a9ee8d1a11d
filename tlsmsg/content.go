// The contents of ChangeCipherSpec and alert records.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// Decode reads the content of a ChangeCipherSpec record, all that is left in
// the cursor's group (RFC 5246, section 7.1). The byte that it holds is 1 by
// definition; the caller refuses other values.
func (m *ChangeCipherSpec) Decode(c *field.Cursor) error {
	m.Value = c.Uint8("type")
	if m.Value == 1 {
		c.Means("change_cipher_spec")
	}
	return c.End()
}

// Append appends the record's content.
func (m ChangeCipherSpec) Append(b []byte) []byte { return append(b, m.Value) }

// Decode reads one alert, all that is left in the cursor's group (RFC 5246,
// section 7.2).
func (m *Alert) Decode(c *field.Cursor) error {
	m.Level = field.Enum8[AlertLevel](c, "level")
	m.Description = field.Enum8[AlertDescription](c, "description")
	return c.End()
}

// Append appends the record's content.
func (m Alert) Append(b []byte) []byte { return append(b, byte(m.Level), byte(m.Description)) }

// String returns level and description: "fatal handshake_failure".
func (m Alert) String() string { return m.Level.String() + " " + m.Description.String() }

// ParseChangeCipherSpec decodes the content of a ChangeCipherSpec record.
func ParseChangeCipherSpec(fragment []byte) (m ChangeCipherSpec, err error) {
	c := field.New("ChangeCipherSpec", fragment)
	err = m.Decode(&c)
	return m, err
}

// ParseAlert decodes the content of an alert record that holds one alert.
func ParseAlert(fragment []byte) (m Alert, err error) {
	c := field.New("Alert", fragment)
	err = m.Decode(&c)
	return m, err
}
