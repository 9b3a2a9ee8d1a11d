package link

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var (
	our4, their4 = netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")
	our6, their6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

func asker4() *Asker { return &Asker{route: route.Route{Source: our4}, own: ourMAC, protocol: "ARP"} }
func asker6() *Asker { return &Asker{route: route.Route{Source: our6}, own: ourMAC, protocol: "ND"} }

// replyARP says that their4 is at theirMAC, but for what edit changes.
func replyARP(edit func(*wire.ARP)) []byte {
	a := wire.ARP{Operation: wire.ARPReply, SenderHardware: theirMAC, SenderProtocol: their4, TargetHardware: ourMAC, TargetProtocol: our4}
	if edit != nil {
		edit(&a)
	}
	return a.AppendTo(nil)
}

// advertisement says that their6 is at theirMAC, but for what edit changes.
func advertisement(edit func(n *wire.Neighbour, src, dst *netip.Addr)) []byte {
	n := wire.Neighbour{Type: wire.NeighbourAdvertisement, Solicited: true, Override: true, Target: their6, Hardware: theirMAC, HasHardware: true}
	src, dst := their6, our6
	if edit != nil {
		edit(&n, &src, &dst)
	}
	return neighbourPacket(&n, src, dst)
}

func TestAnAskerBelievesARPRepliesToItAlone(t *testing.T) {
	a := asker4()
	good := replyARP(nil)
	for name, b := range map[string][]byte{"a reply": good, "a padded reply": append(bytes.Clone(good), make([]byte, 18)...)} {
		if who, hw := a.answer(b); who != their4 || !bytes.Equal(hw, theirMAC[:]) {
			t.Errorf("%s: %v at %v", name, who, hw)
		}
	}
	for name, edit := range map[string]func(*wire.ARP){
		"a request":                    func(r *wire.ARP) { r.Operation = wire.ARPRequest },
		"a reverse reply (RFC 903)":    func(r *wire.ARP) { r.Operation = 4 },
		"a reply to another address":   func(r *wire.ARP) { r.TargetProtocol = netip.MustParseAddr("198.18.0.9") },
		"a reply to another interface": func(r *wire.ARP) { r.TargetHardware = theirMAC },
		"a reply to everybody":         func(r *wire.ARP) { r.TargetHardware = broadcast },
		"a group's address":            func(r *wire.ARP) { r.SenderHardware = [6]byte{1, 0, 0x5e, 0, 0, 1} },
		"everybody's address":          func(r *wire.ARP) { r.SenderHardware = broadcast },
		"no address":                   func(r *wire.ARP) { r.SenderHardware = [6]byte{} },
	} {
		if who, hw := a.answer(replyARP(edit)); hw != nil {
			t.Errorf("%s was believed: %v at %v", name, who, hw)
		}
	}
	for at, what := range []string{0: "hardware type", 2: "protocol type", 4: "hardware length", 5: "protocol length"} {
		if what == "" {
			continue
		}
		b := bytes.Clone(good)
		b[at]++
		if _, hw := a.answer(b); hw != nil {
			t.Errorf("another %s was believed", what)
		}
	}
	for n := range good {
		if _, hw := a.answer(good[:n]); hw != nil {
			t.Errorf("the first %d bytes were believed", n)
		}
	}
}

func TestAnAskerBelievesAdvertisementsToItAlone(t *testing.T) {
	a := asker6()
	for name, edit := range map[string]func(n *wire.Neighbour, src, dst *netip.Addr){
		"an advertisement":                nil,
		"one that was not asked for":      func(n *wire.Neighbour, _, _ *netip.Addr) { n.Solicited = false },
		"one from another address of its": func(_ *wire.Neighbour, src, _ *netip.Addr) { *src = netip.MustParseAddr("fe80::2") },
	} {
		if who, hw := a.answer(advertisement(edit)); who != their6 || !bytes.Equal(hw, theirMAC[:]) {
			t.Errorf("%s: %v at %v", name, who, hw)
		}
	}
	good := advertisement(nil)
	changed := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"a solicitation":           advertisement(func(n *wire.Neighbour, _, _ *netip.Addr) { n.Type = wire.NeighbourSolicitation }),
		"one to another address":   advertisement(func(_ *wire.Neighbour, _, dst *netip.Addr) { *dst = their6 }),
		"one to all nodes":         advertisement(func(n *wire.Neighbour, _, dst *netip.Addr) { n.Solicited, *dst = false, allNodes }),
		"one from a group":         advertisement(func(_ *wire.Neighbour, src, _ *netip.Addr) { *src = allNodes }),
		"one without an address":   advertisement(func(n *wire.Neighbour, _, _ *netip.Addr) { n.HasHardware = false }),
		"a group's address":        advertisement(func(n *wire.Neighbour, _, _ *netip.Addr) { n.Hardware = wire.MulticastHardware(allNodes) }),
		"no address":               advertisement(func(n *wire.Neighbour, _, _ *netip.Addr) { n.Hardware = [6]byte{} }),
		"one from beyond a router": changed(7, 254),
		"a damaged one":            changed(len(good)-1, good[len(good)-1]+1),
		"an ARP reply":             replyARP(nil),
	} {
		if who, hw := a.answer(b); hw != nil {
			t.Errorf("%s was believed: %v at %v", name, who, hw)
		}
	}
	for n := range good {
		if _, hw := a.answer(good[:n]); hw != nil {
			t.Errorf("the first %d bytes were believed", n)
		}
	}
}

