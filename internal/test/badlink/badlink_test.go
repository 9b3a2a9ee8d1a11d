package badlink_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// numbered is an IPv4 packet of n bytes whose payload begins with its number.
func numbered(i, n int) []byte {
	h := wire.IPv4{ID: 1, DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP,
		Src: netip.MustParseAddr("198.18.0.1"), Dst: netip.MustParseAddr("198.18.0.2")}
	b := h.AppendTo(nil, n-wire.IPv4HeaderLen)
	b = binary.BigEndian.AppendUint32(b, uint32(i))
	return append(b, make([]byte, n-len(b))...)
}

// drain receives until nothing has come for a while, and returns the numbers.
func drain(t *testing.T, l link.Link) (numbers []int) {
	t.Helper()
	buf := make([]byte, link.MaxPacket)
	for {
		l.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		p, err := l.Receive(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return numbers
		}
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, int(binary.BigEndian.Uint32(p.Data[wire.IPv4HeaderLen:])))
	}
}

// across sends n packets through a bad link, in the direction given, and
// returns the numbers of those that arrived, in order.
func across(t *testing.T, w badlink.Impairment, n int, out bool) []int {
	t.Helper()
	a, b := link.Pipe()
	bad := badlink.Wrap(a, w)
	defer bad.Close()
	defer b.Close()
	from, to := bad, b
	if !out {
		from, to = b, bad
	}
	for i := range n {
		if err := from.Send(numbered(i, 100)); err != nil {
			t.Fatal(err)
		}
	}
	return drain(t, to)
}

var eachDirection = map[string]bool{"out": true, "in": false}

func TestAClearDayHarmsNothing(t *testing.T) {
	for name, out := range eachDirection {
		t.Run(name, func(t *testing.T) {
			got := across(t, badlink.Impairment{Delay: time.Millisecond}, 500, out)
			if len(got) != 500 || !slices.IsSorted(got) {
				t.Errorf("%d of 500 packets, in order: %v", len(got), slices.IsSorted(got))
			}
		})
	}
}

func TestOneSeedMakesOneWeather(t *testing.T) {
	w := badlink.Impairment{Seed: 7, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1}
	for name, out := range eachDirection {
		t.Run(name, func(t *testing.T) {
			// Which packets, that is: when one that is held back goes on is a
			// matter of time too.
			arrived := func(w badlink.Impairment) []int {
				got := across(t, w, 500, out)
				slices.Sort(got)
				return got
			}
			first := arrived(w)
			if again := arrived(w); !slices.Equal(first, again) {
				t.Errorf("the same seed lost other packets:\n%v\n%v", first, again)
			}
			other := w
			other.Seed++
			if slices.Equal(first, arrived(other)) {
				t.Error("another seed makes the same losses")
			}
		})
	}
}

// TestWhatIsAskedForHappens counts losses, copies and packets out of order.
func TestWhatIsAskedForHappens(t *testing.T) {
	const n = 600 // with copies, no more than a pipe holds
	for name, out := range eachDirection {
		t.Run(name, func(t *testing.T) {
			if got := len(across(t, badlink.Impairment{Loss: 0.2}, n, out)); got < 420 || got > 540 {
				t.Errorf("%d of %d packets arrived at a loss of 20 %%", got, n)
			}
			if got := len(across(t, badlink.Impairment{Loss: 1}, n, out)); got != 0 {
				t.Errorf("%d packets arrived where all are lost", got)
			}
			if got := len(across(t, badlink.Impairment{Duplicate: 0.5}, n, out)); got < 840 || got > 960 {
				t.Errorf("%d packets arrived of %d, half of them twice", got, n)
			}
			got := across(t, badlink.Impairment{Reorder: 0.1}, n, out)
			late := 0
			for i := 1; i < len(got); i++ {
				if got[i] < got[i-1] {
					late++
				}
			}
			slices.Sort(got)
			if len(slices.Compact(got)) != n || late < 25 || late > 95 {
				t.Errorf("%d packets arrived, %d of them late, want all of %d and about a tenth", len(got), late, n)
			}
		})
	}
}

func TestTheDelayIsKept(t *testing.T) {
	for name, out := range eachDirection {
		t.Run(name, func(t *testing.T) {
			a, b := link.Pipe()
			bad := badlink.Wrap(a, badlink.Impairment{Delay: 50 * time.Millisecond})
			defer bad.Close()
			from, to := bad, b
			if !out {
				from, to = b, bad
			}
			start := time.Now()
			from.Send(numbered(0, 100))
			to.SetReadDeadline(start.Add(10 * time.Second))
			if _, err := to.Receive(make([]byte, link.MaxPacket)); err != nil || time.Since(start) < 50*time.Millisecond {
				t.Errorf("received after %v: %v", time.Since(start), err)
			}
		})
	}
}

// TestTheLastPacketIsNotHeldBackForEver sends one that nobody overtakes.
func TestTheLastPacketIsNotHeldBackForEver(t *testing.T) {
	for name, out := range eachDirection {
		if got := across(t, badlink.Impairment{Reorder: 1}, 1, out); len(got) != 1 {
			t.Errorf("%s: the only packet did not arrive", name)
		}
	}
}

