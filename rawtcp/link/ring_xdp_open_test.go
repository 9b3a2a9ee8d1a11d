package link_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// attached is the program on an interface, or 0.
func attached(t *testing.T, dev string) ebpf.ProgramID {
	t.Helper()
	if x := netns.Device(t, dev).Attrs().Xdp; x != nil && x.Attached {
		return ebpf.ProgramID(x.ProgId)
	}
	return 0
}

// tryXDP opens an AF_XDP ring, and closes it.
func tryXDP(local netip.Addr, r route.Route) error {
	ring, err := link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: r, Local: local, Port: xdpPort, Ports: 16})
	if err == nil {
		err = ring.Close()
	}
	return err
}

func TestAnotherXDPProgramIsNamedAndLeftAlone(t *testing.T) {
	p := netns.NewPair(t)
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "somebodys", Type: ebpf.XDP, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	netns.Check(t, err)
	defer prog.Close()
	for _, mode := range []bpflink.XDPAttachFlags{bpflink.XDPDriverMode, bpflink.XDPGenericMode} {
		l, err := bpflink.AttachXDP(bpflink.XDPOptions{Program: prog, Interface: r.Index, Flags: mode})
		netns.Check(t, err)
		id := attached(t, p.Client.Dev)
		err = tryXDP(p.Client.Addr, r)
		if want := fmt.Sprintf("another XDP program is attached to veth0 (id %d, \"somebodys\"), and is left alone; use --link packet", id); !errors.Is(err, link.ErrNoXDP) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if got := attached(t, p.Client.Dev); id == 0 || got != id {
			t.Errorf("program %d stands in the place of %d", got, id)
		}
		netns.Check(t, l.Close())
		netns.Check(t, tryXDP(p.Client.Addr, r))
	}
}

func TestAnXDPRingSaysWhatItNeeds(t *testing.T) {
	p := netns.NewPair(t)
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	withoutCapabilities(t, func() { err = tryXDP(p.Client.Addr, r) })
	if !errors.Is(err, link.ErrPermission) {
		t.Errorf("without capabilities: %v", err)
	}
	own, err := route.Find(p.Client.Addr, route.Via{})
	netns.Check(t, err)
	if err := tryXDP(p.Client.Addr, own); !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), "use --link raw") {
		t.Errorf("to this machine itself: %v", err)
	}
	tun := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "tun9"}, Mode: netlink.TUNTAP_MODE_TUN, Queues: 1, Flags: netlink.TUNTAP_DEFAULTS}
	netns.Check(t, netlink.LinkAdd(tun))
	netns.Check(t, netlink.LinkSetUp(tun))
	r.Index, r.Interface = netns.Device(t, "tun9").Attrs().Index, "tun9"
	if err := tryXDP(p.Client.Addr, r); !errors.Is(err, link.ErrNoXDP) || !strings.Contains(err.Error(), "is not Ethernet's; use --link packet") {
		t.Errorf("on a tunnel: %v", err)
	}
}

// holdXDP in the environment makes this program a process that opens an AF_XDP ring
// from one address to another, and waits to be killed.
const holdXDP = "RAWSHAKE_TEST_HOLD_XDP"

func hold() {
	remote, local := netip.MustParseAddr(os.Args[len(os.Args)-1]), netip.MustParseAddr(os.Args[len(os.Args)-2])
	r, err := route.Find(remote, route.Via{})
	if err == nil {
		_, err = link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: r, Local: local, Port: xdpPort, Ports: 16})
	}
	fmt.Println("open:", err)
	io.Copy(io.Discard, os.Stdin)
}

func TestKillingTheProcessTakesTheXDPProgramWithIt(t *testing.T) {
	p := netns.NewPair(t)
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	for range 10 {
		cmd := exec.Command("/proc/self/exe", p.Client.Addr.String(), p.Server.Addr.String())
		cmd.Env = append(os.Environ(), holdXDP+"=1")
		_, err := cmd.StdinPipe()
		netns.Check(t, err)
		out, err := cmd.StdoutPipe()
		netns.Check(t, err)
		netns.Check(t, cmd.Start()) // on this thread, so in the client's namespace
		if line, _ := bufio.NewReader(out).ReadString('\n'); line != "open: <nil>\n" {
			t.Fatalf("the helper says %q", line)
		}
		if attached(t, p.Client.Dev) == 0 {
			t.Error("no program while it stands")
		}
		if err := tryXDP(p.Client.Addr, r); !errors.Is(err, link.ErrNoXDP) || !strings.Contains(err.Error(), `"rawshake_xdp"`) {
			t.Errorf("beside it: %v", err)
		}
		cmd.Process.Kill() // SIGKILL
		cmd.Wait()
		for end := time.Now().Add(10 * time.Second); attached(t, p.Client.Dev) != 0; {
			if time.Now().After(end) {
				t.Fatal("the program is left behind")
			}
		}
	}
	netns.Check(t, tryXDP(p.Client.Addr, r)) // also a queue that is busy for a moment
}

