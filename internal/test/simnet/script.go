// Peers played by scripts.

package simnet

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A script is a conversation between an endpoint, "we", with a user above it,
// and a peer that the script plays. One line is one thing that happens, in
// order; what we say must be expected, all of it. Blank lines mean nothing, nor
// does what begins with a #, and at the end of a line with two spaces and a #.
//
//	with receive=1000 mss=1000     how our connections are: see scriptSettings
//	we listen                      on port 80; or: we open
//	peer SYN seq=0 mss=1000        from port 1000, unless there is port=N
//	we SYN-ACK seq=0 ack=1         fields that are left out may be anything
//	user writes "hello"            or writes 5000; reads "hello"; reads 5000;
//	                               ends; closes; aborts; sees EOF
//	router port-unreachable seq=1  or: router fragmentation-needed 1000 seq=1
//	wait 1s                        what we say meanwhile comes in the next lines
//	we are ESTABLISHED
//	we are silent
//	we end well                    or: we end refused, reset, timeout,
//	                               unreachable, aborted
//
// A segment is its flags, and fields: seq and ack (relative to the initial
// sequence numbers), win, urg, mss, ws, sackok, ts=VAL,ECR, sack=FROM-TO,…,
// raw=HEX (options as they stand), len=N, "text", port=N, and damaged.
type script struct {
	net    *Network
	host   *Host
	judge  *bystander
	cfg    []func(*tcb.Config)
	listen *endpoint.Listening
	flows  map[uint16]*talk
	said   []seen
	line   string
}

// talk is the state for one of the peer's ports.
type talk struct {
	iss   wire.Seq // ours
	known bool
	flow  *endpoint.Flow
}

// The two ends of a script, and the peer's initial sequence number: shortly
// before the wrap.
const (
	scriptIRS  = wire.Seq(0xfffffff0)
	scriptISS  = wire.Seq(0xfffffffa)
	scriptPort = 1000
)

var (
	scriptWe   = netip.MustParseAddr("198.18.0.1")
	scriptPeer = netip.MustParseAddr("198.18.0.2")
)

// PlayScript plays a script, and returns an error that says where the
// conversation differs from it.
func PlayScript(text string) error {
	s := &script{net: New(), flows: map[uint16]*talk{}}
	s.judge = newBystander(s.net, func(string, string) {})
	s.net.Watch = s
	s.host = s.net.Host("we", scriptWe, endpoint.Config{Secret: [32]byte{1}})
	for i, line := range strings.Split(text, "\n") {
		s.line = strings.TrimSpace(line)
		s.line, _, _ = strings.Cut(s.line, "  #")
		s.line = strings.TrimSpace(s.line)
		if s.line == "" || s.line[0] == '#' {
			continue
		}
		err := s.play()
		if err == nil {
			err = s.net.Err()
		}
		if err != nil {
			return fmt.Errorf("line %d, %q: %w", i+1, s.line, err)
		}
	}
	if err := s.silent(); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return nil
}

// The methods of Watcher: what we send is kept, and checked.

func (s *script) Sent(from *Host, packet []byte) {
	s.judge.Sent(from, packet)
	var p seen
	if err := p.read(append([]byte(nil), packet...)); err != nil {
		s.net.Failf("%w", err)
		return
	}
	if t := s.talk(p.Segment.DstPort); p.Segment.Flags.Has(wire.SYN) {
		t.iss, t.known = p.Segment.Seq, true
	}
	s.said = append(s.said, p)
}

func (s *script) Fate(*Host, []byte, string) {}

func (s *script) Arrives(to *Host, packet []byte, damaged bool) {
	if !damaged {
		s.judge.stranger(packet)
	}
	s.judge.Arrives(to, packet, damaged)
}

func (s *script) talk(port uint16) *talk {
	if s.flows[port] == nil {
		s.flows[port] = &talk{iss: scriptISS}
	}
	return s.flows[port]
}

// play does what a line says.
func (s *script) play() error {
	who, rest, _ := strings.Cut(s.line, " ")
	rest = strings.TrimSpace(rest)
	switch who {
	case "with":
		return s.settings(rest)
	case "we":
		return s.we(rest)
	case "peer":
		return s.peer(rest)
	case "user":
		return s.user(rest)
	case "router":
		return s.router(rest)
	case "wait":
		d, err := time.ParseDuration(rest)
		s.net.RunFor(d)
		return err
	}
	return fmt.Errorf("nobody is called %q", who)
}

