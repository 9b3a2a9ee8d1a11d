// The question for a route, and its answer, as netlink messages.

package route

import (
	"encoding/binary"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A routeQuery is what the kernel is asked a route for (RTM_GETROUTE,
// rtnetlink(7)): everything about a flow that rules and multipath routes can
// look at. Zero fields are left out. The netlink library's own query has no
// ports.
type routeQuery struct {
	remote, source        netip.Addr
	iface                 int // egress
	localPort, remotePort uint16
	mark                  uint32
	raw                   bool // for a raw socket that writes its own IP headers: the kernel does not look at its ports
}

// A kernelRoute is the kernel's answer.
type kernelRoute struct {
	kind            uint8 // RTN_UNICAST, RTN_LOCAL, ...
	iface           int
	gateway, source netip.Addr // the zero Addr: none
	mtu, advMSS     int        // 0: the route says nothing
}

// askTwice asks for the route and, if there is no source yet, again for the
// route from the source in the answer, since rules may look at it. The kernel's
// connect does the same (ip_route_connect, ip6_dst_lookup_flow). The source
// stays in the query.
func (q *routeQuery) askTwice() (found kernelRoute, err error) {
	found, err = q.ask()
	if q.source.IsValid() {
		return found, err
	}
	if err != nil {
		return q.askFromEach(err)
	}
	if q.source = found.source; !q.source.IsValid() {
		return found, nil
	}
	return q.ask()
}

// ask asks once.
func (q routeQuery) ask() (kernelRoute, error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETROUTE, unix.NLM_F_REQUEST)
	request.AddData(q.header())
	add := func(typ int, data []byte) { request.AddData(nl.NewRtAttr(typ, data)) }
	add(unix.RTA_DST, q.remote.AsSlice())
	if q.source.IsValid() {
		add(unix.RTA_SRC, q.source.AsSlice())
	}
	if q.iface != 0 {
		add(unix.RTA_OIF, nl.Uint32Attr(uint32(q.iface)))
	}
	if q.mark != 0 {
		add(unix.RTA_MARK, nl.Uint32Attr(q.mark))
	}
	if !q.raw { // since Linux 4.18; older kernels ignore them
		add(unix.RTA_IP_PROTO, []byte{unix.IPPROTO_TCP})
		if q.localPort != 0 {
			add(unix.RTA_SPORT, binary.BigEndian.AppendUint16(nil, q.localPort))
		}
		if q.remotePort != 0 {
			add(unix.RTA_DPORT, binary.BigEndian.AppendUint16(nil, q.remotePort))
		}
	}
	answers, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWROUTE)
	if err == nil && len(answers) == 0 {
		err = unix.ENETUNREACH
	}
	if err != nil {
		return kernelRoute{}, err
	}
	return readRoute(answers[0])
}

// header returns the message header, which has the IP version.
func (q routeQuery) header() *nl.RtMsg {
	h := &nl.RtMsg{}
	h.Family, h.Dst_len = unix.AF_INET, uint8(q.remote.BitLen())
	if q.remote.Is6() {
		h.Family = unix.AF_INET6
	}
	if q.source.IsValid() {
		h.Src_len = uint8(q.source.BitLen())
	}
	h.Flags = unix.RTM_F_LOOKUP_TABLE
	return h
}

// readRoute reads an RTM_NEWROUTE message.
func readRoute(message []byte) (k kernelRoute, err error) {
	k.kind = nl.DeserializeRtMsg(message).Type
	attrs, err := nl.ParseRouteAttr(message[unix.SizeofRtMsg:])
	if err != nil {
		return k, err
	}
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.RTA_OIF:
			k.iface = int(binary.NativeEndian.Uint32(a.Value))
		case unix.RTA_GATEWAY:
			k.gateway = addrOf(a.Value)
		case unix.RTA_VIA: // struct rtvia: the family, and the address
			k.gateway = addrOf(a.Value[min(2, len(a.Value)):])
		case unix.RTA_PREFSRC:
			k.source = addrOf(a.Value)
		case unix.RTA_METRICS:
			err = k.readMetrics(a.Value)
		}
	}
	return k, err
}

func (k *kernelRoute) readMetrics(b []byte) error {
	metrics, err := nl.ParseRouteAttr(b)
	for _, m := range metrics {
		switch m.Attr.Type {
		case unix.RTAX_MTU:
			k.mtu = int(binary.NativeEndian.Uint32(m.Value))
		case unix.RTAX_ADVMSS:
			k.advMSS = int(binary.NativeEndian.Uint32(m.Value))
		}
	}
	return err
}

func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}
