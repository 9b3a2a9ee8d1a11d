package probe

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A scriptedNet is a network that does to a loop what a fuzzer's bytes say. Each
// step answers a packet that was sent, rightly or not, or delivers bytes as they
// are; when there are no more, time passes until the loop has given up on all.
type scriptedNet struct {
	link.Ring
	loop   *loop
	local  netip.Addr
	script script
	sent   [][]byte // the first so many packets
}

// keptPackets bounds what a script can choose from.
const keptPackets = 256

func (f *scriptedNet) Queue(packet []byte, _ link.Hop) error {
	if len(f.sent) < keptPackets {
		f.sent = append(f.sent, bytes.Clone(packet))
	}
	return nil
}

// pass is how much later the network is looked at each time.
const pass = 50 * time.Millisecond

func (f *scriptedNet) Receive(_ time.Duration, take func(link.Packet)) error {
	f.loop.epoch = f.loop.epoch.Add(-pass)
	for range f.script.byte() % 8 {
		if p := f.next(); p != nil {
			take(link.Packet{Data: p})
		}
	}
	return nil
}

func (f *scriptedNet) Flush() error          { return nil }
func (f *scriptedNet) Stats() link.RingStats { return link.RingStats{} }
func (f *scriptedNet) Close() error          { return nil }

// next makes the next packet of the script, or nil.
func (f *scriptedNet) next() []byte {
	how := f.script.byte()
	if how < 16 || len(f.sent) == 0 {
		return bytes.Clone(f.script.bytes(int(f.script.byte())))
	}
	of := f.sent[int(f.script.byte())%len(f.sent)]
	to := netip.AddrFrom4([4]byte(of[16:20]))
	if how < 32 {
		return f.unreachable(to, of)
	}
	tcp := of[wire.IPv4HeaderLen:]
	end := wire.Seq(binary.BigEndian.Uint32(tcp[4:])).Add(len(tcp) - int(tcp[12]>>4)*4)
	if wire.Flags(tcp[13]).Has(wire.SYN) {
		end++
	}
	s := wire.Segment{
		SrcPort: binary.BigEndian.Uint16(tcp[2:]), DstPort: binary.BigEndian.Uint16(tcp),
		Flags: wire.Flags(how), Seq: wire.Seq(binary.BigEndian.Uint32(tcp[8:])), Ack: end, Window: 8192,
	}
	if how&0xC0 == 0x40 { // not quite right
		s.Seq = s.Seq.Add(int(int8(f.script.byte())))
		s.Ack = s.Ack.Add(int(int8(f.script.byte())))
		s.Window = uint16(f.script.byte()) << 4
	}
	if s.Payload = f.script.bytes(int(f.script.byte()) << 2); s.Flags.Has(wire.SYN) {
		s.Options.AddMSS(uint16(f.script.byte()))
	}
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: to, Dst: f.local}
	return s.AppendTo(ip.AppendTo(nil, s.HeaderLen()+len(s.Payload)), to, f.local)
}

// unreachable is an ICMP message about a packet.
func (f *scriptedNet) unreachable(from netip.Addr, quoted []byte) []byte {
	m := append([]byte{f.script.byte(), f.script.byte(), 0, 0, 0, 0, f.script.byte(), f.script.byte()}, quoted[:min(28, len(quoted))]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: from, Dst: f.local}
	return append(ip.AppendTo(nil, len(m)), m...)
}

// A script is read byte by byte; behind its end there are zeros.
type script struct{ rest []byte }

func (s *script) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) bytes(n int) []byte {
	b := s.rest[:min(n, len(s.rest))]
	s.rest = s.rest[len(b):]
	return b
}

// Whatever arrives, each target has one record, which is as the schema says, and
// the loop comes to its end with nothing left.
func FuzzLoop(f *testing.F) {
	flight := serverFlight(f)
	answer := func(how byte, of byte, payload []byte) []byte {
		return append([]byte{how, of, byte(len(payload) >> 2)}, payload[:len(payload)&^3]...)
	}
	const synAck, ack, rst = 0x12, 0x90, 0x84 // 0x80: as it should be
	for goal := range byte(5) {
		f.Add([]byte{goal})
		f.Add(append([]byte{goal, 7}, answer(rst, 0, nil)...))
		open := append([]byte{goal, 1}, append(answer(0x80|synAck, 0, nil), 180)...)
		f.Add(open)
		f.Add(append(append(slices.Clone(open), 1), answer(ack, 8, flight[:min(len(flight), 1020)])...))
		f.Add(append(append(slices.Clone(open), 1), answer(ack, 8, []byte("220 mail.test ESMTP\r\n"))...))
		f.Add(append(append(slices.Clone(open), 1), answer(ack, 8, []byte{21, 3, 3, 0, 2, 2, 40, 0})...))
		f.Add(append(slices.Clone(open), 1, 16, 0, 3, 13, 0, 0))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		net := &scriptedNet{local: netip.MustParseAddr("198.18.0.1"), script: script{data}}
		o := options(t, "443", "198.19.0.0/29")
		o.Goal, o.Timeout, o.Request = Goal(net.script.byte()%5), time.Second, []byte("GET / HTTP/1.0\r\n\r\n")
		var out bytes.Buffer
		l := loopOver(t, o, net, net.local, &out)
		net.loop = l
		for turns := 0; !l.admission.ended || l.begun.window.len() > 0 || l.connections.wheel.n > 0; turns++ {
			if turns > 10000 {
				t.Fatalf("no end: %d targets without a record, %d connections timed, %+v", l.begun.window.len(), l.connections.wheel.n, l.stats)
			}
			l.now = l.instant()
			check(t, l.turn())
		}
		l.results.handOver(true)
		check(t, l.results.sink.Close())
		checkOneRecordEach(t, &o, out.Bytes())
		if open := len(l.connections.all) - len(l.connections.free); open > 0 {
			t.Errorf("%d connections are left", open)
		}
	})
}

func checkOneRecordEach(t *testing.T, o *Options, records []byte) {
	t.Helper()
	seen := make(map[string]bool)
	for line := range bytes.Lines(records) {
		var r struct{ Addr, Outcome string }
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if !slices.Contains(record.Outcomes, r.Outcome) || seen[r.Addr] {
			t.Errorf("a second record, or an outcome that there is not: %s", line)
		}
		seen[r.Addr] = true
	}
	if uint64(len(seen)) != o.Space.Len() {
		t.Errorf("%d records of %d targets", len(seen), o.Space.Len())
	}
}