// TestALoweredMTUIsToldToTheSender reads the message with another's decoder.
func TestALoweredMTUIsToldToTheSender(t *testing.T) {
	for name, out := range eachDirection {
		t.Run(name, func(t *testing.T) {
			a, b := link.Pipe()
			bad := badlink.Wrap(a, badlink.Impairment{MTU: 600, MTUAfter: 2000})
			defer bad.Close()
			from, to := bad, b
			if !out {
				from, to = b, bad
			}
			for i, size := range []int{1000, 1000, 1000, 600} {
				from.Send(numbered(i, size))
			}
			if got := drain(t, to); !slices.Equal(got, []int{0, 1, 3}) {
				t.Errorf("packets %v arrived, want 0, 1 and the small one", got)
			}
			buf := make([]byte, link.MaxPacket)
			from.SetReadDeadline(time.Now().Add(10 * time.Second))
			p, err := from.Receive(buf)
			if err != nil {
				t.Fatal(err)
			}
			checkTooBig(t, p.Data, numbered(2, 1000), 600)
		})
	}
}

func checkTooBig(t *testing.T, packet, about []byte, mtu uint16) {
	t.Helper()
	p := gopacket.NewPacket(packet, layers.LayerTypeIPv4, gopacket.Default)
	ip, _ := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	icmp, _ := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
	if ip == nil || icmp == nil || !ip.DstIP.Equal(net.IPv4(198, 18, 0, 1)) {
		t.Fatalf("not an ICMP message to the sender: %v", p)
	}
	if icmp.TypeCode != layers.CreateICMPv4TypeCode(3, 4) || icmp.Seq != mtu {
		t.Errorf("%v with MTU %d, want fragmentation needed and %d", icmp.TypeCode, icmp.Seq, mtu)
	}
	if wire.Checksum(packet[:20]) != 0 || wire.Checksum(packet[20:]) != 0 {
		t.Error("a checksum is wrong")
	}
	if n := len(icmp.Payload); n < 28 || string(icmp.Payload) != string(about[:n]) {
		t.Errorf("it quotes %x", icmp.Payload)
	}
}

func TestTooBigForIPv6IsWellFormed(t *testing.T) {
	src, dst := net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::2")
	h := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolTCP, HopLimit: 64, SrcIP: src, DstIP: dst}
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, ACK: true}
	tcp.SetNetworkLayerForChecksum(h)
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, h, tcp, gopacket.Payload(make([]byte, 1340))); err != nil {
		t.Fatal(err)
	}
	a, b := link.Pipe()
	bad := badlink.Wrap(a, badlink.Impairment{MTU: 1280})
	defer bad.Close()
	defer b.Close()
	bad.Send(buf.Bytes())
	bad.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := bad.Receive(make([]byte, link.MaxPacket))
	if err != nil {
		t.Fatal(err)
	}
	p := gopacket.NewPacket(got.Data, layers.LayerTypeIPv6, gopacket.Default)
	ip, _ := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
	icmp, _ := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
	if ip == nil || icmp == nil || !ip.DstIP.Equal(src) || icmp.TypeCode.Type() != layers.ICMPv6TypePacketTooBig {
		t.Fatalf("not a packet too big to the sender: %v", p)
	}
	if mtu := binary.BigEndian.Uint32(icmp.Payload); mtu != 1280 {
		t.Errorf("MTU %d", mtu)
	}
	said := icmp.Checksum
	icmp.SetNetworkLayerForChecksum(ip)
	again := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true}, icmp, gopacket.Payload(icmp.Payload)); err != nil {
		t.Fatal(err)
	}
	if icmp.Checksum != said {
		t.Errorf("checksum %#x, want %#x", said, icmp.Checksum)
	}
}

func TestABlackHoleKeepsSilent(t *testing.T) {
	a, b := link.Pipe()
	bad := badlink.Wrap(a, badlink.Impairment{MTU: 600, BlackHole: true})
	defer bad.Close()
	bad.Send(numbered(0, 1000))
	if got := drain(t, b); len(got) != 0 {
		t.Errorf("%v came through", got)
	}
	if got := drain(t, bad); len(got) != 0 {
		t.Errorf("the sender was told: %v", got)
	}
}

func TestABadLinkEndsCleanly(t *testing.T) {
	a, b := link.Pipe()
	defer b.Close()
	bad := badlink.Wrap(a, badlink.Impairment{Delay: time.Hour})
	bad.Send(numbered(0, 100))
	ended := make(chan error)
	go func() {
		_, err := bad.Receive(make([]byte, link.MaxPacket))
		ended <- err
	}()
	if err := bad.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a Receive that waited ended with %v", err)
	}
	if err := bad.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	if err := bad.Send(numbered(0, 100)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("sending after Close: %v", err)
	}
	if _, err := a.Receive(make([]byte, link.MaxPacket)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the link below is still open: %v", err)
	}
}

// TestAFailureBelowIsTold closes the link below a bad one.
func TestAFailureBelowIsTold(t *testing.T) {
	a, b := link.Pipe()
	defer b.Close()
	bad := badlink.Wrap(a, badlink.Impairment{})
	defer bad.Close()
	a.Close()
	if _, err := bad.Receive(make([]byte, link.MaxPacket)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("receive: %v", err)
	}
}
