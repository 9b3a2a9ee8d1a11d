// A port is served, by the address that was called.

package service

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Port is one port that is served, at each of whose addresses another service
// may answer.
type Port struct {
	acceptor
	lines []line
}

type line struct {
	at     netip.Prefix // the zero Prefix: everywhere
	talker talker
}

// Listen makes the listener of a port.
type Listen func(net.ListenConfig) (net.Listener, error)

// Start serves these services on the port for which listen makes a listener. Who
// answers depends on the address called: the narrowest network counts. A
// service that is [Silent] has the port to itself.
func Start(listen Listen, services []Service, certificates Certificates) (*Port, error) {
	p := &Port{}
	config := net.ListenConfig{}
	buffer := 0
	for _, s := range services {
		t, err := newTalker(s, certificates)
		if err != nil {
			_ = p.Close()
			return nil, err
		}
		p.add(s.At, t)
		if buffer = max(buffer, s.ReceiveBuffer); s.Kind == Silent {
			config.Control = deaf
		}
	}
	if config.Control == nil {
		config = ListenConfig(buffer)
	}
	return p, p.start(listen, config)
}

// start begins to serve, or closes the port.
func (p *Port) start(listen Listen, config net.ListenConfig) error {
	ln, err := listen(config)
	if err != nil {
		_ = p.Close()
		return err
	}
	p.accept(ln, p.talk)
	if err := widen(ln); err != nil {
		_ = p.Close()
		return err
	}
	return nil
}

func (p *Port) add(at []netip.Prefix, t talker) {
	if len(at) == 0 {
		p.lines = append(p.lines, line{talker: t})
	}
	for _, network := range at {
		p.lines = append(p.lines, line{network.Masked(), t})
	}
}

// talk gives the connection to whom its address belongs; nobody's is ended.
func (p *Port) talk(c net.Conn) {
	called := addrPort(c.LocalAddr()).Addr()
	var best *line
	for i := range p.lines {
		l := &p.lines[i]
		if l.at.IsValid() && !l.at.Contains(called) {
			continue
		}
		if best == nil || !best.at.IsValid() || l.at.IsValid() && l.at.Bits() > best.at.Bits() {
			best = l
		}
	}
	if best == nil {
		hangup(c)
		return
	}
	best.talker.talk(c)
}

// Close ends the services and their connections.
func (p *Port) Close() error {
	err := p.stop()
	for _, l := range p.lines {
		_ = l.talker.Close()
	}
	return err
}

// ListenConfig makes listeners with a receive buffer of so many bytes, half of
// which the kernel takes for itself; 0 is the kernel's own choice.
func ListenConfig(receiveBuffer int) net.ListenConfig {
	if receiveBuffer == 0 {
		return net.ListenConfig{}
	}
	return net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return withSocket(c, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) })
	}}
}

// deaf makes a listener whose socket filter takes no packet: the kernel drops
// the SYN without a word, and no firewall is needed.
func deaf(_, _ string, c syscall.RawConn) error {
	none := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	prog := unix.SockFprog{Len: uint16(len(none)), Filter: &none[0]}
	return withSocket(c, func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
	})
}

// widen lets many connections wait to be accepted: a scan brings thousands at
// once, and net.Listen takes the bound of the namespace that it knows.
func widen(ln net.Listener) error {
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	return withSocket(raw, func(fd int) error { return unix.Listen(fd, backlog) })
}

const backlog = 1 << 16

// withSocket calls f with a socket's descriptor.
func withSocket(c syscall.RawConn, f func(fd int) error) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}
