// The names of fields, and selectors that pick some of them.

package dissect

import (
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/field"
)

// layers are the groups at which a field's path begins anew: nobody calls a
// port a part of the IP header.
var layers = map[string]bool{
	"TCP": true, "ICMP": true, "ICMPv6": true, "ARP": true, "IPv4": true, "IPv6": true, "TLSRecord": true,
	"Ethernet": true, "VLAN": true, "MPLS": true, "PPPoE": true, "PPP": true, "LinuxCooked": true, "Loopback": true, "Neighbour": true,
	"LLC": true, "SNAP": true, "CiscoHDLC": true, "FrameRelay": true, "CaptureHeader": true, "Pseudowire": true, "NFLOG": true,
	"Radiotap": true, "AVS": true, "Prism": true, "WLAN": true, "AMSDU": true,
	"UDP": true, "VXLAN": true, "Geneve": true, "NSH": true, "GRE": true, "ERSPAN": true, "GTPU": true, "L2TP": true, "EtherIP": true,
	"Teredo": true, "TZSP": true,
}

// A path names a field by all groups that it is in, from the outside in.
type path []segment

type segment struct {
	name  string
	index int // position in a list, or -1
	begin bool
}

// through reports whether a node only wraps another.
func through(n *field.Node) bool {
	return n.Kind == field.Group && (n.Name == "payload" || n.Name == "handshake" || n.Name == "frame")
}

// step extends a path by a node.
func (p path) step(n, parent *field.Node) path {
	if n.Index >= 0 && len(p) > 0 && p[len(p)-1].name == n.Name && p[len(p)-1].index < 0 {
		p = append(path(nil), p...)
		p[len(p)-1].index = n.Index
		return p
	}
	begin := len(p) == 0 || n.Kind == field.Group && (layers[n.Name] || parent.Name == "fragment" || parent.Name == "handshake")
	return append(p[:len(p):len(p)], segment{n.Name, n.Index, begin})
}

// String is the path as people read it, from the innermost layer on:
// ClientHello.extensions[2].server_name.
func (p path) String() string { return p.from(p.begin(), true) }

// key is the same without indexes.
func (p path) key() string { return p.from(p.begin(), false) }

func (p path) begin() int {
	for i := len(p) - 1; i > 0; i-- {
		if p[i].begin {
			return i
		}
	}
	return 0
}

func (p path) from(i int, indexes bool) string {
	var s strings.Builder
	for j := i; j < len(p); j++ {
		if j > i {
			s.WriteByte('.')
		}
		s.WriteString(p[j].name)
		if indexes && p[j].index >= 0 {
			s.WriteString("[" + strconv.Itoa(p[j].index) + "]")
		}
	}
	return s.String()
}

// A Selector picks fields by a part of their path: "ClientHello.extensions",
// "TCP", "extensions[2].server_name". Without an index a name means all fields
// with that name. An element may also be named by its list:
// "certificate_list[1]". The zero Selector picks all.
type Selector []segment

// ParseSelector reads names with dots between them, each with or without an
// index.
func ParseSelector(s string) (sel Selector, ok bool) {
	if s == "" {
		return nil, true
	}
	for _, part := range strings.Split(s, ".") {
		name, place, indexed := strings.Cut(part, "[")
		index := -1
		if indexed {
			n, err := strconv.Atoi(strings.TrimSuffix(place, "]"))
			if err != nil || n < 0 || !strings.HasSuffix(place, "]") {
				return nil, false
			}
			index = n
		}
		if name == "" {
			return nil, false
		}
		sel = append(sel, segment{name: name, index: index})
	}
	return sel, true
}

// String is the selector as ParseSelector reads it.
func (sel Selector) String() string { return path(sel).from(0, true) }

// Anywhere is the selector without indexes.
func (sel Selector) Anywhere() Selector {
	any := make(Selector, len(sel))
	for i, s := range sel {
		any[i] = segment{name: s.name, index: -1}
	}
	return any
}

// picks reports whether the selector names the path's end, or something that
// contains it.
func (sel Selector) picks(p path) bool {
	for i := 0; i+len(sel) <= len(p); i++ {
		if sel.at(p[i:]) {
			return true
		}
	}
	return len(sel) == 0
}

func (sel Selector) at(p path) bool {
	for i, want := range sel {
		got := p[i]
		if !strings.EqualFold(got.name, want.name) {
			return false
		}
		if want.index >= 0 && got.index != want.index && !p.element(i+1, want.index) {
			return false
		}
	}
	return true
}

// element reports whether the segment at i is an element of a list with this
// index, such as the last one of "cipher_suites.cipher_suite[3]".
func (p path) element(i, index int) bool {
	return i < len(p) && !p[i].begin && p[i-1].index < 0 && p[i].index == index
}
