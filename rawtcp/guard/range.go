// The guard of many ports at once, and the choice of a free block.

package guard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// A Range keeps the kernel's RSTs away from many ports, until it is closed or
// its process ends.
type Range interface {
	Shield
	// Ports returns the first and the last guarded port, both included.
	Ports() (first, last uint16)
}

// RangeOptions say which ports to guard.
type RangeOptions struct {
	Kind Kind // KindAuto if empty
	// Addrs are our addresses, of either or both IP versions. None means every
	// address of this machine.
	Addrs []netip.Addr
	// First and Last are the ports, both included. If First is 0, a free block
	// of Count ports is chosen at random. If there is none, or not so many can
	// be held, half as many are tried, and half of that, down to Least. With a
	// Least of 0 only Count will do.
	First, Last  uint16
	Count, Least int
	// Aligned makes the block begin at a multiple of Count, which must be a
	// power of two, so that a program can find a port's slot by masking its
	// number.
	Aligned bool
	// Hold binds every port, so that neither the kernel nor another process can
	// use one: an open descriptor for each port and address. The listener guard
	// always does this.
	Hold bool
	// Interface says that everything is received on this interface, by
	// AF_PACKET bound to ETH_P_ALL. Only then can KindTCX be used, since it
	// drops the segments before the kernel's IP and before raw IP sockets.
	Interface string
	// Beside are other interfaces of which the same is true, on which answers
	// may arrive.
	Beside []string
}

// OpenRange sets up a guard over a range of ports, which is in effect when
// OpenRange returns.
//
// KindAuto takes the listener guard, which needs no privilege, if no firewall
// of this machine answers arriving packets (see [Firewall]) and the process may
// open a descriptor for each port and address (RLIMIT_NOFILE). Otherwise it
// takes one nftables table, which needs CAP_NET_ADMIN, or a TCX program, which
// also needs CAP_BPF and Interface. In CPU time for each segment KindTCX costs
// the kernel least, and KindNFTables most, since there the RST is made first.
//
// Of ports that are named it takes all or none. It fails with ErrPortInUse,
// which names the port, ErrPermission or ErrNoGuard, and says why no guard of
// the requested kind is possible.
func OpenRange(o RangeOptions) (Range, error) {
	kinds, err := kindsOf(o.Kind, o.Interface)
	if err != nil {
		return nil, err
	}
	if o.First != 0 {
		s, err := o.scope()
		if err != nil {
			return nil, err
		}
		return openRange(s, kinds, o)
	}
	if o.Count < 1 || o.Count > maxBlock {
		return nil, fmt.Errorf("a guard over %d ports: from 1 to %d can be chosen", o.Count, maxBlock)
	}
	if o.Aligned && o.Count&(o.Count-1) != 0 {
		return nil, fmt.Errorf("an aligned guard over %d ports: their number must be a power of two", o.Count)
	}
	if o.Least < 1 {
		o.Least = o.Count
	}
	for {
		g, err := openBlock(kinds, o)
		half := o.Count / 2
		if half < o.Least || !errors.Is(err, ErrPortInUse) && !errors.Is(err, errDescriptors) {
			return g, err
		}
		o.Count = half
	}
}

