// What an ICMP error message means, for both versions.

package wire

import "fmt"

// An ICMPKind is what an error message says, for both versions of ICMP.
type ICMPKind uint8

const (
	KindNoError             ICMPKind = iota // quotes no packet
	KindUnreachable                         // a network or host that cannot be reached, perhaps temporarily
	KindPortUnreachable                     // nothing listens on that port of the host
	KindProtocolUnreachable                 // the host does not speak TCP
	KindProhibited                          // a policy forbids it
	KindTooBig                              // a link on the path takes only smaller packets
	KindTimeExceeded                        // the packet's hop limit, or the time for reassembly, ran out
	KindParameterProblem                    // something is wrong with a header
)

// Kind returns what the message means, whichever version it is of.
func (m *ICMP) Kind() ICMPKind {
	if m.V6 {
		return m.kind6()
	}
	switch m.Type {
	case ICMPUnreachable:
		return kind4[min(int(m.Code), len(kind4)-1)]
	case ICMPTimeExceeded:
		return KindTimeExceeded
	case ICMPParameter:
		return KindParameterProblem
	}
	return KindNoError
}

// kind4 is what ICMPv4's codes of unreachable mean (RFC 792; RFC 1122, section
// 3.2.2.1; RFC 1812, section 5.2.7.1). The last stands for all beyond it.
var kind4 = [...]ICMPKind{
	2: KindProtocolUnreachable, 3: KindPortUnreachable, 4: KindTooBig,
	9: KindProhibited, 10: KindProhibited, 13: KindProhibited,
	0: KindUnreachable, 1: KindUnreachable, 5: KindUnreachable, 6: KindUnreachable, 7: KindUnreachable,
	8: KindUnreachable, 11: KindUnreachable, 12: KindUnreachable, 14: KindUnreachable,
}

// unrecognizedNextHeader is the code of a parameter problem with which a host
// says that it does not know a protocol (RFC 4443, section 3.4).
const unrecognizedNextHeader = 1

// kind6 is Kind for ICMPv6 (RFC 4443, section 3).
func (m *ICMP) kind6() ICMPKind {
	switch m.Type {
	case ICMPv6Unreachable:
		switch m.Code {
		case 1, 5, 6:
			return KindProhibited
		case 4:
			return KindPortUnreachable
		}
		return KindUnreachable
	case ICMPv6TooBig:
		return KindTooBig
	case ICMPv6TimeExceeded:
		return KindTimeExceeded
	case ICMPv6Parameter:
		if m.Code == unrecognizedNextHeader {
			return KindProtocolUnreachable
		}
		return KindParameterProblem
	}
	return KindNoError
}

var unreachableNames = [...]string{
	0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
	4: "fragmentation needed", 5: "source route failed", 6: "network unknown", 7: "host unknown",
	8: "source host isolated", 9: "network prohibited", 10: "host prohibited",
	11: "network unreachable for this service", 12: "host unreachable for this service",
	13: "administratively prohibited", 14: "host precedence violation", 15: "precedence cutoff",
}

var unreachableNames6 = [...]string{
	0: "no route to destination", 1: "administratively prohibited", 2: "beyond scope of source address",
	3: "address unreachable", 4: "port unreachable", 5: "source address failed ingress/egress policy",
	6: "reject route to destination",
}

// String names the message as RFC 792, RFC 1122 and RFC 1812 do, or for ICMPv6
// RFC 4443.
func (m *ICMP) String() string {
	names, unreachable := unreachableNames[:], uint8(ICMPUnreachable)
	protocol := "ICMP"
	if m.V6 {
		names, unreachable, protocol = unreachableNames6[:], ICMPv6Unreachable, "ICMPv6"
	}
	kind := m.Kind()
	switch {
	case m.Type == unreachable && int(m.Code) < len(names):
		return names[m.Code]
	case kind == KindTooBig:
		return "packet too big"
	case kind == KindTimeExceeded:
		return "time exceeded"
	case kind == KindProtocolUnreachable:
		return "unrecognized next header"
	case kind == KindParameterProblem:
		return "parameter problem"
	}
	return fmt.Sprintf("%s type %d code %d", protocol, m.Type, m.Code)
}