// An interface whose packets do not fit into a buffer has no native mode here: they
// arrive by the packet ring beside, and are sent by it.
func TestAnXDPRingCarriesWhatDoesNotFitIntoABuffer(t *testing.T) {
	p := netns.NewPair(t)
	const jumbo = 9000
	netns.Check(t, netlink.LinkSetMTU(netns.Device(t, p.Client.Dev), jumbo))
	p.Server.Do(t, func() error {
		dev, err := netlink.LinkByName(p.Server.Dev)
		if err != nil {
			return err
		}
		return netlink.LinkSetMTU(dev, jumbo)
	})
	ring, hop := openXDP(t, p, xdpPort, 16)
	from := serverRing(t, p, link.KindPacket, 443)
	local, remote := netip.AddrPortFrom(p.Client.Addr, xdpPort), netip.AddrPortFrom(p.Server.Addr, 443)
	for _, n := range []int{0, 1000, 3000, 5000, jumbo - 40} {
		s := wire.Segment{Flags: wire.RST, Payload: make([]byte, n)} // which no kernel answers
		queue(t, from, clientHop(t, p), segmentPacket(remote, local, s))
		queue(t, ring, hop, segmentPacket(local, remote, s))
		for _, r := range []link.Ring{ring, from} {
			if s := segmentOf(t, arrivals(t, r, 1)[0]); len(s.Payload) != n {
				t.Errorf("%d bytes arrived of %d", len(s.Payload), n)
			}
		}
	}
}

// Each queue of an interface has sockets.
func TestAnXDPRingHearsAllQueues(t *testing.T) {
	p := netns.NewPair(t)
	const queues = 3
	wide := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "many0", NumRxQueues: queues, NumTxQueues: queues, MTU: 1500},
		PeerName: "many1", PeerNumRxQueues: queues, PeerNumTxQueues: queues}
	netns.Check(t, netlink.LinkAdd(wide))
	var routes [2]route.Route
	for i, name := range []string{"many0", "many1"} {
		dev := netns.Device(t, name)
		netns.Check(t, netlink.LinkSetUp(dev))
		routes[i] = route.Route{Interface: name, Index: dev.Attrs().Index, MTU: 1500, Source: p.Client.Addr}
	}
	local, remote := netip.AddrPortFrom(p.Client.Addr, xdpPort), netip.AddrPortFrom(p.Server.Addr, 443)
	ring, err := link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: routes[0], Local: local.Addr(), Port: xdpPort, Ports: 1})
	netns.Check(t, err)
	defer ring.Close()
	hop := link.HopTo(netns.Device(t, "many0").Attrs().HardwareAddr)
	for n := range wire.Seq(2 * queues) { // each sends by the next queue
		from, err := link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: routes[1], Local: remote.Addr(), Port: 443 + uint16(n), Ports: 1})
		netns.Check(t, err)
		defer from.Close()
		queue(t, from, hop, segmentPacket(remote, local, wire.Segment{Flags: wire.ACK, Seq: n}))
		if s := segmentOf(t, arrivals(t, ring, 1)[0]); s.Seq != n {
			t.Errorf("segment %d, want %d", s.Seq, n)
		}
	}
	if got := link.BesideReceived(ring); got != 0 {
		t.Errorf("%d packets took the way round by the kernel", got)
	}
}

// When the interface goes down the ring says so, and another may be opened once it is
// up.
func TestAnXDPRingTellsThatItsInterfaceWentDown(t *testing.T) {
	p := netns.NewPair(t)
	ring, hop := openXDP(t, p, xdpPort, 16)
	dev := netns.Device(t, p.Client.Dev)
	netns.Check(t, netlink.LinkSetDown(dev))
	err := ring.Receive(10*time.Second, func(link.Packet) {})
	if !errors.Is(err, route.ErrNoRoute) || !strings.Contains(err.Error(), "the interface went down") {
		t.Errorf("receiving: %v", err)
	}
	err = ring.Queue(segmentPacket(netip.AddrPortFrom(p.Client.Addr, xdpPort), netip.AddrPortFrom(p.Server.Addr, 443), wire.Segment{Flags: wire.SYN}), hop)
	if err = errors.Join(err, ring.Flush()); !errors.Is(err, route.ErrNoRoute) {
		t.Errorf("sending: %v", err)
	}
	netns.Check(t, ring.Close())
	netns.Check(t, netlink.LinkSetUp(dev))
	again, hop := openXDP(t, p, xdpPort, 16)
	_, remote := p.Server.Listen(t)
	queue(t, again, hop, segmentPacket(netip.AddrPortFrom(p.Client.Addr, xdpPort), remote, wire.Segment{Flags: wire.SYN, Window: 1000}))
	if s := segmentOf(t, arrivals(t, again, 1)[0]); s.Flags != wire.SYN|wire.ACK {
		t.Errorf("%v, want a SYN-ACK", s)
	}
}
