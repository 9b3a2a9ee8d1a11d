package link

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	ourMAC   = [6]byte{2, 0, 0, 0, 0, 1}
	theirMAC = [6]byte{2, 0, 0, 0, 0, 2}
)

var theirHop = hop{addr: [8]byte(append(theirMAC[:], 0, 0)), len: 6}

func TestTheResponderAnswersForItsAddressAlone(t *testing.T) {
	r := responder{local: netip.MustParseAddr("198.18.0.77"), hardware: ourMAC}
	asks := wire.ARP{Operation: wire.ARPRequest, SenderHardware: theirMAC, SenderProtocol: netip.MustParseAddr("198.18.0.2"), TargetProtocol: r.local}
	reply, to := r.answerARP(&datagram{data: asks.AppendTo(nil)})
	got, ok := decodeARP(reply)
	want := wire.ARP{Operation: wire.ARPReply, SenderHardware: ourMAC, SenderProtocol: r.local, TargetHardware: theirMAC, TargetProtocol: asks.SenderProtocol}
	if !ok || got != want || !bytes.Equal(to, theirMAC[:]) {
		t.Errorf("%+v to %v", got, to)
	}
	for name, edit := range map[string]func(*wire.ARP){
		"of another address": func(a *wire.ARP) { a.TargetProtocol = a.SenderProtocol },
		"a reply":            func(a *wire.ARP) { a.Operation = wire.ARPReply },
		"a claim of its own": func(a *wire.ARP) { a.SenderProtocol = r.local },
		"from a group":       func(a *wire.ARP) { a.SenderHardware[0] = 1 },
	} {
		a := asks
		edit(&a)
		if _, to := r.answerARP(&datagram{data: a.AppendTo(nil)}); to != nil {
			t.Errorf("%s was answered", name)
		}
	}
	if _, to := r.answerARP(&datagram{data: []byte("no ARP")}); to != nil {
		t.Error("noise was answered")
	}
}

func TestTheResponderAdvertisesItsAddressAlone(t *testing.T) {
	r := responder{local: netip.MustParseAddr("2001:db8::77"), hardware: ourMAC}
	them, group := netip.MustParseAddr("2001:db8::2"), wire.SolicitedNode(r.local)
	ask := func(src, dst netip.Addr, edit func(n *wire.Neighbour)) []byte {
		n := wire.Neighbour{Type: wire.NeighbourSolicitation, Target: r.local, Hardware: theirMAC, HasHardware: !src.IsUnspecified()}
		if edit != nil {
			edit(&n)
		}
		return neighbourPacket(&n, src, dst)
	}
	for _, tc := range []struct {
		name      string
		question  []byte
		dst       netip.Addr
		to        [6]byte
		solicited bool
	}{
		{"whoever asks", ask(them, group, nil), them, theirMAC, true},
		{"who asks us alone, without its address", ask(them, r.local, func(n *wire.Neighbour) { n.HasHardware = false }), them, theirMAC, true},
		{"who wants the address for itself", ask(netip.IPv6Unspecified(), group, nil), allNodes, [6]byte{0x33, 0x33, 0, 0, 0, 1}, false},
	} {
		reply, to := r.answerSolicitation(&datagram{data: tc.question, from: theirHop})
		n, h, ok := decodeNeighbour(reply)
		want := wire.Neighbour{Type: wire.NeighbourAdvertisement, Solicited: tc.solicited, Override: true, Target: r.local, Hardware: ourMAC, HasHardware: true}
		if !ok || n != want || h.Src != r.local || h.Dst != tc.dst || !bytes.Equal(to, tc.to[:]) {
			t.Errorf("%s: %+v in %+v to %v", tc.name, n, h, to)
		}
	}
	routed := ask(them, group, nil)
	routed[7] = 64
	damaged := ask(them, group, nil)
	damaged[50]++
	for name, b := range map[string][]byte{
		"of another address": ask(them, group, func(n *wire.Neighbour) { n.Target = them }),
		"an advertisement":   ask(them, group, func(n *wire.Neighbour) { n.Type = wire.NeighbourAdvertisement }),
		"from ourselves":     ask(r.local, group, nil),
		"from a group":       ask(allNodes, group, nil),
		"from beyond the link, with another hop limit than 255": routed,
		"damaged":                                 damaged,
		"from nobody, with a link-layer address":  ask(netip.IPv6Unspecified(), group, func(n *wire.Neighbour) { n.HasHardware = true }),
		"from nobody, not to the solicited group": ask(netip.IPv6Unspecified(), allNodes, nil),
		"noise": []byte("noise"),
	} {
		if _, to := r.answerSolicitation(&datagram{data: b, from: theirHop}); to != nil {
			t.Errorf("%s was answered", name)
		}
	}
}

func FuzzResponder(f *testing.F) {
	four := &responder{local: netip.MustParseAddr("198.18.0.77"), hardware: ourMAC}
	six := &responder{local: netip.MustParseAddr("2001:db8::77"), hardware: ourMAC}
	a := wire.ARP{Operation: wire.ARPRequest, SenderHardware: theirMAC, SenderProtocol: netip.MustParseAddr("198.18.0.2"), TargetProtocol: four.local}
	f.Add(a.AppendTo(nil))
	n := wire.Neighbour{Type: wire.NeighbourSolicitation, Target: six.local, Hardware: theirMAC, HasHardware: true}
	f.Add(neighbourPacket(&n, netip.MustParseAddr("2001:db8::2"), wire.SolicitedNode(six.local)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if reply, to := four.answerARP(&datagram{data: b}); to != nil {
			if a, ok := decodeARP(reply); !ok || a.SenderHardware != ourMAC || a.SenderProtocol != four.local {
				t.Errorf("answered %+v", a)
			}
		}
		if reply, to := six.answerSolicitation(&datagram{data: b}); to != nil {
			if n, _, ok := decodeNeighbour(reply); !ok || n.Hardware != ourMAC || n.Target != six.local {
				t.Errorf("answered %+v", n)
			}
		}
	})
}

// Whoever asks, and however often, draws few answers; and others theirs all the
// same.
func TestAFloodOfRequestsDrawsFewAnswers(t *testing.T) {
	var r responder
	now := time.Now()
	host := func(i int) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)} }
	count := func(n, hosts int) (answers int) {
		for i := range n {
			if r.mayAnswer(host(i%hosts), now) {
				answers++
			}
		}
		return answers
	}
	if n := count(50000, 1); n != repliesToOne {
		t.Errorf("%d answers to one host, want %d", n, repliesToOne)
	}
	if !r.mayAnswer(host(7), now) {
		t.Error("another host got none")
	}
	if n := count(50000, 50000); n > repliesTogether {
		t.Errorf("%d answers in all, want %d at most", n, repliesTogether)
	}
	now = now.Add(replyPeriod)
	if n := count(100, 1); n != repliesToOne {
		t.Errorf("later %d answers, want %d", n, repliesToOne)
	}
	now = now.Add(replyPeriod)
	r.may = func() bool { return false }
	if n := count(100, 100); n > 0 {
		t.Errorf("%d answers, and none may leave", n)
	}
}