// scriptSettings are the words of "with": a number or a duration each.
var scriptSettings = map[string]func(c *tcb.Config, n int, d time.Duration){
	"receive":      func(c *tcb.Config, n int, _ time.Duration) { c.ReceiveBuffer = n },
	"send":         func(c *tcb.Config, n int, _ time.Duration) { c.SendBuffer = n },
	"mss":          func(c *tcb.Config, n int, _ time.Duration) { c.MSS = uint16(n) },
	"user-timeout": func(c *tcb.Config, _ int, d time.Duration) { c.UserTimeout = d },
	"syn-timeout":  func(c *tcb.Config, _ int, d time.Duration) { c.SYNTimeout = d },
	"keep-alive":   func(c *tcb.Config, _ int, d time.Duration) { c.KeepAlive = d },
	"ack-delay":    func(c *tcb.Config, _ int, d time.Duration) { c.AckDelay = d },
	"plain":        func(c *tcb.Config, _ int, _ time.Duration) { c.SYNOptions = []wire.Option{{Kind: wire.OptMSS}} },
	"nagle":        func(c *tcb.Config, _ int, _ time.Duration) { c.Nagle = true },
}

func (s *script) settings(rest string) error {
	for _, w := range strings.Fields(rest) {
		key, val, _ := strings.Cut(w, "=")
		set := scriptSettings[key]
		if set == nil {
			return fmt.Errorf("there is no setting %q", key)
		}
		n, _ := strconv.Atoi(val)
		d, _ := time.ParseDuration(val)
		s.cfg = append(s.cfg, func(c *tcb.Config) { set(c, n, d) })
	}
	return nil
}

func (s *script) configure(c *tcb.Config) {
	if !c.SYNSent {
		c.ISS = scriptISS
	}
	c.AckDelay = -1
	for _, set := range s.cfg {
		set(c)
	}
}

func (s *script) we(rest string) error {
	verb, arg, _ := strings.Cut(rest, " ")
	switch verb {
	case "listen":
		backlog, _ := strconv.Atoi(strings.TrimPrefix(arg, "backlog="))
		s.listen = &endpoint.Listening{Local: addr(scriptWe, listenPort), Backlog: backlog, Configure: s.configure}
		return s.host.Endpoint.Listen(s.listen)
	case "open":
		return s.open()
	case "are":
		if arg == "silent" {
			return s.silent()
		}
		return s.state(arg)
	case "end":
		return s.end(arg)
	}
	return s.expect(rest)
}

func (s *script) open() error {
	local, remote := addr(scriptWe, listenPort), addr(scriptPeer, scriptPort)
	cfg := s.host.Endpoint.Config(s.net.now, local, remote)
	s.configure(&cfg)
	m := tcb.New(cfg)
	f, err := s.host.Endpoint.Attach(local, remote, m)
	if err != nil {
		return err
	}
	s.talk(scriptPort).flow = f
	m.Open(s.net.now)
	s.touch(f)
	return nil
}

func (s *script) touch(f *endpoint.Flow) {
	s.host.Endpoint.Touch(f)
	s.host.Flush()
}

// flow is the connection with the peer's first port, accepted if necessary.
func (s *script) flow() (*endpoint.Flow, error) {
	t := s.talk(scriptPort)
	if s.listen != nil {
		if f := s.listen.Accept(); f != nil {
			s.talk(f.Remote.Port()).flow = f
		}
	}
	if t.flow == nil {
		return nil, errors.New("there is no connection with the peer's port 1000")
	}
	return t.flow, nil
}

func (s *script) state(want string) error {
	f, err := s.flow()
	if err == nil && f.Machine.State().String() != want {
		return fmt.Errorf("we are %v (%v)", f.Machine.State(), f.Machine.Err())
	}
	return err
}

var scriptEnds = map[string]error{
	"well": nil, "refused": tcb.ErrRefused, "reset": tcb.ErrReset, "timeout": tcb.ErrTimeout,
	"unreachable": tcb.ErrUnreachable, "aborted": tcb.ErrAborted,
}

func (s *script) end(how string) error {
	f, err := s.flow()
	want, ok := scriptEnds[how]
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("there is no end %q", how)
	case f.Machine.State() != tcb.Closed:
		return fmt.Errorf("we are %v", f.Machine.State())
	case !errors.Is(f.Machine.Err(), want):
		return fmt.Errorf("we end with %v", f.Machine.Err())
	}
	return nil
}

