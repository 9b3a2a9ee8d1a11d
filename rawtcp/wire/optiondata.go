// What TCP options hold, field by field.

package wire

import "github.com/rawshake/rawshake/field"

// Fields returns what the option holds as the tree that a recorder keeps of it, in
// which offsets count from the data's first byte.
func (o Option) Fields() *field.Node {
	c := field.Record(o.Kind.String(), o.Data)
	decodeOptionData(&c, o.Kind, len(o.Data))
	return c.Tree()
}

// decodeOptionData reads an option's n bytes of data by the names that its
// RFC gives them, or as plain data where the length does not fit the kind.
func decodeOptionData(c *field.Cursor, kind OptionKind, n int) {
	switch {
	case kind == OptMSS && n == 2:
		c.Uint16("maximum_segment_size")
	case kind == OptWindowScale && n == 1:
		c.Uint8("shift_count")
	case kind == OptTimestamps && n == 8:
		c.Uint32("TSval")
		c.Uint32("TSecr")
	case kind == OptSACK && n%8 == 0:
		for range n / 8 {
			c.Uint32("left_edge")
			c.Uint32("right_edge")
		}
	case n > 0:
		decodeLaterOption(c, kind, n)
	}
}

// decodeLaterOption reads the data of the options that are only read.
func decodeLaterOption(c *field.Cursor, kind OptionKind, n int) {
	switch {
	case kind == OptMD5 && n == 16:
		c.Bytes("MD5_digest", n)
	case kind == OptAO && n >= 2:
		c.Uint8("key_ID")
		c.Uint8("receive_next_key_ID")
		dataIf(c, "MAC", n-2)
	case kind == OptFastOpen && n >= 4 && n <= 16 && n%2 == 0:
		c.Bytes("fast_open_cookie", n)
	case (kind == OptAccECN0 || kind == OptAccECN1) && n <= 9 && n%3 == 0:
		for i := range n / 3 {
			c.Uint24(accECNOrder(kind)[i])
		}
	case kind == OptMPTCP:
		decodeMPTCP(c, n)
	default:
		c.Bytes("data", n)
	}
}

// accECNOrder names the counters of an AccECN option, of which the last ones may be
// absent (RFC 9768, section 3.2.3).
func accECNOrder(kind OptionKind) [3]string {
	if kind == OptAccECN0 {
		return [3]string{"EE0B", "ECEB", "EE1B"}
	}
	return [3]string{"EE1B", "ECEB", "EE0B"}
}

// dataIf reads n bytes, unless there are none.
func dataIf(c *field.Cursor, name string, n int) {
	if n > 0 {
		c.Bytes(name, n)
	}
}
