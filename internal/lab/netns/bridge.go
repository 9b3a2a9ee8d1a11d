// A link with an impairment is not one veth pair but two, and between them, in a
// namespace of its own, a bridge of ours: it takes each frame by AF_PACKET, asks
// package netem what happens to it, and sends it on when it is due. The kernels at
// both ends do not offload anything, so that a frame is a packet.

package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/netem"
)

// A BridgeConfig says what a bridge does to the frames that it carries.
type BridgeConfig struct {
	Impairment netem.Impairment
	Seed       uint64
	Link       int       // links of one seed differ by their numbers
	Log        io.Writer // a line for each frame with another fate than most; may be nil
}

// A Bridge carries frames between two interfaces.
type Bridge struct {
	effects *netem.Effects
	lines   [2]*frameLine
	mtx     sync.Mutex // guards effects and log, and what becomes of one frame
	log     io.Writer  // may be nil
	ends    [2]*os.File
	done    chan struct{}
	wg      sync.WaitGroup
}

// bridgeBuffer holds any frame: 64 KiB and an Ethernet header.
const bridgeBuffer = 1<<16 + 64

// StartBridge carries frames between two interfaces of a namespace.
func StartBridge(s *Space, names [2]string, c BridgeConfig) (*Bridge, error) {
	b := &Bridge{effects: netem.NewEffects(c.Impairment, c.Seed, c.Link), log: c.Log, done: make(chan struct{})}
	for i, name := range names {
		f, err := openFrames(s, name)
		if err != nil {
			_ = b.Close()
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		b.ends[i] = f
	}
	for i := range b.ends {
		line := newFrameLine(c.Impairment)
		b.lines[i] = line
		b.wg.Go(func() { b.take(b.ends[i], line) })
		b.wg.Go(func() { line.deliver(b.ends[1-i], b.done) })
	}
	return b, nil
}

// Change makes the link another one for the frames to come.
func (b *Bridge) Change(w netem.Impairment) {
	b.mtx.Lock()
	b.effects.Change(w)
	b.mtx.Unlock()
	for _, line := range b.lines {
		line.mu.Lock()
		line.line.Change(w)
		line.mu.Unlock()
	}
}

// openFrames opens an AF_PACKET socket on an interface.
func openFrames(s *Space, name string) (f *os.File, err error) {
	err = s.Do(func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer h.Close()
		link, err := h.LinkByName(name)
		if err != nil {
			return err
		}
		all := uint16(unix.ETH_P_ALL)
		proto := all<<8 | all>>8
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueMemory) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueMemory) // up to net.core.rmem_max
		}
		err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
		if err == nil {
			err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: link.Attrs().Index})
		}
		if err != nil {
			_ = unix.Close(fd)
			return err
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

const queueMemory = 8 << 20

// take reads frames and puts them on the line.
func (b *Bridge) take(from *os.File, line *frameLine) {
	buf := make([]byte, bridgeBuffer)
	for {
		n, err := from.Read(buf)
		if err != nil {
			if errors.Is(err, unix.ENETDOWN) { // said once, when the interface goes
				continue
			}
			return
		}
		b.carry(append([]byte(nil), buf[:n]...), line)
	}
}

// carry puts a frame on the line, and logs what became of it. A change comes
// before all of that or after it, so that the log never tells of an impairment
// that is no more.
func (b *Bridge) carry(frame []byte, line *frameLine) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	effect, who := b.decide(frame)
	b.note(who, effect, line.put(frame, effect))
}

const ethernetHeader = 14

// decide asks for a frame's effect, and for its name if it has one. The caller
// holds the lock.
func (b *Bridge) decide(frame []byte) (effect netem.Effect, who netem.Identity) {
	if len(frame) < ethernetHeader {
		return effect, who
	}
	switch uint16(frame[12])<<8 | uint16(frame[13]) {
	case unix.ETH_P_IP, unix.ETH_P_IPV6:
	default:
		return effect, who
	}
	return b.effects.Decide(frame[ethernetHeader:])
}

// note logs what became of a frame where it is not the usual thing. The caller
// holds the lock.
func (b *Bridge) note(who netem.Identity, effect netem.Effect, room bool) {
	if b.log == nil || who == (netem.Identity{}) {
		return
	}
	switch {
	case effect.Lost:
		fmt.Fprintf(b.log, "lost       %s\n", who)
		return
	case !room:
		fmt.Fprintf(b.log, "no room    %s\n", who)
		return
	}
	if effect.Twice {
		fmt.Fprintf(b.log, "doubled    %s\n", who)
	}
	if effect.OvertakenBy > 0 {
		fmt.Fprintf(b.log, "overtaken  %s\n", who)
	}
}

// Close ends the bridge; what is under way is lost.
func (b *Bridge) Close() error {
	close(b.done)
	for _, f := range b.ends {
		if f != nil {
			b.noteMissed(f)
			_ = f.Close()
		}
	}
	b.wg.Wait()
	return nil
}

// noteMissed logs how many frames the kernel could not keep for us. None of
// them has a name, and they are others in each run.
func (b *Bridge) noteMissed(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil || b.log == nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		s, err := unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil && s.Drops > 0 {
			b.mtx.Lock()
			defer b.mtx.Unlock()
			fmt.Fprintf(b.log, "missed     %d frames for which this machine had no time or no memory\n", s.Drops)
		}
	})
}

// A frameLine is a netem.Line that several goroutines may use.
type frameLine struct {
	mu   sync.Mutex
	line *netem.Line
	wake chan struct{} // holds one token: there is something new to look at
}

func newFrameLine(w netem.Impairment) *frameLine {
	return &frameLine{line: netem.NewLine(w), wake: make(chan struct{}, 1)}
}

// put reports whether there was room for the frame.
func (l *frameLine) put(frame []byte, effect netem.Effect) bool {
	l.mu.Lock()
	room := l.line.Put(time.Now(), frame, effect)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return room
}

// deliver sends what is due until done.
func (l *frameLine) deliver(to *os.File, done <-chan struct{}) {
	for {
		l.mu.Lock()
		frame, wait := l.line.Take(time.Now())
		l.mu.Unlock()
		if frame != nil {
			if _, err := to.Write(frame); errors.Is(err, os.ErrClosed) {
				return
			}
			continue
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-l.wake:
		case <-due:
		case <-done:
			return
		}
	}
}

// OffloadsOff makes the kernel send segments by an interface as the wire would
// carry them, one by one and with their checksums.
func (s *Space) OffloadsOff(name string) error {
	return s.Do(func() error {
		for _, command := range []uint32{unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO, unix.ETHTOOL_SGRO, unix.ETHTOOL_STXCSUM} {
			if err := ethtoolOff(name, command); err != nil {
				return err
			}
		}
		return nil
	})
}

// ethtoolOff sets one of an interface's switches to 0 (linux/ethtool.h).
func ethtoolOff(device string, command uint32) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := struct{ command, data uint32 }{command: command}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(&value)
	if errno != 0 {
		return fmt.Errorf("ethtool command %#x on %s: %w", command, device, errno)
	}
	return nil
}