// silent fails if we have sent something unexpected.
func (s *script) silent() error {
	if len(s.said) > 0 {
		return fmt.Errorf("we say %s", s.show(&s.said[0]))
	}
	return nil
}

func (s *script) show(p *seen) string {
	t := s.talk(p.Segment.DstPort)
	g := &p.Segment
	text := fmt.Sprintf("%v seq=%d ack=%d win=%d urg=%d", g.Flags, g.Seq.Minus(t.iss), g.Ack.Minus(scriptIRS), g.Window, g.Urgent)
	return text + describeOptions(g, scriptIRS) + fmt.Sprintf(" port=%d len=%d %.60q", g.DstPort, len(g.Payload), g.Payload)
}

func (s *script) user(rest string) error {
	f, err := s.flow()
	if err != nil {
		return err
	}
	m := f.Machine
	verb, arg, _ := strings.Cut(rest, " ")
	switch verb {
	case "writes":
		p := scriptText(arg)
		if n := m.Write(p); n != len(p) {
			return fmt.Errorf("%d of %d octets were taken", n, len(p))
		}
	case "reads":
		p := scriptText(arg)
		got := m.Peek()
		if arg[0] != '"' && len(p) == len(got) {
			p = got
		}
		if string(got) != string(p) {
			return fmt.Errorf("there are %d octets to read: %.60q", len(got), got)
		}
		m.Discard(len(p))
	case "ends":
		m.CloseWrite()
	case "closes":
		m.Close()
	case "aborts":
		m.Abort()
	case "sees":
		if !m.EOF() {
			return fmt.Errorf("no EOF, and %d octets to read", len(m.Peek()))
		}
		return nil
	default:
		return fmt.Errorf("a user cannot %q", verb)
	}
	s.touch(f)
	return nil
}

// scriptText is a text in quotes, or so many octets.
func scriptText(arg string) []byte {
	if text, ok := strings.CutPrefix(arg, `"`); ok {
		return []byte(strings.TrimSuffix(text, `"`))
	}
	n, _ := strconv.Atoi(arg)
	return []byte(strings.Repeat("x", n))
}

// router sends an ICMP message about one of our segments.
func (s *script) router(rest string) error {
	words := strings.Fields(rest)
	codes := map[string]byte{"network-unreachable": 0, "host-unreachable": 1, "protocol-unreachable": 2, "port-unreachable": 3, "fragmentation-needed": 4, "prohibited": 13}
	code, ok := codes[words[0]]
	if !ok {
		return fmt.Errorf("a router does not say %q", words[0])
	}
	mtu, seq := 0, 0
	for _, w := range words[1:] {
		if v, is := strings.CutPrefix(w, "seq="); is {
			seq, _ = strconv.Atoi(v)
		} else {
			mtu, _ = strconv.Atoi(w)
		}
	}
	ours := wire.Segment{SrcPort: listenPort, DstPort: scriptPort, Seq: s.talk(scriptPort).iss.Add(seq), Flags: wire.ACK, Payload: make([]byte, 1400)}
	s.host.Take(unreachable(segmentPacket(scriptWe, scriptPeer, &ours), code, mtu))
	return nil
}

func (s *script) peer(rest string) error {
	g, raw, damaged, err := s.segment(rest, true)
	if err != nil {
		return err
	}
	packet := segmentPacket(scriptPeer, scriptWe, g)
	if len(raw) > 0 { // replaces as many NOPs
		tcp := packet[wire.IPv4HeaderLen:]
		copy(tcp[wire.TCPHeaderLen:], raw)
		wire.CompleteTCPChecksum(tcp, scriptPeer, scriptWe)
	}
	if damaged {
		packet[len(packet)-1] ^= 1
	}
	s.host.take(packet, damaged)
	return nil
}

// expect takes the next segment that we sent, which must be as the line says.
func (s *script) expect(rest string) error {
	want, _, _, err := s.segment(rest, false)
	if err != nil {
		return err
	}
	if len(s.said) == 0 {
		return errors.New("we say nothing")
	}
	p := s.said[0]
	s.said = s.said[1:]
	if why := differs(" "+rest, &p.Segment, want); why != "" {
		return fmt.Errorf("we say %s: another %s", s.show(&p), why)
	}
	return nil
}
