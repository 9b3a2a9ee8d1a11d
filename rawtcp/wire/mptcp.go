// The option of Multipath TCP (RFC 8684, section 3).

package wire

import (
	"fmt"

	"github.com/rawshake/rawshake/field"
)

// An MPTCPSubtype says what an MPTCP option is about (RFC 8684, section 9.4).
type MPTCPSubtype uint8

// The subtypes.
const (
	MPCapable MPTCPSubtype = iota
	MPJoin
	MPDSS
	MPAddAddr
	MPRemoveAddr
	MPPrio
	MPFail
	MPFastClose
	MPTCPReset
)

var mptcpNames = [...]string{"MP_CAPABLE", "MP_JOIN", "DSS", "ADD_ADDR", "REMOVE_ADDR", "MP_PRIO", "MP_FAIL", "MP_FASTCLOSE", "MP_TCPRST"}

// String returns the name, as in "MP_CAPABLE", or "subtype 15" for one without.
func (t MPTCPSubtype) String() string {
	if int(t) < len(mptcpNames) {
		return mptcpNames[t]
	}
	return fmt.Sprintf("subtype %d", uint8(t))
}

// MPTCP returns the subtype of an MPTCP option, and whether the option is one and has
// any.
func (o Option) MPTCP() (MPTCPSubtype, bool) {
	if o.Kind != OptMPTCP || len(o.Data) == 0 {
		return 0, false
	}
	return MPTCPSubtype(o.Data[0] >> 4), true
}

// decodeMPTCP reads an option's n bytes of data, at least one. What does not fit its
// subtype is plain data.
func decodeMPTCP(c *field.Cursor, n int) {
	c.Uint8("subtype_flags")
	subtype := MPTCPSubtype(c.Bits("subtype", 4, 4))
	if c.Recording() {
		c.Means(subtype.String())
	}
	end := c.Offset() + n - 1
	switch subtype {
	case MPCapable:
		decodeMPCapable(c, n)
	case MPJoin:
		decodeMPJoin(c, n)
	case MPDSS:
		decodeDSS(c, n)
	case MPAddAddr:
		decodeAddAddr(c, n)
	case MPRemoveAddr:
		for range n - 1 {
			c.Uint8("address_ID")
		}
	case MPPrio:
		c.Bits("backup", 0, 1)
		if n == 2 { // of version 0
			c.Uint8("address_ID")
		}
	case MPFail:
		if n == 10 {
			c.Uint8("reserved")
			c.Uint64("data_sequence_number")
		}
	case MPFastClose:
		if n == 10 {
			c.Uint8("reserved")
			c.Bytes("receiver_key", 8)
		}
	case MPTCPReset:
		c.Bits("transient", 0, 1)
		if n == 2 {
			c.Uint8("reason")
		}
	}
	dataIf(c, "data", end-c.Offset())
}

// decodeMPCapable reads what opens a connection (RFC 8684, section 3.1).
func decodeMPCapable(c *field.Cursor, n int) {
	c.Bits("version", 0, 4)
	switch n {
	case 2, 10, 18, 20, 22: // keys from the SYN-ACK on, the length of data with the first of it
	default:
		return
	}
	c.Uint8("flags")
	c.Bits("checksum_required", 7, 1)
	c.Bits("extensibility", 6, 1)
	c.Bits("no_subflow_to_source", 5, 1)
	c.Bits("other_algorithms", 1, 4)
	c.Bits("HMAC_SHA256", 0, 1)
	if n >= 10 {
		c.Bytes("sender_key", 8)
	}
	if n >= 18 {
		c.Bytes("receiver_key", 8)
	}
	if n >= 20 {
		c.Uint16("data_level_length")
	}
	if n == 22 {
		c.Uint16("data_checksum")
	}
}

// decodeMPJoin reads what adds a subflow: of a SYN, a SYN-ACK or an ACK, which differ in
// length (RFC 8684, section 3.2).
func decodeMPJoin(c *field.Cursor, n int) {
	switch n {
	case 10, 14:
		c.Bits("backup", 0, 1)
		c.Uint8("address_ID")
		if n == 10 {
			c.Bytes("receiver_token", 4)
		} else {
			c.Bytes("truncated_HMAC", 8)
		}
		c.Bytes("sender_random", 4)
	case 22:
		c.Uint8("reserved")
		c.Bytes("HMAC", 20)
	}
}

// decodeDSS reads where the octets of this segment belong in the stream of the whole
// connection (RFC 8684, section 3.3).
func decodeDSS(c *field.Cursor, n int) {
	if n < 2 {
		return
	}
	c.Uint8("flags")
	bit := func(name string, shift uint) bool { return c.Bits(name, shift, 1) == 1 }
	bit("DATA_FIN", 4)
	longNumber, mapping := bit("long_data_sequence_number", 3), bit("mapping_present", 2)
	longACK, ack := bit("long_data_ACK", 1), bit("data_ACK_present", 0)
	ackLen, numberLen := widthIf(ack, longACK), widthIf(mapping, longNumber)
	need := 2 + ackLen + numberLen
	if mapping {
		need += 6
	}
	if n != need && !(mapping && n == need+2) {
		return
	}
	number(c, "data_ACK", ackLen)
	if mapping {
		number(c, "data_sequence_number", numberLen)
		c.Uint32("subflow_sequence_number")
		c.Uint16("data_level_length")
		if n == need+2 {
			c.Uint16("data_checksum")
		}
	}
}

// widthIf is the length of a number that may be absent, or long.
func widthIf(present, long bool) int {
	switch {
	case !present:
		return 0
	case long:
		return 8
	}
	return 4
}

func number(c *field.Cursor, name string, width int) {
	switch width {
	case 4:
		c.Uint32(name)
	case 8:
		c.Uint64(name)
	}
}

// decodeAddAddr reads an address at which the sender can be reached as well. The length
// says of which IP version it is, and what follows it (RFC 8684, section 3.4.1).
func decodeAddAddr(c *field.Cursor, n int) {
	c.Bits("echo", 0, 1)
	size, rest := 4, n-2 // behind subtype and ID
	if rest >= 16 {
		size = 16
	}
	switch rest -= size; rest {
	case 0, 2, 8, 10:
	default:
		return
	}
	c.Uint8("address_ID")
	if size == 4 {
		addr4(c, "address")
	} else {
		addr16(c, "address")
	}
	if rest%8 == 2 {
		c.Uint16("port")
	}
	if rest >= 8 {
		c.Bytes("truncated_HMAC", 8)
	}
}
