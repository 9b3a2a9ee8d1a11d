// A simulated network whose hosts are audited.

package probe

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
)

// An auditNet is a floodNet whose hosts answer a ClientHello as a server of TLS 1.2
// with one suite does, and finish no handshake.
type auditNet struct {
	floodNet
	out     bytes.Buffer
	reply   []byte
	suite   tlsmsg.CipherSuite
	hellos  map[pair][]byte                                               // of each connection, as far as it came
	opened  map[netip.AddrPort]int                                        // connections, of each host
	syns    map[pair]wire.Seq                                             // and the last SYN of each
	instead func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) // a host's answer, if it is another; nth counts its connections
}

// A pair is a connection's addresses and ports, without ours.
type pair struct {
	peer  netip.AddrPort
	local uint16
}

func (n *auditNet) respond(_ *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment {
	p := pair{netip.AddrPortFrom(to, s.DstPort), s.SrcPort}
	if iss, ok := n.syns[p]; s.Flags == wire.SYN && (!ok || iss != s.Seq) {
		n.opened[p.peer]++
		n.syns[p] = s.Seq
		delete(n.hellos, p)
	}
	if n.instead != nil {
		if list, ok := n.instead(p, n.opened[p.peer], s); ok {
			return list
		}
	}
	switch {
	case s.Flags == wire.SYN:
		return []wire.Segment{synAck(s)}
	case s.Flags.Has(wire.RST) || len(s.Payload) == 0 || s.Seq != n.syns[p].Add(1+len(n.hellos[p])): // it comes again, or too soon
		return nil
	}
	n.hellos[p] = append(n.hellos[p], s.Payload...)
	return n.answerTo(n.hellos[p], s)
}

// answerTo is the flight for what offers its suite, and an alert for the rest.
func (n *auditNet) answerTo(hello []byte, s *wire.Segment) (list []wire.Segment) {
	record, _, err := tlsmsg.NextRecord(hello)
	if err == nil && record.Fragment == nil {
		return nil
	}
	flight := []byte{21, 3, 3, 0, 2, 2, 40}
	ch := new(tlsmsg.ClientHello)
	if err == nil && record.Type == tlsmsg.ContentHandshake && tlsmsg.ParseInto(ch, record.Fragment, tlsmsg.Context{}) == nil &&
		ch.Version == tlsmsg.VersionTLS12 && slices.Contains(ch.CipherSuites, n.suite) {
		flight = n.reply
	}
	for at := 0; at < len(flight); at += 1400 {
		list = append(list, wire.Segment{Flags: wire.ACK, Seq: s.Ack.Add(at), Ack: s.End(), Window: 65000, Payload: flight[at:min(at+1400, len(flight))]})
	}
	return list
}

// newAuditNet is a network, and a loop over it that audits all targets.
func newAuditNet(t *testing.T, o Options) *auditNet {
	t.Helper()
	n := &auditNet{syns: map[pair]wire.Seq{}, hellos: map[pair][]byte{}, opened: map[netip.AddrPort]int{}, reply: serverFlight(t)}
	var flight audit.Flight
	flight.Receive(n.reply)
	n.suite = flight.Answer().Hello.CipherSuite
	n.hostile, n.answer = func(netip.Addr) bool { return true }, n.respond
	n.local, n.kinds, n.heard, n.now = netip.MustParseAddr("198.18.0.1"), map[string]int{}, map[netip.AddrPort]wire.Segment{}, tcb.Instant(time.Second)
	if o.AuditConnections == 0 {
		o.AuditConnections = 40
	}
	o.Goal, o.Timeout = GoalFinished, 2*time.Second
	n.loop = loopOver(t, o, n, n.local, &n.out)
	n.loop.clock.read = func() tcb.Instant { return n.now }
	return n
}

// list has it audit the lines of a list.
func (n *auditNet) list(t *testing.T, lines string) {
	t.Helper()
	f := &supply.Feed{Lists: []*targets.List{{Name: "list", From: strings.NewReader(lines)}}, Ports: []uint16{443}, Rules: &targets.Rules{AllowSpecial: true}}
	d := supply.NewDistributor(f, 0, 1)
	n.loop.o.Space = nil
	n.loop.supply([16]byte{1}, d)
	go d.Run(t.Context())
}

func (n *auditNet) turn(t *testing.T) {
	t.Helper()
	n.loop.now = n.loop.instant()
	check(t, n.loop.turn())
}

// run takes the scan to its end, and gives the reports.
func (n *auditNet) run(t *testing.T, most time.Duration) []audited {
	t.Helper()
	l := n.loop
	for !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0) {
		if n.turn(t); time.Duration(n.now) > most {
			t.Fatalf("no end after %v: %+v", most, l.stats)
		}
	}
	return n.end(t)
}

func (n *auditNet) end(t *testing.T) (list []audited) {
	t.Helper()
	n.loop.results.handOver(true)
	check(t, n.loop.results.sink.Close())
	for line := range bytes.Lines(n.out.Bytes()) {
		var r audited
		check(t, json.Unmarshal(line, &r))
		list = append(list, r)
	}
	if len(n.loop.connections.flows) > 0 {
		t.Errorf("%d flows are left", len(n.loop.connections.flows))
	}
	return list
}

type audited struct {
	Addr, Name, Outcome string
	Repeat              bool
	Anomalies           []string
	Audit               *audit.Report
}

// offered are the versions that the server agreed to.
func (a *audited) offered() (list []string) {
	for _, v := range a.Audit.Versions {
		if v.Offered != nil && *v.Offered {
			list = append(list, v.Name)
		}
	}
	return list
}
