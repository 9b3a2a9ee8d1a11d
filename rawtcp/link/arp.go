// ARP: asking for an IPv4 address, and answering for our own (RFC 826).

package link

import (
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Offsets in an ARP packet (RFC 826).
const (
	arpOperation      = 6
	arpTargetProtocol = 24
)

var broadcast = [wire.HardwareAddrLen]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// requestARP asks for an IPv4 address (RFC 826).
func (a *Asker) requestARP(who netip.Addr) []byte {
	request := wire.ARP{Operation: wire.ARPRequest, SenderHardware: a.own, SenderProtocol: a.route.Source, TargetProtocol: who}
	return request.AppendTo(nil)
}

// answeredARP returns whose address a reply to us gives.
func (a *Asker) answeredARP(packet []byte) (who netip.Addr, hw net.HardwareAddr) {
	reply, ok := decodeARP(packet)
	if !ok || reply.Operation != wire.ARPReply || reply.TargetProtocol != a.route.Source || reply.TargetHardware != a.own {
		return who, nil
	}
	return reply.SenderProtocol, unicast(reply.SenderHardware)
}

func decodeARP(packet []byte) (a wire.ARP, ok bool) {
	c := field.New("ARP", packet)
	return a, a.Decode(&c) == nil
}

// arpReplies lets replies through that were sent to this machine.
func arpReplies() ([]bpf.RawInstruction, error) {
	var p program
	p.load(bpf.LoadExtension{Num: bpf.ExtType})
	p.require(unix.PACKET_HOST)
	p.load(load(arpOperation, 2))
	p.require(uint32(wire.ARPReply))
	p.jump(labelAccept)
	return p.assemble()
}

// arpRequests lets requests for an address through.
func arpRequests(local netip.Addr) ([]bpf.RawInstruction, error) {
	var p program
	p.load(load(arpOperation, 2))
	p.require(uint32(wire.ARPRequest))
	p.load(load(arpTargetProtocol, 4))
	p.require(addr(netip.AddrPortFrom(local, 0)))
	p.jump(labelAccept)
	return p.assemble()
}

// answerARP returns the reply to a request for our address, and to whom it
// goes, or nil. A packet that claims to come from that address itself is not a
// request but somebody else's claim to it, which is not disputed.
func (r *responder) answerARP(d *datagram) (reply []byte, to net.HardwareAddr) {
	request, ok := decodeARP(d.data)
	if !ok || request.Operation != wire.ARPRequest || request.TargetProtocol != r.local || request.SenderProtocol == r.local {
		return nil, nil
	}
	answer := wire.ARP{Operation: wire.ARPReply, SenderHardware: r.hardware, SenderProtocol: r.local,
		TargetHardware: request.SenderHardware, TargetProtocol: request.SenderProtocol}
	return answer.AppendTo(nil), unicast(request.SenderHardware)
}