// Whatever comes, nobody is told to be at a group's address or at none, nor by
// a packet to somebody else.
func FuzzAsker(f *testing.F) {
	f.Add(replyARP(nil))
	f.Add(advertisement(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, a := range []*Asker{asker4(), asker6()} {
			who, hw := a.answer(b)
			if hw == nil {
				continue
			}
			if len(hw) != 6 || hw[0]&1 != 0 || who.Is4() != a.route.Source.Is4() {
				t.Errorf("%v at %v", who, hw)
			}
			if to := a.route.Source.AsSlice(); !bytes.Contains(b, to) || !bytes.Contains(b, hw) {
				t.Errorf("%v at %v, by a packet to somebody else", who, hw)
			}
		}
	})
}

// onPipe puts the asker on a pipe, and returns what writes packets to it.
func (a *Asker) onPipe(t *testing.T) (say func([]byte)) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.sock, err = newSocket(fds[0], "pipe"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		unix.Close(fds[1])
	})
	return func(b []byte) {
		if _, err := unix.Write(fds[1], b); err != nil {
			t.Fatal(err)
		}
	}
}

// from is an address of a network with many hosts.
func from(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)}) }

func saidBy(a netip.Addr) []byte { return replyARP(func(r *wire.ARP) { r.SenderProtocol = a }) }

// collect is who one call of Answers tells of.
func (a *Asker) collect(t *testing.T) (list []netip.Addr) {
	t.Helper()
	if err := a.Answers(func(who netip.Addr, hop Hop) {
		if hop != HopTo(theirMAC[:]) {
			t.Errorf("%v is at %v", who, hop)
		}
		list = append(list, who)
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnswersTellsWhatHasComeAndDoesNotWait(t *testing.T) {
	a := asker4()
	say := a.onPipe(t)
	if list := a.collect(t); list != nil {
		t.Errorf("%v answered, and nobody has said anything", list)
	}
	// Nobody was asked yet. What it is worth is the user's business.
	say(saidBy(their4))
	say([]byte("noise"))
	say(replyARP(func(r *wire.ARP) { r.TargetProtocol = their4 }))
	say(saidBy(from(7)))
	if list := a.collect(t); len(list) != 2 || list[0] != their4 || list[1] != from(7) {
		t.Errorf("got %v", list)
	}
	if list := a.collect(t); list != nil {
		t.Errorf("%v answered twice", list)
	}
	a.Close()
	if err := a.Answers(func(netip.Addr, Hop) {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAFloodOfAnswersIsTakenInParts(t *testing.T) {
	a := asker4()
	a.onPipe(t)
	n, told := 0, 0
	a.sock.recv = func(int, []byte) (datagram, error) {
		if n == 2*maxInARow+88 {
			return datagram{}, unix.EAGAIN
		}
		n++
		return datagram{data: saidBy(from(n - 1))}, nil
	}
	for _, want := range []int{maxInARow, maxInARow, 88, 0} {
		list := a.collect(t)
		if len(list) != want {
			t.Errorf("%d answers in a row, want %d", len(list), want)
		}
		for _, who := range list {
			if who != from(told) {
				t.Fatalf("answer %d is %v", told, who)
			}
			told++
		}
	}
}

func TestAnErrorOfTheLinkIsNamed(t *testing.T) {
	a := asker4()
	a.onPipe(t)
	a.route.Interface = "veth0"
	a.sock.recv = func(int, []byte) (datagram, error) { return datagram{}, unix.ENETDOWN }
	if err := a.Answers(func(netip.Addr, Hop) {}); !errors.Is(err, route.ErrNoRoute) || !bytes.Contains([]byte(err.Error()), []byte("veth0")) {
		t.Errorf("got %v", err)
	}
}

func TestTheWaitForAnAnswerPassesOverOthers(t *testing.T) {
	a := asker4()
	say := a.onPipe(t)
	say(saidBy(from(7)))
	say([]byte("noise"))
	say(replyARP(func(r *wire.ARP) { r.SenderHardware = broadcast })) // of the right one, but no answer
	say(replyARP(nil))
	if hw, err := a.await(their4); err != nil || !bytes.Equal(hw, theirMAC[:]) {
		t.Errorf("%v, %v", hw, err)
	}
	a.sock.setReadDeadline(time.Unix(1, 0))
	if hw, err := a.await(their4); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v, %v", hw, err)
	}
}

// errTooFar is what reading on and on comes to.
var errTooFar = errors.New("the flood was followed beyond the end")

// flood has other hosts answer without an end. After some answers end is
// called; soon after it whoever waits must have noticed.
func (a *Asker) flood(end func()) {
	n := 0
	a.sock.recv = func(int, []byte) (datagram, error) {
		if n++; n == 3*maxInARow {
			end()
		}
		if n > 5*maxInARow {
			return datagram{}, errTooFar
		}
		return datagram{data: saidBy(from(n))}, nil
	}
}

func TestAFloodDoesNotPutOffTheDeadline(t *testing.T) {
	a := asker4()
	a.onPipe(t)
	a.flood(func() { a.sock.setReadDeadline(time.Unix(1, 0)) })
	if _, err := a.await(their4); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAFloodDoesNotPutOffAClose(t *testing.T) {
	a := asker4()
	a.onPipe(t)
	closing := make(chan error, 1)
	a.flood(func() {
		go func() { closing <- a.Close() }() // it waits for the reader
		for a.sock.file.SetReadDeadline(time.Time{}) == nil {
			runtime.Gosched()
		}
	})
	if _, err := a.await(their4); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := <-closing; err != nil {
		t.Error(err)
	}
}
