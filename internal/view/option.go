// TCP options, in words and as JSON.

package view

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// optionText names an option of a SYN, except padding.
func optionText(opt wire.Option) []string {
	d := opt.Data
	switch {
	case opt.Kind == wire.OptNOP:
		return nil
	case opt.Kind == wire.OptMSS && len(d) == 2:
		return []string{fmt.Sprintf("MSS %d", int(d[0])<<8|int(d[1]))}
	case opt.Kind == wire.OptWindowScale && len(d) == 1:
		return []string{fmt.Sprintf("WS %d", d[0])}
	case opt.Kind == wire.OptSACKPermitted:
		return []string{"SACK"}
	case opt.Kind == wire.OptTimestamps:
		return []string{"TS"}
	case later[opt.Kind]:
		return []string{laterText(opt)}
	}
	return []string{opt.Kind.String()}
}

// later are the options that are shown by the fields that the decoder finds in them.
var later = map[wire.OptionKind]bool{wire.OptMD5: true, wire.OptAO: true, wire.OptMPTCP: true, wire.OptFastOpen: true,
	wire.OptAccECN0: true, wire.OptAccECN1: true}

// laterText is such an option in a few words.
func laterText(opt wire.Option) string {
	d := opt.Data
	switch opt.Kind {
	case wire.OptMPTCP:
		if subtype, ok := opt.MPTCP(); ok {
			return subtype.String()
		}
	case wire.OptAO:
		if len(d) >= 2 {
			return fmt.Sprintf("TCP-AO key %d next %d", d[0], d[1])
		}
	case wire.OptFastOpen:
		if len(d) == 0 {
			return "fast open request"
		}
	case wire.OptAccECN0, wire.OptAccECN1:
		text := "AccECN"
		for _, n := range opt.Fields().Children {
			if n.Kind == field.Uint {
				text += fmt.Sprintf(" %s %d", n.Name, n.Value)
			}
		}
		return text
	}
	return opt.Kind.String()
}

// laterValues adds the fields of such an option, by their names in lower case. Keys and
// other octets are in hexadecimal; a number of eight octets is text, since a double does
// not hold it.
func laterValues(o *plain.Object, opt wire.Option) {
	tree := opt.Fields()
	var ids []uint16
	for n := range tree.Leaves() {
		name := strings.ToLower(n.Name)
		switch {
		case name == "reserved":
		case name == "address_id":
			ids = append(ids, uint16(n.Value))
		case n.Kind == field.Bytes && name == "address":
			o.Add(name, n.Meaning)
		case n.Kind == field.Bytes:
			o.Add(name, hex.EncodeToString(opt.Data[n.Offset:n.Offset+n.Length]))
		case len(n.Children) > 0:
			bitValues(o, n)
		case strings.HasPrefix(name, "data_ack") || name == "data_sequence_number":
			o.Add(name, strconv.FormatUint(n.Value, 10))
		default:
			o.Add(name, int(n.Value))
		}
	}
	if subtype, _ := opt.MPTCP(); subtype == wire.MPRemoveAddr && ids != nil {
		o.Add("address_ids", ids)
	} else if ids != nil {
		o.Add("address_id", int(ids[0]))
	}
}

// bitValues adds the parts of a number.
func bitValues(o *plain.Object, n *field.Node) {
	for _, bits := range n.Children {
		name := strings.ToLower(bits.Name)
		switch {
		case bits.Meaning != "":
			o.Add(name, bits.Meaning)
		case bits.Width == 1:
			o.Add(name, bits.Value == 1)
		default:
			o.Add(name, int(bits.Value))
		}
	}
}

// optionValues puts options into JSON, in the order of the wire.
func optionValues(f *transcript.Frame) []plain.Object {
	list := []plain.Object{}
	o := &f.Segment.Options
	for opt := range o.All() {
		list = append(list, optionValue(f, opt))
	}
	return list
}

var optionNames = map[wire.OptionKind]string{
	wire.OptNOP: "nop", wire.OptMSS: "mss", wire.OptWindowScale: "window_scale",
	wire.OptSACKPermitted: "sack_permitted", wire.OptSACK: "sack", wire.OptTimestamps: "timestamps",
	wire.OptMD5: "md5_signature", wire.OptAO: "tcp_ao", wire.OptMPTCP: "mptcp", wire.OptFastOpen: "fast_open",
	wire.OptAccECN0: "accecn_order_0", wire.OptAccECN1: "accecn_order_1",
}

func optionValue(f *transcript.Frame, opt wire.Option) plain.Object {
	var v plain.Object
	v.Add("kind", int(opt.Kind))
	if name, ok := optionNames[opt.Kind]; ok {
		v.Add("name", name)
	}
	d := opt.Data
	switch {
	case opt.Kind == wire.OptMSS && len(d) == 2:
		v.Add("value", int(d[0])<<8|int(d[1]))
	case opt.Kind == wire.OptWindowScale && len(d) == 1:
		v.Add("value", int(d[0]))
	case opt.Kind == wire.OptTimestamps && len(d) == 8:
		val, ecr := be32(d), be32(d[4:])
		v.Add("tsval", val)
		v.Add("tsecr", ecr)
	case opt.Kind == wire.OptSACK && len(d)%8 == 0:
		blocks := []plain.Object{}
		for ; len(d) >= 8; d = d[8:] {
			var b plain.Object
			b.Add("left", relativeTo(f, wire.Seq(be32(d))))
			b.Add("right", relativeTo(f, wire.Seq(be32(d[4:]))))
			blocks = append(blocks, b)
		}
		v.Add("blocks", blocks)
	case later[opt.Kind]:
		laterValues(&v, opt)
	case len(d) > 0:
		v.Add("data", hex.EncodeToString(d))
	}
	return v
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