// openBlock sets up a guard over a block of o.Count ports that are free.
func openBlock(kinds []Kind, o RangeOptions) (_ Range, err error) {
	for i := range attempts {
		// Thousands of the kernel's connections in TIME-WAIT leave no long free
		// run in its ephemeral range. Below that range they are rare.
		if o.First, o.Last, err = randomBlock(o, o.Hold && i < attempts/2); err != nil {
			return nil, err
		}
		s, err := o.scope()
		if err != nil {
			return nil, err
		}
		if err = free(s); err == nil {
			var g Range
			if g, err = openRange(s, kinds, o); err == nil {
				return g, nil
			}
		}
		if !errors.Is(err, ErrPortInUse) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: none of %d random places has %d free ports in a row (ss -tan shows who has them; what is in TIME-WAIT goes within a minute)", ErrPortInUse, attempts, o.Count)
}

// kindsOf returns the kinds of guard to try, in order.
func kindsOf(kind Kind, dev string) ([]Kind, error) {
	switch kind {
	case "", KindAuto:
		return autoKinds(dev, len(ReadFirewall().Rejects) > 0), nil
	case KindTCX:
		if dev == "" {
			return nil, fmt.Errorf("%w %s here: it goes with the packet link only, by which all is received on one interface; what is for this machine itself goes by another", ErrNoGuard, KindTCX)
		}
	case KindListener, KindNFTables, KindNone:
	default:
		return nil, fmt.Errorf("unknown kind of guard %q: there are %s, %s, %s, %s and %s", kind, KindAuto, KindListener, KindNFTables, KindTCX, KindNone)
	}
	return []Kind{kind}, nil
}

// autoKinds returns the kinds to try for KindAuto, those that need less first.
// A firewall that answers arriving packets does so before they reach the
// kernel's TCP or a listener's filter. Against that only a guard helps that
// acts before the firewall (tcx), or on its answer (nftables).
func autoKinds(dev string, rejects bool) []Kind {
	kinds := []Kind{KindListener, KindNFTables}
	if rejects {
		kinds = []Kind{KindNFTables, KindListener}
	}
	switch {
	case dev == "":
		return kinds
	case rejects:
		return append([]Kind{KindTCX}, kinds...)
	}
	return append(kinds, KindTCX)
}

func (o RangeOptions) scope() (scope, error) {
	s := scope{first: o.First, last: o.Last}
	if s.last < s.first {
		return s, fmt.Errorf("%d-%d is not a range of ports: its first is above its last", s.first, s.last)
	}
	for _, a := range o.Addrs {
		if !a.IsValid() {
			return s, errors.New("a guard over ports of an address needs the address")
		}
		s.addrs = append(s.addrs, a.Unmap())
	}
	return s, nil
}

func openRange(s scope, kinds []Kind, o RangeOptions) (Range, error) {
	var refusals []error
	for _, kind := range kinds {
		g, err := openRangeKind(kind, s, o)
		if err == nil || errors.Is(err, ErrPortInUse) {
			return g, err
		}
		refusals = append(refusals, fmt.Errorf("%s guard: %w", kind, err))
	}
	return nil, fmt.Errorf("%w that keeps the kernel's RSTs from %v: %w", ErrNoGuard, s, errors.Join(refusals...))
}

func openRangeKind(kind Kind, s scope, o RangeOptions) (Range, error) {
	if kind == KindListener {
		return openListeners(s)
	}
	var held held
	if o.Hold {
		var err error
		if held, err = holdAll(s); err != nil {
			return nil, err
		}
	}
	g, err := openShield(kind, s, append([]string{o.Interface}, o.Beside...))
	if err != nil {
		return nil, errors.Join(err, held.close())
	}
	return &heldRange{Shield: g, scope: s, held: held}, nil
}

// openShield opens a guard that holds no port.
func openShield(kind Kind, s scope, taps []string) (Shield, error) {
	switch kind {
	case KindNFTables:
		return openNFTables(s)
	case KindTCX:
		return openTCX(s, taps)
	}
	return none{s}, nil
}

// A heldRange is a guard together with the ports that it holds, if any.
type heldRange struct {
	Shield
	scope scope
	held  held
}

func (g *heldRange) Ports() (first, last uint16) { return g.scope.first, g.scope.last }
func (g *heldRange) Close() error                { return errors.Join(g.Shield.Close(), g.held.close()) }

// held are bound sockets.
type held []*port

func (h held) close() error {
	var errs []error
	for _, p := range h {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// holdAll binds each port of each address.
func holdAll(s scope) (held, error) {
	if err := affordable(s.size() * len(s.bound())); err != nil {
		return nil, err
	}
	var h held
	for _, a := range s.bound() {
		for n := int(s.first); n <= int(s.last); n++ {
			p, err := bindPort(netip.AddrPortFrom(a, uint16(n)))
			if errors.Is(err, unix.EAFNOSUPPORT) && len(s.addrs) == 0 {
				break // this machine lacks one IP version, and nobody asked for it
			}
			if err != nil {
				return nil, errors.Join(err, h.close())
			}
			h = append(h, p)
		}
	}
	return h, nil
}

// CheckFree fails with ErrPortInUse, and names the port, if another socket of
// this machine has one of the ports. Without addresses it checks every address.
func CheckFree(addrs []netip.Addr, first, last uint16) error {
	s, err := RangeOptions{Addrs: addrs, First: first, Last: last}.scope()
	if err != nil {
		return err
	}
	return free(s)
}

// free fails with ErrPortInUse if another socket has one of the ports.
func free(s scope) error {
	for _, a := range s.bound() {
		for n := int(s.first); n <= int(s.last); n++ {
			p, err := bindPort(netip.AddrPortFrom(a, uint16(n)))
			if errors.Is(err, unix.EAFNOSUPPORT) && len(s.addrs) == 0 {
				break
			}
			if err != nil {
				return err
			}
			if err := p.close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// spareDescriptors are left to the rest of the program.
const spareDescriptors = 128

// errDescriptors says that the process may not open so many descriptors.
var errDescriptors = errors.New("too many descriptors")

// affordable refuses more descriptors than the process may open.
func affordable(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	open, _ := os.ReadDir("/proc/self/fd") // without /proc it counts as none
	if uint64(n+len(open))+spareDescriptors > limit.Cur {
		return fmt.Errorf("%w: it takes %d more, one for each port and address, and this process may have %d and has %d: ask for fewer ports, or raise the limit (ulimit -n %d)",
			errDescriptors, n, limit.Cur, len(open), n+len(open)+2*spareDescriptors)
	}
	return nil
}

// Bounds of the blocks that are chosen. Lower ports are commonly those of other
// services.
const (
	lowestBlock = 10000
	maxBlock    = 16384
)

// randomBlock chooses o.Count consecutive ports: in the kernel's ephemeral
// range, which is right for ports that are held, or below it, where the kernel
// assigns none.
func randomBlock(o RangeOptions, own bool) (first, last uint16, err error) {
	low, high, err := ephemeralRange()
	if err != nil {
		return 0, 0, err
	}
	from, to := int(low), int(high)
	if !own && blocks(lowestBlock, int(low)-1, o) > 0 {
		from, to = lowestBlock, int(low)-1
	}
	if blocks(from, to, o) == 0 {
		from, to = lowestBlock, 65535
	}
	at, err := rand.Int(rand.Reader, big.NewInt(int64(blocks(from, to, o))))
	if err != nil {
		return 0, 0, err
	}
	step, from := o.grid(from)
	first = uint16(from + step*int(at.Int64()))
	return first, first + uint16(o.Count-1), nil
}

// blocks returns at how many places o.Count ports fit between two ports.
func blocks(from, to int, o RangeOptions) int {
	step, from := o.grid(from)
	if to-from+1 < o.Count {
		return 0
	}
	return (to-from+1-o.Count)/step + 1
}

// grid says where a block may begin: at the first such port from a port on, and
// at every step from there.
func (o RangeOptions) grid(from int) (step, first int) {
	if !o.Aligned {
		return 1, from
	}
	return o.Count, (from + o.Count - 1) / o.Count * o.Count
}
