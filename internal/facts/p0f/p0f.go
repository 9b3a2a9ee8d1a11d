// Package p0f writes what a SYN or SYN-ACK looks like in the notation of p0f 3's
// signatures, by which TCP stacks can be told apart:
// version:ttl+distance:olen:mss:wsize,scale:olayout:quirks:pclass.
package p0f

import (
	"strconv"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Quirks are properties of a segment's headers that few stacks have.
type Quirks uint16

// The quirks, in the order in which they are written.
const (
	DF       Quirks = 1 << iota // do not fragment (IPv4)
	IDSet                       // an IP ID although it is not needed
	IDZero                      // none although it is
	ECN                         // explicit congestion notification
	Flow                        // a flow label (IPv6)
	SeqZero                     // a sequence number of 0
	AckSet                      // an acknowledgment number without ACK
	AckZero                     // ACK with the number 0
	UrgSet                      // an urgent pointer without URG
	Urg                         // URG
	Push                        // PSH
	StampOff                    // a timestamp of its own that is 0
	PeerOn                      // a SYN's timestamp of the peer that is not 0
	AfterEnd                    // octets that are not 0 behind the end of the options
	BigScale                    // a window scale above 14
	BadOpts                     // options that cannot be read
)

var quirkNames = [...]string{"df", "id+", "id-", "ecn", "flow", "seq-", "ack+", "ack-", "uptr+", "urgf+", "pushf+", "ts1-", "ts2+", "opt+", "exws", "bad"}

// Of finds the quirks of a SYN or SYN-ACK.
func Of(h *wire.IP, s *wire.Segment) (q Quirks) {
	is := func(holds bool, quirk Quirks) {
		if holds {
			q |= quirk
		}
	}
	if h.Version == 4 {
		is(h.DontFragment, DF)
		is(h.DontFragment && h.Fragment.ID != 0, IDSet)
		is(!h.DontFragment && h.Fragment.ID == 0, IDZero)
	}
	is(h.Version == 6 && h.FlowLabel != 0, Flow)
	is(h.TrafficClass&3 != 0 || s.Flags.Any(wire.ECE|wire.CWR|wire.AE), ECN)
	is(s.Seq == 0, SeqZero)
	is(s.Flags.Has(wire.ACK) && s.Ack == 0, AckZero)
	is(!s.Flags.Has(wire.ACK) && s.Ack != 0, AckSet)
	is(s.Flags.Has(wire.URG), Urg)
	is(!s.Flags.Has(wire.URG) && s.Urgent != 0, UrgSet)
	is(s.Flags.Has(wire.PSH), Push)
	return q | ofOptions(s)
}

func ofOptions(s *wire.Segment) (q Quirks) {
	if own, peer, ok := s.Options.Timestamps(); ok {
		if own == 0 {
			q |= StampOff
		}
		if peer != 0 && !s.Flags.Has(wire.ACK) {
			q |= PeerOn
		}
	}
	if scale, ok := s.Options.WindowScale(); ok && scale > 14 {
		q |= BigScale
	}
	return q
}

// A Signature is what is kept of a segment to write its signature later.
type Signature struct {
	Version   uint8 // of IP
	TTL       uint8 // as it arrived
	IPOptions uint8 // octets of IPv4 options
	Window    uint16
	Payload   bool
	Quirks    Quirks
	Options   wire.Options
}

// String is the signature as text.
func (s *Signature) String() string { return string(s.AppendTo(nil)) }

// AppendTo appends the signature to b.
func (s *Signature) AppendTo(b []byte) []byte {
	mss, _ := s.Options.MSS()
	scale, _ := s.Options.WindowScale()
	first := initial(s.TTL)
	b = number(b, int(s.Version))
	b = number(append(b, ':'), first)
	b = number(append(b, '+'), first-int(s.TTL))
	b = number(append(b, ':'), int(s.IPOptions))
	b = number(append(b, ':'), int(mss))
	b = s.appendWindow(append(b, ':'), int(mss))
	b = number(append(b, ','), int(scale))
	b, bad := appendLayout(append(b, ':'), &s.Options)
	b = appendQuirks(append(b, ':'), s.Quirks|bad)
	if s.Payload {
		return append(b, ":+"...)
	}
	return append(b, ":0"...)
}

func number(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// initial is the TTL that a host most likely sent with.
func initial(ttl uint8) int {
	for _, n := range []int{32, 64, 128} {
		if int(ttl) <= n {
			return n
		}
	}
	return 255
}

// Headers without options.
const (
	headers4 = 20 + 20
	headers6 = 40 + 20
	stamps   = 12 // octets of the timestamps option, with its padding
	ethernet = 1500
)

// appendWindow appends the window, as a multiple of the segment or packet size
// if it is one.
func (s *Signature) appendWindow(b []byte, mss int) []byte {
	w := int(s.Window)
	if w == 0 || mss < 100 {
		return number(b, w)
	}
	headers := headers4
	if s.Version == 6 {
		headers = headers6
	}
	stamped := mss
	if _, _, ok := s.Options.Timestamps(); ok {
		stamped -= stamps
	}
	for _, size := range [...]int{mss, stamped, ethernet - headers, ethernet - headers - stamps} {
		if w%size == 0 {
			return number(append(b, "mss*"...), w/size)
		}
	}
	for _, size := range [...]int{mss + headers, ethernet} {
		if w%size == 0 {
			return number(append(b, "mtu*"...), w/size)
		}
	}
	return number(b, w)
}

var optionNames = map[wire.OptionKind]string{wire.OptNOP: "nop", wire.OptMSS: "mss", wire.OptWindowScale: "ws",
	wire.OptSACKPermitted: "sok", wire.OptSACK: "sack", wire.OptTimestamps: "ts"}

// appendLayout writes the options in their order, and finds what is wrong with
// them.
func appendLayout(b []byte, o *wire.Options) (_ []byte, bad Quirks) {
	if o.Malformed() {
		bad |= BadOpts
	}
	start, used := len(b), 0
	for opt := range o.All() {
		name, ok := optionNames[opt.Kind]
		if !ok {
			name = "?" + strconv.Itoa(int(opt.Kind))
		}
		b = append(append(b, name...), ',')
		used++
		if opt.Kind != wire.OptNOP {
			used += 1 + len(opt.Data)
		}
	}
	rest := o.Raw()[used:]
	if len(rest) > 0 && wire.OptionKind(rest[0]) == wire.OptEOL {
		b = append(number(append(b, "eol+"...), len(rest)-1), ',')
		for _, x := range rest {
			if x != 0 {
				bad |= AfterEnd
			}
		}
	}
	if len(b) > start {
		b = b[:len(b)-1]
	}
	return b, bad
}

func appendQuirks(b []byte, q Quirks) []byte {
	for i, name := range quirkNames {
		if q>>i&1 == 0 {
			continue
		}
		if b[len(b)-1] != ':' {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	return b
}
